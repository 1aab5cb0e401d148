/**
 * A brute-force judge of one page's history. It keeps everything that ever happened and recomputes every use from scratch;
 * it shares no code with the detector. One PDE, one PTE below it, two processors.
 */
export interface Moment {
  readonly processor: number;
  readonly index: number;
  readonly time: number;
}

export interface Write extends Moment {
  readonly entry: 'pde' | 'pte';
  readonly before: bigint;
  readonly after: bigint;
  readonly issued: number;
}

/** A promise: changes before `moment` must have been seen from event `made` on. */
export interface Promised {
  readonly moment: Moment;
  readonly made: number;
}

export interface Cached {
  readonly pde: bigint;
  readonly pte: bigint;
  readonly filled: number;
}

export interface Log {
  readonly writes: Write[];
  readonly promises: Promised[];
  readonly frees: { readonly frame: bigint; readonly moment: Moment }[];
}

type Pair = { readonly pde: bigint; readonly pte: bigint };
type AccessKind = 'read' | 'write' | 'fetch';

const bit = (value: bigint, position: bigint): boolean => ((value >> position) & 1n) === 1n;
const present = (pair: Pair): boolean => bit(pair.pde, 0n) && bit(pair.pte, 0n);
const writable = (pair: Pair): boolean => bit(pair.pde, 1n) && bit(pair.pte, 1n);
const executable = (pair: Pair): boolean => !bit(pair.pde, 63n) && !bit(pair.pte, 63n);
const dirty = (pair: Pair): boolean => bit(pair.pte, 6n);
const frame = (pte: bigint): bigint => (pte >> 12n) & 0xff_ffff_ffffn;

/** 0 right, 1 lost D, 2 permission, 3 frame; for user-mode accesses to entries that all have U/S set. */
function harmOf(cached: Pair, memory: Pair, kind: AccessKind): number {
  if (!present(memory) || frame(memory.pte) !== frame(cached.pte)) return 3;
  if (kind === 'write' && writable(cached) && !writable(memory)) return 2;
  if (kind === 'fetch' && executable(cached) && !executable(memory)) return 2;
  return kind === 'write' && dirty(cached) && !dirty(memory) ? 1 : 0;
}

function agrees(cached: Pair, memory: Pair): boolean {
  return (
    (['read', 'fetch'] as const).every((kind) => harmOf(cached, memory, kind) === 0) &&
    (!writable(cached) || harmOf(cached, memory, 'write') === 0)
  );
}

function before(write: Write, moment: Moment): boolean {
  if (write.index < moment.index) return true;
  return write.processor === moment.processor && write.issued < write.time && write.issued <= moment.time;
}

/** Equal but for A, ignored bits, and a D that somebody set since. */
function couldHaveRead(read: bigint, value: bigint): boolean {
  const mask = ~((1n << 5n) | (1n << 6n) | (1n << 9n));
  return (read & mask) === (value & mask) && (!bit(read, 6n) || bit(value, 6n));
}

/** The harm of a use at this moment: the least that any legal pair of values does. */
export function judge(log: Log, initial: Pair, cached: Cached, kind: AccessKind): number {
  const due = (write: Write): boolean =>
    log.promises.some(({ moment }) => before(write, moment)) ||
    log.frees.some((free) => free.frame === frame(cached.pte) && before(write, free.moment));

  // The latest moment, of those since the fill, at which memory agreed.
  let memory = initial;
  let agreedAt = -1;
  for (const write of log.writes) {
    if (write.index > cached.filled && agrees(cached, memory)) agreedAt = write.index - 1;
    memory = { ...memory, [write.entry]: write.after };
  }
  if (agrees(cached, memory)) return 0;

  const legal = (entry: 'pde' | 'pte'): bigint[] => {
    // Setting or clearing A, or setting D, overwrites nothing that anybody may still need to know.
    const writes = log.writes.filter((write) => write.entry === entry && !couldHaveRead(write.before, write.after));
    const earlier = writes.filter((write) => write.index < cached.filled);
    const read = earlier.findLast((write) => couldHaveRead(cached[entry], write.before));
    const current = couldHaveRead(cached[entry], earlier.at(-1)?.after ?? initial[entry]);
    // Read before the last earlier write that overwrote the value; or after all of them.
    const readBefore = current && agreedAt < 0 ? cached.filled : (read?.index ?? cached.filled);
    const since = agreedAt >= 0 ? agreedAt + 1 : readBefore;
    const missed = writes.filter((write) => write.index >= since);
    return [memory[entry], ...missed.filter((write) => !due(write)).map((write) => write.before)];
  };
  let least = 3;
  for (const pde of legal('pde'))
    for (const pte of legal('pte')) least = Math.min(least, harmOf(cached, { pde, pte }, kind));
  return least;
}
