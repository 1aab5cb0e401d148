/**
 * The resources of the explored system, as numbers: a kind and an index each. What is only a processor's own, and that no
 * other thread of the search can tell, is no resource.
 */
import type { FrameNumber, PhysicalAddress } from '../../arch/address.ts';
import type { SharedData } from '../../kernel/hardware.ts';

const KINDS = [
  /** Eight aligned bytes of memory. */
  'word',
  /** Who a frame belongs to, and all of its content: every access to a word of it reads this. */
  'frame',
  /** What a processor has cached of the paging structures, and under which control registers. */
  'mmu',
  /** Whether a processor has a root loaded: by processor and root. */
  'loaded',
  /** A store that waits: by processor and address. */
  'waiting store',
  /** What a local APIC has pending and in service. */
  'requests',
  /** IPIs on their way, by target and sender. */
  'flight',
  /** INVLPGBs on their way, by target and sender. */
  'broadcast',
  /** Changes to the structures under a root, as against the moments from which flushes promise. */
  'changes',
  /** What has become due, as against uses of stale translations: a use writes it, so that promises do not conflict. */
  'due',
  /** The stale translations that a processor holds. */
  'stale',
  /** Which threads a processor has to run. */
  'threads',
  'signals',
  /** What a space's variables are bound to. */
  'variables',
] as const;

const SHARED = [
  'free list',
  'zone',
  'page',
  'mm',
  'mm counts',
  'kernel data',
  'page locks',
  'swap',
  'migrations',
  'objects',
  'vmalloc',
  'online',
  'dropped flushes',
] as const satisfies readonly SharedData[];

export type ResourceKind = (typeof KINDS)[number];

/** Beyond every index. */
const SPAN = 2 ** 44;
const PAIRS = 2 ** 36;

const NUMBER_OF: ReadonlyMap<ResourceKind | SharedData, number> = new Map(
  [...KINDS, ...SHARED].map((kind, index) => [kind, index * SPAN]),
);

export function resource(kind: ResourceKind | SharedData, index: number): number {
  return (NUMBER_OF.get(kind) as number) + index;
}

export function wordAt(address: PhysicalAddress): number {
  return address;
}

export function ofPair(
  kind: 'loaded' | 'waiting store' | 'flight' | 'broadcast',
  processor: number,
  other: number,
): number {
  return resource(kind, processor * PAIRS + other);
}

export function ofFrame(frame: FrameNumber): number {
  return resource('frame', frame);
}

/** For messages. */
export function nameOfResource(number: number): string {
  const kind = [...KINDS, ...SHARED][Math.floor(number / SPAN)] ?? '?';
  const index = number % SPAN;
  if (index < PAIRS) return `${kind} ${kind === 'word' ? `0x${index.toString(16)}` : index}`;
  return `${kind} ${Math.floor(index / PAIRS)}, 0x${(index % PAIRS).toString(16)}`;
}
