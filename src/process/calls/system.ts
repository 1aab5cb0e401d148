/** System calls about time, limits, randomness, and the system as a whole. */
import { ERRNO } from '../../arch/linux-errno.ts';
import { SI, SIGNAL } from '../../arch/linux-signal.ts';
import { DESCRIPTORS_LIMIT } from '../files/open-file.ts';
import { STACK_BYTES } from '../load-image.ts';
import type { ThreadCode } from '../program-code.ts';
import { sendToProcess } from '../signals/deliver.ts';
import type { Thread } from '../thread.ts';
import { copyToUser, decodeBytes, encodeBytes, readBytes, readString, write32, write64 } from '../user-memory.ts';
import { fromTimespec, timespec } from '../virtual-clock.ts';
import { type CallTable, int, size, unsigned } from './call.ts';

const SECOND = 1_000_000_000;
const CLOCK = { REALTIME: 0, MONOTONIC: 1, PROCESS_CPUTIME: 2, THREAD_CPUTIME: 3, LAST: 11 } as const;
const TIMER_ABSTIME = 1;
const UTS_FIELD = 65;
const INFINITY = 0xffff_ffff_ffff_ffffn;
const RLIMIT = { STACK: 3, NPROC: 6, NOFILE: 7 } as const;
const RANDOM_CHUNK = 1 << 20;
const PR_SET_NAME = 15;
const PR_GET_NAME = 16;
const NAME_BYTES = 16;
const CLOCK_TICK = SECOND / 100;

export const systemCalls: CallTable = {
  *clock_gettime(thread, [clock, address]) {
    const time = timeOf(thread, int(clock));
    if (time === null) return -ERRNO.EINVAL;
    yield* copyToUser(address, timespec(time));
    return 0;
  },
  *clock_getres(_thread, [clock, address]) {
    if (int(clock) > CLOCK.LAST) return -ERRNO.EINVAL;
    if (address !== 0n) yield* copyToUser(address, timespec(1n));
    return 0;
  },
  *gettimeofday({ userland }, [address, zone]) {
    const time = userland.clock.realtime;
    if (address !== 0n) {
      yield* write64(address, time / BigInt(SECOND));
      yield* write64(address + 8n, (time % BigInt(SECOND)) / 1000n);
    }
    if (zone !== 0n) yield* write64(zone, 0n);
    return 0;
  },
  *time({ userland }, [address]) {
    const seconds = userland.clock.realtime / BigInt(SECOND);
    if (address !== 0n) yield* write64(address, seconds);
    return seconds;
  },
  *times(thread, [address]) {
    const ticks = BigInt(Math.floor(thread.process.userTime / CLOCK_TICK));
    if (address !== 0n) {
      yield* write64(address, ticks);
      yield* copyToUser(address + 8n, new Uint8Array(24));
    }
    return BigInt(Math.floor(thread.userland.clock.now / CLOCK_TICK));
  },
  nanosleep: (thread, [request, remaining]) => sleep(thread, CLOCK.MONOTONIC, 0, request, remaining),
  clock_nanosleep: (thread, [clock, flags, request, remaining]) =>
    sleep(thread, int(clock), unsigned(flags), request, remaining),
  alarm: (thread, [seconds]) => {
    const { process, userland } = thread;
    const { now } = userland.clock;
    const left = process.alarm === null ? 0 : Math.ceil((process.alarm.at - now) / SECOND);
    process.alarm = unsigned(seconds) === 0 ? null : { at: now + unsigned(seconds) * SECOND, every: 0 };
    return left;
  },

  *getrandom({ userland }, [address, length]) {
    const bytes = Uint8Array.from({ length: Math.min(size(length), RANDOM_CHUNK) }, () => userland.random.below(256));
    yield* copyToUser(address, bytes);
    return bytes.length;
  },

  *uname(_thread, [address]) {
    const bytes = new Uint8Array(6 * UTS_FIELD);
    for (const [index, text] of ['Linux', 'tlbsan', '6.1.0', '#1 SMP', 'x86_64', '(none)'].entries()) {
      bytes.set(encodeBytes(text), index * UTS_FIELD);
    }
    yield* copyToUser(address, bytes);
    return 0;
  },

  *sysinfo({ userland }, [address]) {
    const bytes = new Uint8Array(112);
    const view = new DataView(bytes.buffer);
    const memory = BigInt(userland.memoryBytes);
    view.setBigInt64(0, BigInt(Math.floor(userland.clock.now / SECOND)), true);
    view.setBigUint64(32, memory, true);
    view.setBigUint64(40, memory / 2n, true);
    view.setUint16(80, userland.processes.size, true);
    view.setUint32(104, 1, true);
    yield* copyToUser(address, bytes);
    return 0;
  },

  getrlimit: (_thread, [resource, address]) => writeLimit(int(resource), address),
  setrlimit: () => 0,
  *prlimit64(_thread, [, resource, , oldAddress]) {
    return oldAddress === 0n ? 0 : yield* writeLimit(int(resource), oldAddress);
  },
  *getrusage({ process }, [, address]) {
    const bytes = new Uint8Array(144);
    const view = new DataView(bytes.buffer);
    view.setBigInt64(0, BigInt(Math.floor(process.userTime / SECOND)), true);
    view.setBigInt64(8, BigInt(Math.floor((process.userTime % SECOND) / 1000)), true);
    yield* copyToUser(address, bytes);
    return 0;
  },

  *prctl({ process }, [option, address]) {
    switch (int(option)) {
      case PR_SET_NAME: {
        const name = yield* readString(address, NAME_BYTES);
        process.name = name ?? decodeBytes(yield* readBytes(address, NAME_BYTES - 1));
        return 0;
      }
      case PR_GET_NAME: {
        const bytes = new Uint8Array(NAME_BYTES);
        bytes.set(encodeBytes(process.name).subarray(0, NAME_BYTES - 1));
        yield* copyToUser(address, bytes);
        return 0;
      }
      default:
        return -ERRNO.EINVAL;
    }
  },

  *getitimer(_thread, [, address]) {
    yield* copyToUser(address, new Uint8Array(32));
    return 0;
  },
  *setitimer(thread, [which, newAddress, oldAddress]) {
    const { process, userland } = thread;
    if (int(which) !== 0) return -ERRNO.EINVAL;
    const { now } = userland.clock;
    const before = process.alarm;
    if (newAddress !== 0n) {
      const view = new DataView((yield* readBytes(newAddress, 32)).buffer);
      const [every, first] = [0, 16].map((at) => timeval(view, at)) as [number, number];
      process.alarm = first === 0 ? null : { at: now + first, every };
    }
    if (oldAddress !== 0n) {
      const bytes = new Uint8Array(32);
      const view = new DataView(bytes.buffer);
      setTimeval(view, 0, before?.every ?? 0);
      setTimeval(view, 16, before === null ? 0 : Math.max(1000, before.at - now));
      yield* copyToUser(oldAddress, bytes);
    }
    return 0;
  },

  personality: () => 0,
  *capget(_thread, [, data]) {
    if (data !== 0n) for (let index = 0n; index < 3n; index++) yield* write32(data + 4n * index, 0xffff_ffff);
    return 0;
  },
};

/** Sends SIGALRM where it is due. */
export function ringAlarms({ userland }: Pick<Thread, 'userland'>): void {
  const { now } = userland.clock;
  for (const process of userland.processes.values()) {
    if (process.alarm === null || process.alarm.at > now) continue;
    const { every } = process.alarm;
    process.alarm = every === 0 ? null : { at: now + every, every };
    sendToProcess(process, { signal: SIGNAL.SIGALRM, code: SI.SI_KERNEL });
  }
}

function timeOf({ userland, process }: Thread, clock: number): bigint | null {
  if (clock < 0 || clock > CLOCK.LAST) return null;
  if (clock === CLOCK.PROCESS_CPUTIME || clock === CLOCK.THREAD_CPUTIME) return BigInt(Math.floor(process.userTime));
  // CLOCK_REALTIME, its coarse form and CLOCK_TAI.
  return clock === CLOCK.REALTIME || clock === 5 || clock === 11 ? userland.clock.realtime : userland.clock.monotonic;
}

function* sleep(thread: Thread, clock: number, flags: number, request: bigint, remaining: bigint): ThreadCode<number> {
  const time = fromTimespec(yield* readBytes(request, 16));
  if (time === null) return -ERRNO.EINVAL;
  const { now, realtime, monotonic } = thread.userland.clock;
  const absolute = (flags & TIMER_ABSTIME) !== 0;
  const ahead = clock === CLOCK.REALTIME ? Number(realtime - monotonic) : 0;
  const deadline = absolute ? time - ahead : now + time;
  yield { kind: 'block', ready: () => thread.interrupted, deadline };
  const left = deadline - thread.userland.clock.now;
  if (left <= 0) return 0;
  if (!absolute && remaining !== 0n) yield* copyToUser(remaining, timespec(BigInt(left)));
  return -ERRNO.EINTR;
}

function* writeLimit(resource: number, address: bigint): ThreadCode<number> {
  if (resource < 0 || resource > 15) return -ERRNO.EINVAL;
  const limits = new Map<number, bigint>([
    [RLIMIT.STACK, STACK_BYTES],
    [RLIMIT.NPROC, 4096n],
    [RLIMIT.NOFILE, BigInt(DESCRIPTORS_LIMIT)],
  ]);
  const limit = limits.get(resource) ?? INFINITY;
  yield* write64(address, limit);
  yield* write64(address + 8n, limit);
  return 0;
}

function timeval(view: DataView, at: number): number {
  return Number(view.getBigInt64(at, true)) * SECOND + Number(view.getBigInt64(at + 8, true)) * 1000;
}

function setTimeval(view: DataView, at: number, nanoseconds: number): void {
  view.setBigInt64(at, BigInt(Math.floor(nanoseconds / SECOND)), true);
  view.setBigInt64(at + 8, BigInt(Math.floor((nanoseconds % SECOND) / 1000)), true);
}
