/** System calls about processes: making, replacing, ending and awaiting them, and who they are. */
import { CLONE } from '../../arch/linux-abi.ts';
import { ERRNO, RESTART } from '../../arch/linux-errno.ts';
import { SIGNAL } from '../../arch/linux-signal.ts';
import { enterProgram, findProgram } from '../execute.ts';
import { endProcess, reap } from '../exit.ts';
import { live } from '../live.ts';
import type { Ending, Process } from '../process.ts';
import type { ThreadCode } from '../program-code.ts';
import type { Thread } from '../thread.ts';
import { copyToUser, read64, readBytes, readPath, readString, write32 } from '../user-memory.ts';
import { copyRegisters, FS, RAX, RSP } from '../user-registers.ts';
import { type CallHandler, type CallTable, int, unsigned } from './call.ts';

const CLONE_PARENT_SETTID = 0x10_0000;
const CLONE_CHILD_CLEARTID = 0x20_0000;
const CLONE_CHILD_SETTID = 0x100_0000;
const EXIT_SIGNAL = 0xff;
/** Namespaces and the like. */
const UNKNOWN_TO_US = 0x7e02_0000 | 0x80 | 0x1000;

interface CloneRequest {
  readonly flags: number;
  readonly exitSignal: number;
  /** 0: the parent's. */
  readonly stack: bigint;
  readonly parentTid: bigint;
  readonly childTid: bigint;
  readonly tls: bigint;
}

const FORK: CloneRequest = { flags: 0, exitSignal: SIGNAL.SIGCHLD, stack: 0n, parentTid: 0n, childTid: 0n, tls: 0n };

const WNOHANG = 1;
const WAIT_FLAGS = 0xe000_000b;
const STRINGS_LIMIT = 65536;
const STRING_BYTES = 131072;

const identity: CallHandler = () => 0;

export const taskCalls: CallTable = {
  fork: (thread) => clone(thread, FORK),
  vfork: (thread) => clone(thread, { ...FORK, flags: CLONE.CLONE_VM | CLONE.CLONE_VFORK }),

  clone: (thread, [flags, stack, parentTid, childTid, tls]) =>
    clone(thread, {
      flags: unsigned(flags) & ~EXIT_SIGNAL,
      exitSignal: unsigned(flags) & EXIT_SIGNAL,
      stack,
      parentTid,
      childTid,
      tls,
    }),

  *clone3(thread, [address, bytes]) {
    if (bytes < 64n || bytes > 4096n) return -ERRNO.EINVAL;
    const args = new DataView((yield* readBytes(address, Number(bytes))).buffer);
    const word = (index: number): bigint => args.getBigUint64(index * 8, true);
    const [stack, stackBytes] = [word(5), word(6)];
    if (word(0) > 0xffff_ffffn) return -ERRNO.EINVAL;
    return yield* clone(thread, {
      flags: Number(word(0)),
      exitSignal: Number(word(4)),
      stack: stack + stackBytes,
      parentTid: word(3),
      childTid: word(2),
      tls: word(7),
    });
  },

  *execve(thread, [pathAddress, argsAddress, environmentAddress]) {
    const path = yield* readPath(pathAddress);
    if (typeof path === 'number') return path;
    const args = yield* readStrings(argsAddress);
    const environment = yield* readStrings(environmentAddress);
    if (args === null || environment === null) return -ERRNO.E2BIG;
    const program = findProgram(thread, path, args, environment);
    if (typeof program === 'number') return program;
    yield* enterProgram(thread, program);
    return null;
  },

  exit: (thread, [status]) => {
    thread.process.lastStatus = int(status) & 0xff;
    thread.killed = true;
    return null;
  },

  exit_group: (thread, [status]) => {
    endProcess(thread.process, { kind: 'exited', status: int(status) & 0xff });
    return null;
  },

  *wait4(thread, [pid, statusAddress, options, usageAddress]) {
    const { userland, process } = thread;
    const flags = unsigned(options);
    if ((flags & ~WAIT_FLAGS) !== 0) return -ERRNO.EINVAL;
    const wanted = int(pid);
    const matches = (child: Process): boolean =>
      wanted === -1 || (wanted > 0 ? child.pid === wanted : child.group === (wanted === 0 ? process.group : -wanted));
    const ended = (): Process | undefined => [...process.children].find((child) => child.zombie && matches(child));
    if (![...process.children].some(matches)) return -ERRNO.ECHILD;
    if (ended() === undefined) {
      if ((flags & WNOHANG) !== 0) return 0;
      yield { kind: 'block', ready: () => ended() !== undefined || thread.interrupted, deadline: null };
    }
    const child = ended();
    if (child === undefined) return thread.interrupted ? -RESTART.ERESTARTSYS : -ERRNO.ECHILD;
    if (statusAddress !== 0n) yield* write32(statusAddress, waitStatus(child.ending));
    if (usageAddress !== 0n) yield* copyToUser(usageAddress, new Uint8Array(144));
    reap(userland, child);
    return child.pid;
  },

  getpid: ({ process }) => process.pid,
  gettid: ({ tid }) => tid,
  getppid: ({ process }) => process.parent?.pid ?? 1,
  getpgrp: ({ process }) => process.group,
  getpgid: (thread, [pid]) => processOf(thread, int(pid))?.group ?? -ERRNO.ESRCH,
  getsid: (thread, [pid]) => processOf(thread, int(pid))?.session ?? -ERRNO.ESRCH,
  setpgid: (thread, [pid, group]) => {
    const process = processOf(thread, int(pid));
    if (process === null) return -ERRNO.ESRCH;
    process.group = int(group) === 0 ? process.pid : int(group);
    return 0;
  },
  setsid: ({ process }) => {
    if (process.group === process.pid) return -ERRNO.EPERM;
    process.group = process.pid;
    process.session = process.pid;
    return process.pid;
  },
  getuid: identity,
  geteuid: identity,
  getgid: identity,
  getegid: identity,
  setuid: identity,
  setgid: identity,
  setresuid: identity,
  setresgid: identity,
  setgroups: identity,
  getgroups: identity,
  *getresuid(_thread, addresses) {
    for (const address of addresses.slice(0, 3)) yield* write32(address, 0);
    return 0;
  },
  *getresgid(_thread, addresses) {
    for (const address of addresses.slice(0, 3)) yield* write32(address, 0);
    return 0;
  },
};

function* clone(thread: Thread, request: CloneRequest): ThreadCode<number> {
  const { userland, process } = thread;
  const { flags, stack, tls, parentTid, childTid } = request;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const sharesMemory = has(CLONE.CLONE_VM);
  const isThread = has(CLONE.CLONE_THREAD);
  if (isThread && !(sharesMemory && has(CLONE.CLONE_SIGHAND))) return -ERRNO.EINVAL;
  if (has(CLONE.CLONE_SIGHAND) && !sharesMemory) return -ERRNO.EINVAL;
  if (has(UNKNOWN_TO_US)) return -ERRNO.EINVAL;

  const tid = userland.newPid();
  const mm = sharesMemory ? process.mm : yield* userland.kernel.fork(thread.cpu, `${process.name}/${tid}`);
  const owner = isThread ? process : childProcess(thread, tid, mm, request);
  const child = userland.addThread(owner, tid, mm);
  copyRegisters(thread.registers, child.registers);
  child.registers.general[RAX] = 0n;
  if (stack !== 0n) child.registers.general[RSP] = stack;
  if (has(CLONE.CLONE_SETTLS)) child.registers.segmentBase[FS] = tls;
  child.blocked = thread.blocked;
  child.affinity = thread.affinity;
  child.processor = thread.cpu;
  if (!sharesMemory || has(CLONE.CLONE_VFORK)) child.alternateStack = thread.alternateStack;
  if (has(CLONE_CHILD_CLEARTID)) child.clearChildTid = childTid;
  if (has(CLONE_PARENT_SETTID)) yield* write32(parentTid, tid);
  const begin = has(CLONE_CHILD_SETTID) ? setChildTid(childTid, tid) : null;
  child.code = live(child, begin);
  if (has(CLONE.CLONE_VFORK)) {
    yield { kind: 'block', ready: () => owner.releasedMemory || thread.killed, deadline: null };
  }
  return tid;
}

function childProcess({ userland, process }: Thread, pid: number, mm: Process['mm'], request: CloneRequest): Process {
  const shares = (flag: number): boolean => (request.flags & flag) !== 0;
  const { files, where, actions, executable, name } = process;
  if (shares(CLONE.CLONE_FILES)) files.users++;
  const child = userland.addProcess({
    pid,
    parent: process,
    mm,
    files: shares(CLONE.CLONE_FILES) ? files : files.copy(),
    where: shares(CLONE.CLONE_FS) ? where : { ...where },
    actions: shares(CLONE.CLONE_SIGHAND) ? actions : actions.copy(),
    executable,
    name,
  });
  child.exitSignal = request.exitSignal;
  child.program = process.program;
  return child;
}

/** In the child's own memory, before its first instruction. */
function* setChildTid(address: bigint, tid: number): ThreadCode<boolean> {
  yield* write32(address, tid);
  return true;
}

/** Null when there are too many, or one is too long. */
function* readStrings(address: bigint): ThreadCode<string[] | null> {
  const strings: string[] = [];
  if (address === 0n) return strings;
  for (;;) {
    const at = yield* read64(address + BigInt(8 * strings.length));
    if (at === 0n) return strings;
    if (strings.length === STRINGS_LIMIT) return null;
    const text = yield* readString(at, STRING_BYTES);
    if (text === null) return null;
    strings.push(text);
  }
}

function waitStatus(ending: Ending | null): number {
  if (ending === null) return 0;
  return ending.kind === 'exited' ? ending.status << 8 : ending.signal;
}

/** 0 is the caller's own. */
function processOf({ userland, process }: Thread, pid: number): Process | null {
  return pid === 0 ? process : (userland.processes.get(pid) ?? null);
}
