/**
 * Advances walks. One step reads one entry from memory - never from a store buffer - and makes the walk's own locked
 * update of that entry's A and D with it (SDM 3A 4.8): A in every entry that is passed, in the last one only if the access
 * is allowed or the walk is speculative; D in the last one, for a write that is allowed.
 *
 * An operation that invalidates or changes the context abandons all walks in flight: what they read before it must not
 * be cached after it. INVLPG, INVPCID and MOV to a control register serialize, so no walk spans them (model: a processor
 * may let the walks of addresses that were not named go on, which differs only in what it caches later).
 */
import type { FrameNumber, PagingLevel, PhysicalAddress } from '../arch/address.ts';
import {
  addressInFrame,
  frameNumber,
  pageOf,
  pagesPerEntry,
  physicalAddress,
  regionStart,
  tableIndex,
} from '../arch/address.ts';
import { Vector } from '../arch/page-fault.ts';
import { PagingEntry } from '../arch/paging-entry.ts';
import { assert } from '../base/assert.ts';
import type { PagingStructureCacheEntry } from '../event/cached-translation.ts';
import type { EventStream } from '../event/stream.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { ALLOWED, isWrite, rightsFault, translationFault } from './access-rights.ts';
import type { ControlState } from './control-state.ts';
import type { Tally } from './counters.ts';
import { CACHE_KIND } from './paging-structure-cache.ts';
import type { Serials } from './serials.ts';
import type { StructureStore } from './structure-store.ts';
import { Walk } from './walk.ts';
import type { WalkOrigin, WalkProgress } from './walk.ts';

// The bits that a step looks at, in the half of the entry that holds them: `bigint` arithmetic would cost more than the walk.
const P = Number(PagingEntry.P);
const RW = Number(PagingEntry.RW);
const US = Number(PagingEntry.US);
const PWT = Number(PagingEntry.PWT);
const PCD = Number(PagingEntry.PCD);
const A = Number(PagingEntry.A);
const D = Number(PagingEntry.D);
const PS = Number(PagingEntry.PS);
const G = Number(PagingEntry.G);
const PAT_4K = Number(PagingEntry.PAT_4K);
const PAT_LARGE = Number(PagingEntry.PAT_LARGE);
const XD_IN_HIGH_HALF = Number(PagingEntry.XD >> 32n);
/** Bits 62:59 of the entry. */
const PROTECTION_KEY_SHIFT = 27;

export interface PageWalkerOptions {
  readonly processor: number;
  readonly memory: PhysicalMemory;
  readonly control: ControlState;
  readonly structures: StructureStore;
  readonly stream: EventStream;
  readonly serials: Serials;
  readonly tally: Tally;
}

export class PageWalker {
  readonly #processor: number;
  readonly #memory: PhysicalMemory;
  readonly #control: ControlState;
  readonly #structures: StructureStore;
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

  /** `origin`: where the walk starts, null being the top structure; by default where the store lets it start. */
  begin(
    request: Pick<Walk, 'address' | 'access' | 'speculative'>,
    origin: WalkOrigin = this.#structures.lookup(pageOf(request.address), this.#control.pcid, this.#control.levels),
  ): Walk {
    const walk = new Walk(this.#serials.next(), request, this.#control, origin);
    const { shortcut } = walk;
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
    const low = memory.read32(address);
    const high = memory.read32(physicalAddress(address + 4));
    memory.noteWalk(walk.table, level, walk.parent);
    this.#tally.entryReads += 1;
    if (this.#stream.listening) this.#announceRead(walk, address);

    const isPresent = (low & P) !== 0;
    if (!isPresent || control.reserved.areSet(low, high, level)) {
      return this.#fail(walk, translationFault(walk.code, control, isPresent));
    }
    walk.writable &&= (low & RW) !== 0;
    walk.user &&= (low & US) !== 0;
    walk.executable &&= (high & XD_IN_HIGH_HALF) === 0;
    // Bits 51:12.
    const frame = frameNumber((high & 0xf_ffff) * 0x10_0000 + (low >>> 12));

    if (level !== 1 && (low & PS) === 0) {
      walk.sources.push({ level, address, entry: this.#setBits(address, low, A) });
      this.#cacheStructure(walk, frame);
      walk.table = frame;
      walk.parent = address;
      walk.level = (level - 1) as PagingLevel;
      return 'more';
    }

    walk.protectionKey = (high >>> PROTECTION_KEY_SHIFT) & 0xf;
    if (!walk.speculative) {
      const errorCode = rightsFault(walk, walk.code, control);
      if (errorCode !== ALLOWED) return this.#fail(walk, errorCode);
    }
    const bits = isWrite(walk.code) && !walk.speculative ? A | D : A;
    walk.sources.push({ level, address, entry: this.#setBits(address, low, bits) });
    this.#map(walk, frame, low | bits);
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

  /** Sets bits of the low half of an entry that this step has read; the whole entry as it is then. */
  #setBits(address: PhysicalAddress, low: number, bits: number): bigint {
    const entry = this.#memory.read64(address);
    if ((low & bits) === bits) return entry;
    const updated = entry | BigInt(bits);
    const done = this.#memory.updateEntry(this.#processor, address, entry, updated);
    assert(done, 'nothing changes an entry in the middle of a step');
    return updated;
  }

  #cacheStructure(walk: Walk, table: FrameNumber): void {
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
      table,
      writable: walk.writable,
      user: walk.user,
      executable: walk.executable,
      sources: [...walk.sources],
      watched: false,
    };
    if (!this.#structures.fill(cached)) return;
    if (this.#stream.listening) this.#stream.emit({ kind: 'fill', processor: this.#processor, cached });
  }

  #map(walk: Walk, entryFrame: FrameNumber, low: number): void {
    const { level, page, pcid, root, writable, user, executable, protectionKey, sources } = walk;
    const pages = pagesPerEntry(level);
    walk.mapping = {
      processor: this.#processor,
      pcid,
      root,
      page: regionStart(page, pages),
      pages,
      // In the entry of a large page the lowest bit of the frame number is PAT.
      frame: frameNumber(entryFrame - (entryFrame % pages)),
      global: this.#control.pge && (low & G) !== 0,
      dirty: (low & D) !== 0,
      protectionKey,
      memoryTypeIndex:
        ((low & (level === 1 ? PAT_4K : PAT_LARGE)) !== 0 ? 4 : 0) |
        ((low & PCD) !== 0 ? 2 : 0) |
        ((low & PWT) !== 0 ? 1 : 0),
      writable,
      user,
      executable,
      sources,
    };
  }

  #announceRead(walk: Walk, address: PhysicalAddress): void {
    const { number, level, speculative, shortcut } = walk;
    const processor = this.#processor;
    const entry = this.#memory.read64(address);
    this.#stream.emit({ kind: 'walk-read', processor, walk: number, level, address, entry, speculative, shortcut });
  }
}
