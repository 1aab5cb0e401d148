/**
 * Which frames hold paging structures, and what refers to them. Nothing in memory says so; it is learnt from the walks
 * that read them and, because a processor may walk what nobody has walked yet, from the loaded roots downwards: a root is
 * followed whole when it is first loaded, and a new entry under a loaded root is followed when it is written.
 *
 * A frame stays marked for ever: a processor may hold entries from it long after software freed it, and a write to a
 * frame that once was a table is exactly what an observer of stale walks wants to see.
 */
import type { FrameNumber, PagingLevel, PagingLevels, PhysicalAddress } from '../arch/address.ts';
import { addressInFrame, frameOf } from '../arch/address.ts';
import { entryFrame, mapsPage, PagingEntry } from '../arch/paging-entry.ts';
import { type FrameGuards, Guard } from './frame-guards.ts';

/** One way to reach a structure: through the entry at `parent`, or, when null, through CR3. */
export interface StructureReference {
  readonly level: PagingLevel;
  readonly parent: PhysicalAddress | null;
}

/** References of one frame beyond which those that no longer hold are dropped. */
const REFERENCES_BEFORE_PRUNING = 64;

const ENTRIES = 512;

export class PagingStructures {
  readonly #frames: number;
  readonly #read: (address: PhysicalAddress) => bigint;
  readonly #guards: FrameGuards;
  /** The reference noted last for each frame, as one number, so that repeating it costs one comparison. */
  readonly #last: Float64Array;
  readonly #references = new Map<FrameNumber, StructureReference[]>();
  /** The root that each processor has loaded. */
  readonly #loaded = new Map<number, FrameNumber>();
  /** Roots that have been followed whole. */
  readonly #followed = new Set<FrameNumber>();

  constructor(frames: number, guards: FrameGuards, read: (address: PhysicalAddress) => bigint) {
    this.#frames = frames;
    this.#read = read;
    this.#guards = guards;
    this.#last = new Float64Array(frames);
  }

  mark(frame: FrameNumber): void {
    this.#guards.add(frame, Guard.pagingStructure);
  }

  isMarked(frame: FrameNumber): boolean {
    return this.#guards.has(frame, Guard.pagingStructure);
  }

  /** A walk reads an entry of `frame` as a structure of this level, which it reached through `parent`. */
  note(frame: FrameNumber, level: PagingLevel, parent: PhysicalAddress | null): void {
    const summary = parent === null ? level : parent * 8 + level;
    if (this.#last[frame] === summary) return;
    this.#last[frame] = summary;
    this.#guards.add(frame, Guard.pagingStructure);
    const known = this.#references.get(frame) ?? [];
    if (known.some((reference) => reference.parent === parent && reference.level === level)) return;
    const kept = known.length < REFERENCES_BEFORE_PRUNING ? known : this.references(frame);
    this.#references.set(frame, [...kept, { level, parent }]);
  }

  /** The known ways to reach the frame that hold in memory now; what a CR3 referred to once counts for ever. */
  references(frame: FrameNumber): StructureReference[] {
    const known = this.#references.get(frame) ?? [];
    return known.filter(({ parent }) => parent === null || this.#refersTo(parent, frame));
  }

  /** The roots that a walk to the frame may have begun at. */
  rootsReaching(frame: FrameNumber): ReadonlySet<FrameNumber> {
    const roots = new Set<FrameNumber>();
    const seen = new Set<FrameNumber>([frame]);
    for (const table of seen) {
      for (const { parent } of this.references(table)) {
        if (parent === null) roots.add(table);
        else seen.add(frameOf(parent));
      }
    }
    return roots;
  }

  /** A processor loads CR3. */
  load(processor: number, root: FrameNumber, levels: PagingLevels): void {
    if (root >= this.#frames) return;
    this.#loaded.set(processor, root);
    this.note(root, levels, null);
    if (this.#followed.has(root)) return;
    this.#followed.add(root);
    this.#followBelow(root, levels);
  }

  /** The frame was cleared: should it become a root again, it will be another hierarchy's. */
  cleared(frame: FrameNumber): void {
    this.#followed.delete(frame);
  }

  /** An entry of a marked frame was written. */
  written(address: PhysicalAddress, entry: bigint): void {
    if ((entry & PagingEntry.P) === 0n) return;
    const frame = frameOf(address);
    for (const { level } of this.#references.get(frame) ?? []) {
      if (level > 1 && this.#isUnderLoadedRoot(frame, level)) this.#follow(address, level, entry);
    }
  }

  #follow(address: PhysicalAddress, level: PagingLevel, entry: bigint): void {
    if ((entry & PagingEntry.P) === 0n || mapsPage(entry, level)) return;
    const child = entryFrame(entry);
    if (child >= this.#frames) return;
    const below = (level - 1) as PagingLevel;
    const isNew = !this.references(child).some((known) => known.level === below);
    this.note(child, below, address);
    if (isNew) this.#followBelow(child, below);
  }

  #followBelow(table: FrameNumber, level: PagingLevel): void {
    if (level === 1) return;
    for (let index = 0; index < ENTRIES; index++) {
      const address = addressInFrame(table, index * 8);
      this.#follow(address, level, this.#read(address));
    }
  }

  #isUnderLoadedRoot(frame: FrameNumber, level: PagingLevel): boolean {
    return this.references(frame).some((known) => {
      if (known.level !== level) return false;
      if (known.parent === null) return [...this.#loaded.values()].includes(frame);
      return level < 5 && this.#isUnderLoadedRoot(frameOf(known.parent), (level + 1) as PagingLevel);
    });
  }

  #refersTo(parent: PhysicalAddress, frame: FrameNumber): boolean {
    const entry = this.#read(parent);
    return (entry & PagingEntry.P) !== 0n && entryFrame(entry) === frame;
  }
}
