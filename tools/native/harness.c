/*
 * Runs single instructions on the host processor: the oracle of the semantics.
 *
 * Reads instances from standard input and writes an outcome for each (layout: instance.ts). Each instance's registers
 * are loaded by returning from a signal handler with TF set, so that the processor stops after one instruction, by a
 * debug trap or by the exception that the instruction raises; the handler then takes the outcome from the signal frame
 * and loads the next. The instruction sees one data page with nothing mapped around it, of which the last WINDOW bytes
 * come with the instance.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define DATA_PAGE 0x30000000ul
#define CODE_PAGE 0x5a5a0000ul
#define PAGE 4096ul
#define WINDOW 256ul
#define CODE_OFFSET 0x800ul
#define TRAP_FLAG 0x100ul
/* CF PF AF ZF SF DF OF */
#define LOADED_FLAGS 0xcd5ul
/* x87, MMX, MXCSR and XMM registers: the beginning of the image that FXSAVE64 makes, which signal frames have too. */
#define FPU 416ul
/* Where the XSAVE header of a signal frame says which parts of the state it holds. */
#define XSTATE_BV 512ul
#define LEGACY_PARTS 3ul
#define DEBUG_TRAP 1
#define BREAKPOINT 3

struct instance {
  uint64_t registers[16];
  uint64_t rflags;
  uint8_t code[16];
  uint32_t length;
  /* A repeated string instruction: a debug trap would come after each iteration, so a breakpoint follows it instead. */
  uint32_t repeats;
  uint8_t window[WINDOW];
  uint8_t fpu[FPU];
};

struct outcome {
  uint64_t registers[16];
  uint64_t rflags;
  uint64_t rip;
  uint64_t vector;
  uint64_t error_code;
  uint64_t cr2;
  /* Nonzero if the data page changed outside the window. */
  uint64_t strayed;
  uint8_t window[WINDOW];
  uint8_t fpu[FPU];
};

/* The numbering of instructions, in the order of the signal frame's names. */
static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static struct instance *instances;
static struct outcome *outcomes;
static size_t count, current;
static int started;
static greg_t caller[NGREG];
static uint8_t caller_fpu[FPU];

static uint8_t *const data = (uint8_t *)DATA_PAGE;
static uint8_t *const window = (uint8_t *)(DATA_PAGE + PAGE - WINDOW);
static uint8_t *const code = (uint8_t *)(CODE_PAGE + CODE_OFFSET);

static int clear_strayed(void) {
  int strayed = 0;
  for (uint64_t *word = (uint64_t *)data; word < (uint64_t *)window; word++) {
    if (*word != 0) strayed = 1;
    *word = 0;
  }
  return strayed;
}

static void take(const greg_t *gregs, const uint8_t *fpu) {
  struct outcome *to = &outcomes[current];
  for (int i = 0; i < 16; i++) to->registers[i] = (uint64_t)gregs[order[i]];
  to->rflags = (uint64_t)gregs[REG_EFL] & ~TRAP_FLAG;
  to->rip = (uint64_t)gregs[REG_RIP];
  to->vector = (uint64_t)gregs[REG_TRAPNO];
  to->error_code = (uint64_t)gregs[REG_ERR];
  to->cr2 = (uint64_t)gregs[REG_CR2];
  to->strayed = (uint64_t)clear_strayed();
  memcpy(to->window, window, WINDOW);
  memcpy(to->fpu, fpu, FPU);
}

static void load_fpu(uint8_t *into, const uint8_t *from) {
  memcpy(into, from, FPU);
  *(uint64_t *)(into + XSTATE_BV) |= LEGACY_PARTS;
}

static void load(greg_t *gregs, uint8_t *fpu) {
  const struct instance *from = &instances[current];
  for (int i = 0; i < 16; i++) gregs[order[i]] = (greg_t)from->registers[i];
  gregs[REG_EFL] = (greg_t)((from->rflags & LOADED_FLAGS) | 0x202 | (from->repeats ? 0 : TRAP_FLAG));
  gregs[REG_RIP] = (greg_t)code;
  memcpy(code, from->code, sizeof from->code);
  if (from->repeats) code[from->length] = 0xcc;
  memcpy(window, from->window, WINDOW);
  load_fpu(fpu, from->fpu);
}

static void on_signal(int number, siginfo_t *info, void *context) {
  mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
  greg_t *gregs = machine->gregs;
  uint8_t *fpu = (uint8_t *)machine->fpregs;
  (void)number;
  (void)info;
  if (!started) {
    started = 1;
    memcpy(caller, gregs, sizeof caller);
    memcpy(caller_fpu, fpu, FPU);
    load(gregs, fpu);
    return;
  }
  if (gregs[REG_TRAPNO] == BREAKPOINT && instances[current].repeats) {
    gregs[REG_TRAPNO] = DEBUG_TRAP;
    gregs[REG_RIP]--;
  }
  take(gregs, fpu);
  if (++current < count) {
    load(gregs, fpu);
    return;
  }
  memcpy(gregs, caller, sizeof caller);
  load_fpu(fpu, caller_fpu);
}

static void *map(uint64_t address, int protection) {
  void *at = mmap((void *)address, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (at != (void *)address) {
    perror("mmap");
    exit(1);
  }
  return at;
}

static void install(void) {
  static uint8_t stack[1 << 16];
  const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  sigaltstack(&alternate, NULL);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

int main(void) {
  size_t room = 1024;
  instances = malloc(room * sizeof *instances);
  while (instances != NULL && fread(&instances[count], sizeof *instances, 1, stdin) == 1) {
    if (++count < room) continue;
    room *= 2;
    instances = realloc(instances, room * sizeof *instances);
  }
  outcomes = calloc(count + 1, sizeof *outcomes);
  if (instances == NULL || outcomes == NULL) return 1;
  map(DATA_PAGE, PROT_READ | PROT_WRITE);
  map(CODE_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
  install();
  if (count > 0) __asm__ volatile("int3" ::: "memory");
  return fwrite(outcomes, sizeof *outcomes, count, stdout) == count ? 0 : 1;
}
