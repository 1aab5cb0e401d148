/* Times the loops of loops.S on the processor that runs it: ROUNDS NUMBER... prints nanoseconds of processor time for each loop. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

extern uint8_t loops[];
static uint8_t data[1 << 17] __attribute__((aligned(4096)));

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int count, char **values) {
  uint64_t rounds = strtoull(values[1], NULL, 10);
  for (int at = 2; at < count; at++) {
    uint8_t *loop = loops + 256 * strtoul(values[at], NULL, 10);
    void *to = data;
    uint64_t times = rounds;
    double before = now();
    __asm__ volatile("call *%2"
                     : "+D"(to), "+c"(times)
                     : "r"(loop)
                     : "rax", "rbx", "rdx", "rsi", "r8", "r9", "r10", "xmm0", "xmm1", "xmm2", "xmm3", "memory", "cc");
    printf("%.0f\n", now() - before);
  }
  return 0;
}
