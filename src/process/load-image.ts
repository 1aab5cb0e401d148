/**
 * Puts a program into the address space of the thread that runs: its segments as private mappings of the file, zeros
 * behind them, a heap, and a stack with arguments, environment and auxiliary vector (System V ABI, AMD64 supplement 3.4).
 *
 * Left out: the stack does not grow, it is mapped whole; nothing is randomised; no vDSO.
 */
import { PAGE_BYTES } from '../arch/address.ts';
import { ERRNO } from '../arch/linux-errno.ts';
import type { Kernel } from '../kernel/hardware.ts';
import type { Executable, Segment } from './elf.ts';
import type { FileInode } from './files/inode.ts';
import type { Thread } from './thread.ts';
import { concatenate, copyToUser, encodeBytes } from './user-memory.ts';
import { RSP } from './user-registers.ts';

export interface Program {
  readonly inode: FileInode;
  readonly executable: Executable;
  /** The path that it was executed by, for AT_EXECFN. */
  readonly path: string;
  readonly args: readonly string[];
  readonly environment: readonly string[];
}

const PAGE = BigInt(PAGE_BYTES);
const STACK_TOP = 0x7fff_ffff_f000n;
export const STACK_BYTES = 8n << 20n;
/** Where a static-PIE goes without address randomisation. */
export const PIE_BASE = 0x5555_5555_4000n;

const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;

const AT = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  PLATFORM: 15,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  RANDOM: 25,
  HWCAP2: 26,
  EXECFN: 31,
} as const;

/** The thread is current in an empty address space. Result: 0, or a negative errno. Throws Segfault. */
export function* loadImage(thread: Thread, program: Program): Kernel<number> {
  const { executable, inode } = program;
  const bias = executable.relocatable ? PIE_BASE : 0n;
  let end = 0n;
  for (const segment of executable.segments) {
    const failure = yield* loadSegment(thread, inode, segment, bias);
    if (failure < 0) return failure;
    end = roundUp(bias + segment.address + segment.memoryBytes);
  }
  const { kernel } = thread.userland;
  kernel.set_brk(thread.process.mm, end);
  const stack = yield* kernel.sys_mmap(thread.cpu, {
    address: STACK_TOP - STACK_BYTES,
    length: STACK_BYTES,
    prot: PROT_READ | PROT_WRITE | (executable.executableStack ? PROT_EXEC : 0),
    fixed: true,
  });
  if (stack < 0n) return Number(stack);
  const { registers } = thread;
  registers.reset();
  registers.general[RSP] = yield* writeStack(thread, program, bias);
  registers.rip = bias + executable.entry;
  return 0;
}

function* loadSegment(thread: Thread, inode: FileInode, segment: Segment, bias: bigint): Kernel<number> {
  const { kernel } = thread.userland;
  const { flags, fileBytes, fileOffset, memoryBytes } = segment;
  const prot = (flags & 4 ? PROT_READ : 0) | (flags & 2 ? PROT_WRITE : 0) | (flags & 1 ? PROT_EXEC : 0);
  const start = bias + segment.address;
  const first = start - (start % PAGE);
  const fileEnd = start + BigInt(fileBytes);
  const end = roundUp(start + memoryBytes);
  let mapped = first;
  if (fileBytes > 0) {
    mapped = roundUp(fileEnd);
    const object = { ...mappedFile(inode), offset: BigInt(fileOffset) - (start % PAGE) };
    const result = yield* kernel.sys_mmap(thread.cpu, {
      address: first,
      length: mapped - first,
      prot,
      fixed: true,
      object,
    });
    if (result < 0n) return Number(result);
    // What the file has behind the segment must not show in its last page; where that is not writable, nobody expects zeros.
    if (memoryBytes > BigInt(fileBytes) && (prot & PROT_WRITE) !== 0) {
      yield* copyToUser(fileEnd, new Uint8Array(Number(mapped - fileEnd)));
    }
  }
  if (end <= mapped) return 0;
  const zeros = yield* kernel.sys_mmap(thread.cpu, { address: mapped, length: end - mapped, prot, fixed: true });
  return zeros < 0n ? Number(zeros) : 0;
}

/** A file as the kernel maps it: what was written since an earlier mapping shows in later ones. */
export function mappedFile({ ino, data }: FileInode): { readonly file: string; readonly content: FileInode['data'] } {
  return { file: `inode ${ino} version ${data.version}`, content: data };
}

/** Result: the stack pointer. */
function* writeStack(thread: Thread, program: Program, bias: bigint): Kernel<bigint> {
  const { executable, args, environment, path } = program;
  const strings: Uint8Array[] = [];
  let at = STACK_TOP;
  const push = (bytes: Uint8Array): bigint => {
    at -= BigInt(bytes.length);
    strings.unshift(bytes);
    return at;
  };
  push(new Uint8Array(8));
  const pushString = (text: string): bigint => push(encodeBytes(`${text}\0`));
  const execfn = pushString(path);
  const environmentAt = [...environment].reverse().map(pushString).reverse();
  const argumentsAt = [...args].reverse().map(pushString).reverse();
  const platform = pushString('x86_64');
  const random = push(Uint8Array.from({ length: 16 }, () => thread.userland.random.below(256)));
  const vector: readonly (readonly [number, bigint])[] = [
    [AT.HWCAP, BigInt(thread.userland.hardwareCapabilities)],
    [AT.PAGESZ, PAGE],
    [AT.CLKTCK, 100n],
    [AT.PHDR, bias + executable.headersAddress],
    [AT.PHENT, BigInt(executable.headerBytes)],
    [AT.PHNUM, BigInt(executable.headerCount)],
    [AT.BASE, 0n],
    [AT.FLAGS, 0n],
    [AT.ENTRY, bias + executable.entry],
    [AT.UID, 0n],
    [AT.EUID, 0n],
    [AT.GID, 0n],
    [AT.EGID, 0n],
    [AT.SECURE, 0n],
    [AT.RANDOM, random],
    [AT.HWCAP2, 0n],
    [AT.EXECFN, execfn],
    [AT.PLATFORM, platform],
    [AT.NULL, 0n],
  ];
  const words = [
    BigInt(args.length),
    ...argumentsAt,
    0n,
    ...environmentAt,
    0n,
    ...vector.flatMap(([key, value]) => [BigInt(key), value]),
  ];
  const table = new Uint8Array(words.length * 8);
  const view = new DataView(table.buffer);
  for (const [index, word] of words.entries()) view.setBigUint64(index * 8, word, true);
  const pointer = (at - BigInt(table.length)) & ~15n;
  yield* copyToUser(at, concatenate(strings));
  yield* copyToUser(pointer, table);
  return pointer;
}

/** Whether strings and tables fit: a quarter of the stack, as Linux has it. */
export function argumentsFit(args: readonly string[], environment: readonly string[]): boolean {
  const bytes = [...args, ...environment].reduce((sum, text) => sum + text.length + 1 + 8, 0);
  return BigInt(bytes) <= STACK_BYTES / 4n;
}

export const TOO_BIG = -ERRNO.E2BIG;

function roundUp(address: bigint): bigint {
  return ((address + PAGE - 1n) / PAGE) * PAGE;
}
