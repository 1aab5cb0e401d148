/** System calls about threads: futexes, thread-local storage, robust lists, and what schedulers are asked. */
import { ERRNO, RESTART } from '../../arch/linux-errno.ts';
import { linearAddress } from '../../arch/address.ts';
import { futexKey } from '../futex.ts';
import type { ThreadCode } from '../program-code.ts';
import type { Thread } from '../thread.ts';
import { read32, readBytes, write32, write64 } from '../user-memory.ts';
import { FS, GS } from '../user-registers.ts';
import { fromTimespec } from '../virtual-clock.ts';
import { type CallTable, int, size, unsigned } from './call.ts';

const FUTEX = {
  WAIT: 0,
  WAKE: 1,
  REQUEUE: 3,
  CMP_REQUEUE: 4,
  WAKE_OP: 5,
  WAIT_BITSET: 9,
  WAKE_BITSET: 10,
  COMMAND: 0x7f,
  CLOCK_REALTIME: 0x100,
} as const;
const ALL_BITS = 0xffff_ffff;

const ARCH_SET_GS = 0x1001;
const ARCH_SET_FS = 0x1002;
const ARCH_GET_FS = 0x1003;
const ARCH_GET_GS = 0x1004;

const USER_END = 1n << 47n;
const ROBUST_HEAD_BYTES = 24n;

export const threadCalls: CallTable = {
  *futex(thread, [address, operation, value, timeout, second, third]) {
    const op = unsigned(operation);
    if ((address & 3n) !== 0n) return -ERRNO.EINVAL;
    const { userland, process } = thread;
    const key = futexKey(userland.kernel, process.mm, address);
    const { futexes } = userland;
    switch (op & FUTEX.COMMAND) {
      case FUTEX.WAIT:
        return yield* wait(
          thread,
          address,
          unsigned(value),
          yield* deadlineOf(thread, timeout, 'relative', op),
          ALL_BITS,
        );
      case FUTEX.WAIT_BITSET: {
        if (unsigned(third) === 0) return -ERRNO.EINVAL;
        const deadline = yield* deadlineOf(thread, timeout, 'absolute', op);
        return yield* wait(thread, address, unsigned(value), deadline, unsigned(third));
      }
      case FUTEX.WAKE:
        return futexes.wake(key, int(value));
      case FUTEX.WAKE_BITSET:
        return unsigned(third) === 0 ? -ERRNO.EINVAL : futexes.wake(key, int(value), unsigned(third));
      case FUTEX.REQUEUE:
      case FUTEX.CMP_REQUEUE: {
        // The count of those to move comes where a timeout would.
        if ((op & FUTEX.COMMAND) === FUTEX.CMP_REQUEUE && (yield* read32(address)) !== unsigned(third))
          return -ERRNO.EAGAIN;
        const woken = futexes.wake(key, int(value));
        return woken + futexes.requeue(key, futexKey(userland.kernel, process.mm, second), int(timeout));
      }
      case FUTEX.WAKE_OP: {
        const before = yield* modifyWord(second, unsigned(third));
        const woken = futexes.wake(key, int(value));
        const more = compare(before, unsigned(third));
        return woken + (more ? futexes.wake(futexKey(userland.kernel, process.mm, second), int(timeout)) : 0);
      }
      default:
        return -ERRNO.ENOSYS;
    }
  },

  set_robust_list: (thread, [head, bytes]) => {
    if (bytes !== ROBUST_HEAD_BYTES) return -ERRNO.EINVAL;
    thread.robustList = head;
    return 0;
  },

  *get_robust_list(thread, [tid, head, bytes]) {
    const target = int(tid) === 0 ? thread : thread.userland.thread(int(tid));
    if (target === null) return -ERRNO.ESRCH;
    yield* write64(head, target.robustList);
    yield* write64(bytes, ROBUST_HEAD_BYTES);
    return 0;
  },

  set_tid_address: (thread, [address]) => {
    thread.clearChildTid = address;
    return thread.tid;
  },

  *arch_prctl({ registers }, [code, address]) {
    switch (int(code)) {
      case ARCH_SET_FS:
      case ARCH_SET_GS:
        if (address >= USER_END) return -ERRNO.EPERM;
        registers.segmentBase[int(code) === ARCH_SET_FS ? FS : GS] = address;
        return 0;
      case ARCH_GET_FS:
      case ARCH_GET_GS:
        yield* write64(address, registers.segmentBase[int(code) === ARCH_GET_FS ? FS : GS] as bigint);
        return 0;
      default:
        return -ERRNO.EINVAL;
    }
  },

  *sched_yield() {
    yield { kind: 'give-way' };
    return 0;
  },

  *sched_getaffinity(thread, [tid, bytes, address]) {
    const target = int(tid) === 0 ? thread : thread.userland.thread(int(tid));
    if (target === null) return -ERRNO.ESRCH;
    if (size(bytes) < 8 || size(bytes) % 8 !== 0) return -ERRNO.EINVAL;
    const all = (1n << BigInt(thread.userland.processors)) - 1n;
    yield* write64(address, target.affinity & all);
    return 8;
  },

  *sched_setaffinity(thread, [tid, bytes, address]) {
    const target = int(tid) === 0 ? thread : thread.userland.thread(int(tid));
    if (target === null) return -ERRNO.ESRCH;
    const mask = new Uint8Array(8);
    mask.set(yield* readBytes(address, Math.min(8, size(bytes))));
    const wanted = new DataView(mask.buffer).getBigUint64(0, true) & ((1n << BigInt(thread.userland.processors)) - 1n);
    if (wanted === 0n) return -ERRNO.EINVAL;
    target.affinity = wanted;
    if ((wanted & (1n << BigInt(thread.cpu))) === 0n) yield { kind: 'give-way' };
    return 0;
  },

  sched_getscheduler: () => 0,
  sched_setscheduler: () => 0,
  sched_get_priority_max: () => 0,
  sched_get_priority_min: () => 0,
  sched_setparam: () => 0,
  *sched_getparam(_thread, [, address]) {
    yield* write32(address, 0);
    return 0;
  },
  getpriority: () => 20,
  setpriority: () => 0,

  *getcpu({ cpu }, [processor, node]) {
    if (processor !== 0n) yield* write32(processor, cpu);
    if (node !== 0n) yield* write32(node, 0);
    return 0;
  },
};

/** Looks at the word and waits in one step: nobody can change it and wake in between. */
function* wait(
  thread: Thread,
  address: bigint,
  expected: number,
  deadline: number | null,
  bits: number,
): ThreadCode<number> {
  const { userland, process } = thread;
  if (deadline === INVALID) return -ERRNO.EINVAL;
  if ((yield* read32(address)) !== expected) return -ERRNO.EAGAIN;
  const waiter = userland.futexes.wait(futexKey(userland.kernel, process.mm, address), bits);
  yield { kind: 'block', ready: () => waiter.woken || thread.interrupted, deadline };
  if (waiter.woken) return 0;
  userland.futexes.leave(waiter);
  if (thread.interrupted) return deadline === null ? -RESTART.ERESTARTSYS : -ERRNO.EINTR;
  return -ERRNO.ETIMEDOUT;
}

const INVALID = -1;

/** In virtual time; null: none. */
function* deadlineOf(
  { userland }: Thread,
  address: bigint,
  kind: 'relative' | 'absolute',
  operation: number,
): ThreadCode<number | null> {
  if (address === 0n) return null;
  const time = fromTimespec(yield* readBytes(address, 16));
  if (time === null) return INVALID;
  const { clock } = userland;
  if (kind === 'relative') return clock.now + time;
  return (operation & FUTEX.CLOCK_REALTIME) === 0 ? time : Math.max(0, time - Number(clock.realtime - clock.monotonic));
}

/** FUTEX_OP: what it does to the second word. Result: the word before. */
function* modifyWord(address: bigint, encoded: number): ThreadCode<number> {
  const operation = (encoded >>> 28) & 0xf;
  const raw = (((encoded >>> 12) & 0xfff) << 20) >> 20;
  const operand = (operation & 8) !== 0 ? 1 << (raw & 31) : raw;
  const before = yield {
    kind: 'user-locked',
    address: linearAddress(address),
    modify: (word) => {
      switch (operation & 7) {
        case 0:
          return operand >>> 0;
        case 1:
          return (word + operand) >>> 0;
        case 2:
          return (word | operand) >>> 0;
        case 3:
          return (word & ~operand) >>> 0;
        default:
          return (word ^ operand) >>> 0;
      }
    },
  };
  return Number(before);
}

function compare(word: number, encoded: number): boolean {
  const operand = (encoded << 20) >> 20;
  const value = word | 0;
  switch ((encoded >>> 24) & 0xf) {
    case 0:
      return value === operand;
    case 1:
      return value !== operand;
    case 2:
      return value < operand;
    case 3:
      return value <= operand;
    case 4:
      return value > operand;
    default:
      return value >= operand;
  }
}
