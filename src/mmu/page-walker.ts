/**
 * Advances walks. One step reads one entry from memory - never from a store buffer - and makes the walk's own locked
 * update of that entry's A and D with it (SDM 3A 4.8): A in every entry that is passed, in the last one only if the access
 * is allowed or the walk is speculative; D in the last one, for a write that is allowed.
 *
 * An operation that invalidates or changes the context abandons all walks in flight: what they read before it must not
 * be cached after it. INVLPG, INVPCID and MOV to a control register serialize, so no walk spans them (model: a processor
 * may let the walks of addresses that were not named go on, which differs only in what it caches later).
 */
import type { PagingLevel } from '../arch/address.ts';
import { addressInFrame, frameNumber, pagesPerEntry, regionStart, tableIndex } from '../arch/address.ts';
import { Vector } from '../arch/page-fault.ts';
import { entryFrame, entryProtectionKey, mapsPage, PagingEntry } from '../arch/paging-entry.ts';
import { assert } from '../base/assert.ts';
import type { PagingStructureCacheEntry } from '../event/cached-translation.ts';
import type { EventStream } from '../event/stream.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { ALLOWED, isWrite, rightsFault, translationFault } from './access-rights.ts';
import type { ControlState } from './control-state.ts';
import type { Tally } from './counters.ts';
import { CACHE_KIND } from './paging-structure-cache.ts';
import type { PagingStructureCaches } from './paging-structure-cache.ts';
import type { Serials } from './serials.ts';
import { Walk } from './walk.ts';
import type { WalkProgress } from './walk.ts';

export interface PageWalkerOptions {
  readonly processor: number;
  readonly memory: PhysicalMemory;
  readonly control: ControlState;
  readonly structures: PagingStructureCaches;
  readonly stream: EventStream;
  readonly serials: Serials;
  readonly tally: Tally;
}

export class PageWalker {
  readonly #processor: number;
  readonly #memory: PhysicalMemory;
  readonly #control: ControlState;
  readonly #structures: PagingStructureCaches;
  readonly #stream: EventStream;
  readonly #serials: Serials;
  readonly #tally: Tally;
  readonly #inFlight = new Set<Walk>();

  constructor(options: PageWalkerOptions) {
    this.#processor = options.processor;
    this.#memory = options.memory;
    this.#control = options.control;
    this.#structures = options.structures;
    this.#stream = options.stream;
    this.#serials = options.serials;
    this.#tally = options.tally;
  }

  get inFlight(): ReadonlySet<Walk> {
    return this.#inFlight;
  }

  begin(request: Pick<Walk, 'address' | 'access' | 'speculative'>): Walk {
    const control = this.#control;
    const page = Number(request.address >> 12n) as Walk['page'];
    const shortcut = this.#structures.lookup(page, control.pcid, control.levels);
    const walk = new Walk(this.#serials.next(), request, control, shortcut);
    this.#inFlight.add(walk);
    this.#tally.walks += 1;
    if (request.speculative) this.#tally.speculativeWalks += 1;
    if (shortcut !== null) this.#tally.structureHits[shortcut.kind] += 1;
    if (this.#stream.listening) {
      const { address, access, speculative, root } = walk;
      const processor = this.#processor;
      this.#stream.emit({
        kind: 'walk-begin',
        processor,
        walk: walk.number,
        address,
        access,
        speculative,
        root,
        shortcut,
      });
    }
    return walk;
  }

  /** Reads one entry. A walk that is not in flight any more stays as it is. */
  step(walk: Walk): WalkProgress {
    if (walk.progress !== 'more') return walk.progress;
    const memory = this.#memory;
    const control = this.#control;
    const { level } = walk;
    // Speculation may follow an entry to where no memory is; only an access that needs to read there is beyond our model.
    if (walk.speculative && walk.table >= memory.frames) return this.end(walk, 'abandoned');

    const address = addressInFrame(walk.table, tableIndex(walk.page, level) * 8);
    const entry = memory.read64(address);
    memory.noteWalk(walk.table, level, walk.parent);
    this.#tally.entryReads += 1;
    if (this.#stream.listening) {
      const { number, speculative, shortcut } = walk;
      const processor = this.#processor;
      this.#stream.emit({ kind: 'walk-read', processor, walk: number, level, address, entry, speculative, shortcut });
    }

    const isPresent = (entry & PagingEntry.P) !== 0n;
    if (!isPresent || control.reserved.isSet(entry, level)) {
      return this.#fail(walk, translationFault(walk.code, control, isPresent));
    }
    walk.writable &&= (entry & PagingEntry.RW) !== 0n;
    walk.user &&= (entry & PagingEntry.US) !== 0n;
    walk.executable &&= (entry & PagingEntry.XD) === 0n;

    if (!mapsPage(entry, level)) {
      const updated = this.#update(address, entry, PagingEntry.A);
      walk.sources.push({ level, address, entry: updated });
      this.#cacheStructure(walk, updated);
      walk.table = entryFrame(updated);
      walk.parent = address;
      walk.level = (level - 1) as PagingLevel;
      return 'more';
    }

    const protectionKey = entryProtectionKey(entry);
    if (!walk.speculative) {
      const { writable, user, executable } = walk;
      const errorCode = rightsFault({ writable, user, executable, protectionKey }, walk.code, control);
      if (errorCode !== ALLOWED) return this.#fail(walk, errorCode);
    }
    const setsDirty = isWrite(walk.code) && !walk.speculative;
    const updated = this.#update(address, entry, setsDirty ? PagingEntry.A | PagingEntry.D : PagingEntry.A);
    walk.sources.push({ level, address, entry: updated });
    this.#map(walk, updated, protectionKey);
    return this.end(walk, 'translated');
  }

  /** Ends a walk in flight without a fault. */
  end(walk: Walk, outcome: 'translated' | 'fault' | 'abandoned'): WalkProgress {
    assert(walk.progress === 'more', 'a walk ends once');
    walk.progress = outcome;
    this.#inFlight.delete(walk);
    if (this.#stream.listening) {
      this.#stream.emit({ kind: 'walk-end', processor: this.#processor, walk: walk.number, outcome });
    }
    return outcome;
  }

  abandonAll(): void {
    for (const walk of this.#inFlight) this.end(walk, 'abandoned');
  }

  #fail(walk: Walk, errorCode: number): WalkProgress {
    if (walk.speculative) return this.end(walk, 'abandoned');
    walk.exception = { vector: Vector.PF, errorCode, address: walk.address };
    return this.end(walk, 'fault');
  }

  /** Sets bits in an entry that the same step has read; the entry as it is then. */
  #update(address: Walk['parent'] & number, entry: bigint, bits: bigint): bigint {
    const updated = entry | bits;
    if (updated === entry) return entry;
    const done = this.#memory.updateEntry(this.#processor, address, entry, updated);
    assert(done, 'nothing changes an entry in the middle of a step');
    return updated;
  }

  #cacheStructure(walk: Walk, entry: bigint): void {
    const { level, page, pcid } = walk;
    if (level === 1 || !this.#structures.accepts(page, pcid, level)) return;
    const pages = pagesPerEntry(level);
    const cached: PagingStructureCacheEntry = {
      kind: CACHE_KIND[level],
      level,
      serial: this.#serials.next(),
      processor: this.#processor,
      pcid,
      root: walk.root,
      page: regionStart(page, pages),
      pages,
      table: entryFrame(entry),
      writable: walk.writable,
      user: walk.user,
      executable: walk.executable,
      sources: [...walk.sources],
      watched: false,
    };
    this.#structures.fill(cached);
    if (this.#stream.listening) this.#stream.emit({ kind: 'fill', processor: this.#processor, cached });
  }

  #map(walk: Walk, entry: bigint, protectionKey: number): void {
    const { level, page, pcid, root, writable, user, executable, sources } = walk;
    const pages = pagesPerEntry(level);
    const patBit = level === 1 ? PagingEntry.PAT_4K : PagingEntry.PAT_LARGE;
    const frame = entryFrame(entry);
    walk.mapping = {
      processor: this.#processor,
      pcid,
      root,
      page: regionStart(page, pages),
      pages,
      // In the entry of a large page the lowest bit of the frame number is PAT.
      frame: frameNumber(frame - (frame % pages)),
      global: this.#control.pge && (entry & PagingEntry.G) !== 0n,
      dirty: (entry & PagingEntry.D) !== 0n,
      protectionKey,
      memoryTypeIndex:
        ((entry & patBit) !== 0n ? 4 : 0) |
        ((entry & PagingEntry.PCD) !== 0n ? 2 : 0) |
        ((entry & PagingEntry.PWT) !== 0n ? 1 : 0),
      writable,
      user,
      executable,
      sources,
    };
  }
}
