/**
 * The memory-management unit of one logical processor: control state, TLB, paging-structure caches, walks, and the
 * operations that invalidate (SDM 3A chapter 4).
 *
 * `access` is the hot path and `translate` its golden form: the same semantics with and without the filter. A fault is a
 * value; the page fault's own invalidation has happened when it is returned. Announcing the exception as an event is left
 * to whoever delivers it.
 *
 * Left out: nested paging, SGX, shadow stacks, LAM, memory types beyond their index, PCIDs of INVLPGB.
 */
import type { FrameNumber, LinearAddress, PageNumber, PhysicalAddress } from '../arch/address.ts';
import {
  addressInFrame,
  addressInPage,
  frameNumber,
  isCanonical,
  offsetOf,
  pageOf,
  physicalAddress,
} from '../arch/address.ts';
import type { InvpcidType } from '../arch/control-registers.ts';
import { Cr3, InvpcidType as InvpcidTypes } from '../arch/control-registers.ts';
import type { Access, Exception } from '../arch/page-fault.ts';
import { Vector } from '../arch/page-fault.ts';
import { mapsPage, PagingEntry } from '../arch/paging-entry.ts';
import { assert, present } from '../base/assert.ts';
import type { CachedTranslation, TlbEntry } from '../event/cached-translation.ts';
import type { HardwareEvent, RemovalCause } from '../event/event.ts';
import type { EventStream } from '../event/stream.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { AccessFilter } from './access-filter.ts';
import {
  ACCESS_CODES,
  ALLOWED,
  accessCode,
  accessOf,
  FETCH_CODES,
  isFetch,
  isWrite,
  rightsFault,
} from './access-rights.ts';
import type { AccessCode } from './access-rights.ts';
import { CachedTlbEntry } from './cached-entry.ts';
import type { Mapping } from './cached-entry.ts';
import { ControlState } from './control-state.ts';
import { newTally } from './counters.ts';
import type { MmuCounters, Tally } from './counters.ts';
import { memoryAllows } from './inspect.ts';
import { byInvlpg, byInvpcid, byMovToCr0, byMovToCr3, byMovToCr4, byPageFault, EVERYTHING } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import { PageWalker } from './page-walker.ts';
import type { PagingStructureCaches } from './paging-structure-cache.ts';
import type { ProcessorPart } from './part.ts';
import type { TlbPolicy } from './policy/policy.ts';
import type { Serials } from './serials.ts';
import { reachesOf, representativePage } from './speculation.ts';
import type { TlbHost, TlbStore, UseClock } from './tlb.ts';
import type { Walk, WalkProgress } from './walk.ts';

export interface MmuOptions {
  readonly processor: number;
  readonly memory: PhysicalMemory;
  readonly part: ProcessorPart;
  readonly policy: TlbPolicy;
  readonly stream: EventStream;
  readonly serials: Serials;
  /** Without the filter every access takes the slow path: the oracle of the fast one. */
  readonly filter?: boolean;
}

export type Translation =
  /** `entry` is null while paging is off. */
  | { readonly kind: 'translated'; readonly physical: PhysicalAddress; readonly entry: TlbEntry | null }
  | { readonly kind: 'fault'; readonly exception: Exception };

type Register = Extract<HardwareEvent, { kind: 'control-write' }>['register'];

const GENERAL_PROTECTION: Exception = { vector: Vector.GP, errorCode: 0 };
const INVALID_OPCODE: Exception = { vector: Vector.UD };
/** Reads by nobody: only a walk's bookkeeping sees it. */
const SPECULATIVE_ACCESS: Access = { kind: 'read', user: false };

export class Mmu {
  readonly processor: number;
  readonly part: ProcessorPart;
  /** The registers; written through this class only. */
  readonly control: ControlState;
  /** Why the last `access` returned -1. */
  pendingFault: Exception | null = null;
  readonly #memory: PhysicalMemory;
  readonly #policy: TlbPolicy;
  readonly #stream: EventStream;
  readonly #serials: Serials;
  readonly #tally: Tally = newTally();
  readonly #tlb: TlbStore;
  readonly #structures: PagingStructureCaches;
  readonly #walker: PageWalker;
  readonly #filter: AccessFilter;
  readonly #clock: UseClock;
  /** Ticks of the clock that were no hits in the filter. */
  #otherTicks = 0;

  constructor(options: MmuOptions) {
    const { processor, memory, part, policy, stream, serials, filter = true } = options;
    this.processor = processor;
    this.part = part;
    this.control = new ControlState(part);
    this.#memory = memory;
    this.#policy = policy;
    this.#stream = stream;
    this.#serials = serials;
    this.#structures = policy.createPagingStructureCaches((entry, cause) => this.#announceRemoval(entry, cause));
    this.#tlb = policy.createTlb(this.#host());
    this.#clock = this.#tlb.clock;
    this.#filter = new AccessFilter(this.#clock, filter);
    this.#walker = new PageWalker({
      processor,
      memory,
      control: this.control,
      caches: this.#structures,
      stream,
      serials,
      tally: this.#tally,
    });
  }

  get counters(): MmuCounters {
    const { structureHits } = this.#tally;
    return {
      ...this.#tally,
      structureHits: { ...structureHits },
      hits: this.#tally.hits + this.#clock.now - this.#otherTicks,
    };
  }

  /** Walks begun and not ended. */
  get walksInFlight(): ReadonlySet<Walk> {
    return this.#walker.inFlight;
  }

  /** Everything cached at this moment. */
  *cached(): Iterable<CachedTranslation> {
    yield* this.#tlb.entries();
    yield* this.#structures.entries();
  }

  // Translation

  /** The frame of a page for an access, or -1 with `pendingFault`; `offset` goes into CR2. */
  access(page: PageNumber, code: AccessCode, offset = 0): FrameNumber | -1 {
    const filter = this.#filter;
    const index = AccessFilter.indexOf(page, code);
    if (filter.pages[index] === page && (((filter.allowed[index] as number) >> code) & 1) !== 0) {
      const clock = this.#clock;
      clock.now += 1;
      clock.stamps[filter.places[index] as number] = clock.now;
      return filter.frames[index] as FrameNumber;
    }
    return this.#accessSlowly(page, code, offset);
  }

  translate(address: LinearAddress, access: Access): Translation {
    if (!this.control.paging) return this.#untranslated(address);
    const page = pageOf(address);
    const entry = this.#resolve(page, accessCode(access), offsetOf(address));
    if (entry === null) return { kind: 'fault', exception: present(this.pendingFault, 'the fault of a translation') };
    return { kind: 'translated', physical: addressInFrame(entry.frameOf(page), offsetOf(address)), entry };
  }

  /**
   * What the TLB alone says of an access: translated, a fault that it calls for, or 'walk' when a walk must decide: no
   * entry answers, or a write must set D. For machines that take walks step by step; with `beginWalk` it is `translate`.
   */
  lookup(address: LinearAddress, access: Access): Translation | { readonly kind: 'walk' } {
    if (!this.control.paging) return this.#untranslated(address);
    const page = pageOf(address);
    const found = this.#consult(page, accessCode(access), offsetOf(address));
    if (found === 'walk') return { kind: 'walk' };
    if (found === 'fault') return { kind: 'fault', exception: present(this.pendingFault, 'the fault of a lookup') };
    return { kind: 'translated', physical: addressInFrame(found.frameOf(page), offsetOf(address)), entry: found };
  }

  beginWalk(address: LinearAddress, access: Access, { speculative = false }: { speculative?: boolean } = {}): Walk {
    assert(this.control.paging, 'a walk needs paging');
    assert(isCanonical(pageOf(address), this.control.levels), 'a walk needs a canonical address');
    return this.#walker.begin({ address, access, speculative });
  }

  /** Reads one entry. When that ends the walk, what it found is cached, or the page fault has invalidated. */
  stepWalk(walk: Walk): WalkProgress {
    if (walk.progress !== 'more') return walk.progress;
    const progress = this.#walker.step(walk);
    if (progress === 'translated') this.#complete(walk);
    else if (progress === 'fault') this.#failed(walk);
    return progress;
  }

  abandonWalk(walk: Walk): void {
    if (walk.progress === 'more') this.#walker.end(walk, 'abandoned');
  }

  /** A whole speculative walk, unless the address is cached: no fault, no D, no rights asked. Says whether it filled the TLB. */
  speculate(address: LinearAddress): boolean {
    const { paging, levels, pcid } = this.control;
    const page = pageOf(address);
    if (!paging || !isCanonical(page, levels) || this.#tlb.find(page, pcid) !== null) return false;
    const walk = this.#walker.begin({ address, access: SPECULATIVE_ACCESS, speculative: true });
    return this.#finish(walk) === 'translated';
  }

  /**
   * Speculates where it hurts: an entry is about to change, and whatever the loaded root reaches through it may be cached
   * already. For an entry that refers to a structure, one address stands for all below it; the paging-structure caches
   * then hold the entry itself.
   */
  speculateTowards(entryAddress: PhysicalAddress): void {
    if (!this.control.paging) return;
    const { root, levels, pcid } = this.control;
    const entry = this.#memory.read64(entryAddress);
    if ((entry & PagingEntry.P) === 0n) return;
    for (const reach of reachesOf(this.#memory, { root, levels }, entryAddress)) {
      const known = mapsPage(entry, reach.level)
        ? this.#tlb.find(reach.page, pcid)
        : this.#structures.find(reach.page, pcid, reach.level);
      if (known !== null) continue;
      this.speculate(addressInPage(representativePage(this.#memory, reach, entry), 0));
    }
  }

  /** Drops every entry that would answer for the address in the present context; their number. */
  evict(address: LinearAddress): number {
    const page = pageOf(address);
    return this.#remove(byPageFault(this.control, page), 'eviction');
  }

  /** Drops one entry of the TLB or of a paging-structure cache; says whether it was there. */
  evictEntry(cached: CachedTranslation): boolean {
    if (cached.kind !== 'tlb') return this.#structures.remove(cached, 'eviction');
    return cached instanceof CachedTlbEntry && this.#tlb.remove(cached, 'eviction');
  }

  // Operations that invalidate

  /** A non-canonical address makes it do nothing (SDM 2A INVLPG). */
  invlpg(address: LinearAddress): void {
    const page = pageOf(address);
    if (!isCanonical(page, this.control.levels)) return;
    this.#invalidate(byInvlpg(this.control, page), 'INVLPG', address);
  }

  /** `pcid` is bits 63:0 of the descriptor as one number: above FFFH, reserved bits are set (SDM 2A INVPCID). */
  invpcid(type: InvpcidType, pcid: number, address: LinearAddress): Exception | null {
    if (!this.part.invpcid) return INVALID_OPCODE;
    const page = pageOf(address);
    const namesPcid = type === InvpcidTypes.individualAddress || type === InvpcidTypes.singleContext;
    if (![0, 1, 2, 3].includes(type) || pcid < 0 || pcid > 0xfff) return GENERAL_PROTECTION;
    if (namesPcid && pcid !== 0 && !this.control.pcide) return GENERAL_PROTECTION;
    const individual = type === InvpcidTypes.individualAddress;
    if (individual && !isCanonical(page, this.control.levels)) return GENERAL_PROTECTION;
    this.#invalidate(byInvpcid(type, pcid, page), 'INVPCID', individual ? address : null);
    return null;
  }

  /** `value` is the source operand of MOV to CR3, bit 63 included. */
  writeCr3(value: bigint): Exception | null {
    const { control } = this;
    const fault = control.faultOfCr3(value);
    if (fault !== null) return fault;
    const before = control.cr3;
    const noFlush = (value & Cr3.NO_FLUSH) !== 0n;
    this.#changeContext();
    control.loadCr3(value);
    this.#noteRoot();
    this.#announceWrite('CR3', before, control.cr3, noFlush);
    if (!this.#policy.retainsAcrossMovToCr3) {
      this.#invalidate({ ...EVERYTHING, globals: 'none' }, 'MOV to CR3', null);
    } else if (!noFlush) {
      this.#invalidate(byMovToCr3(control.pcid), 'MOV to CR3', null);
    }
    return null;
  }

  writeCr0(value: bigint): Exception | null {
    const { control } = this;
    const fault = control.faultOfCr0(value);
    if (fault !== null) return fault;
    const before = control.cr0;
    this.#changeContext();
    control.loadCr0(value);
    this.#noteRoot();
    this.#announceWrite('CR0', before, value);
    this.#invalidateIf(byMovToCr0(before, value), 'MOV to CR0');
    return null;
  }

  writeCr4(value: bigint): Exception | null {
    const { control } = this;
    const fault = control.faultOfCr4(value);
    if (fault !== null) return fault;
    const before = control.cr4;
    const { pcid } = control;
    this.#changeContext();
    control.loadCr4(value);
    this.#announceWrite('CR4', before, value);
    this.#invalidateIf(byMovToCr4(before, value, pcid), 'MOV to CR4');
    return null;
  }

  // Control state that invalidates nothing

  /** WRMSR IA32_EFER promises to invalidate nothing. */
  writeEfer(value: bigint): Exception | null {
    const { control } = this;
    const fault = control.faultOfEfer(value);
    if (fault !== null) return fault;
    const before = control.efer;
    this.#changeContext();
    control.loadEfer(value);
    this.#announceWrite('EFER', before, control.efer);
    return null;
  }

  /** Privilege level, and EFLAGS.AC, which together with CR4.SMAP decides what a supervisor may touch. */
  setPrivilege(cpl: number, ac: boolean): void {
    const { control } = this;
    if (control.ac !== ac) {
      control.ac = ac;
      if (control.smap) this.#filter.clear();
    }
    const before = control.cpl;
    control.cpl = cpl;
    if (before !== cpl) this.#announceWrite('CPL', BigInt(before), BigInt(cpl));
  }

  wrpkru(value: number): void {
    const before = this.control.pkru;
    this.control.pkru = value >>> 0;
    this.#filter.clear();
    this.#announceWrite('PKRU', BigInt(before), BigInt(value >>> 0));
  }

  wrpkrs(value: number): void {
    const before = this.control.pkrs;
    this.control.pkrs = value >>> 0;
    this.#filter.clear();
    this.#announceWrite('PKRS', BigInt(before), BigInt(value >>> 0));
  }

  /** INIT and RESET both leave the TLBs invalid (SDM 3A 9.1); they differ in the registers that they keep. */
  reset(by: 'INIT' | 'RESET' = 'RESET'): void {
    const { cr0, cr3, cr4, efer } = this.control;
    this.#changeContext();
    this.control.reset(by);
    if (cr0 !== this.control.cr0) this.#announceWrite('CR0', cr0, this.control.cr0);
    if (cr3 !== 0n) this.#announceWrite('CR3', cr3, 0n);
    if (cr4 !== 0n) this.#announceWrite('CR4', cr4, 0n);
    if (efer !== 0n) this.#announceWrite('EFER', efer, 0n);
    this.#invalidate(EVERYTHING, 'INIT', null);
  }

  // How an access is answered

  #accessSlowly(page: PageNumber, code: AccessCode, offset: number): FrameNumber | -1 {
    if (!this.control.paging) return frameNumber(page);
    const found = this.#consult(page, code, offset);
    if (found === 'fault') return -1;
    if (found === 'walk') return this.#walkFor(page, code, offset)?.frameOf(page) ?? -1;
    if (this.#filter.enabled && !found.watched) {
      this.#filter.set(page, code, found, this.#allowedCodes(found, code), this.#tlb.place);
    }
    return found.frameOf(page);
  }

  /** While paging is off, linear addresses are physical ones. */
  #untranslated(address: LinearAddress): Translation {
    return { kind: 'translated', physical: physicalAddress(Number(address)), entry: null };
  }

  /** The entry that an access goes through, from the TLB or from a walk; null with `pendingFault`. */
  #resolve(page: PageNumber, code: AccessCode, offset: number): CachedTlbEntry | null {
    const found = this.#consult(page, code, offset);
    if (found === 'fault') return null;
    return found === 'walk' ? this.#walkFor(page, code, offset) : found;
  }

  #walkFor(page: PageNumber, code: AccessCode, offset: number): CachedTlbEntry | null {
    const address = addressInPage(page, offset);
    const walk = this.#walker.begin({ address, access: accessOf(code), speculative: false });
    this.#finish(walk);
    if (walk.entry === null) this.pendingFault = present(walk.exception, 'the fault of a walk');
    return walk.entry;
  }

  #consult(page: PageNumber, code: AccessCode, offset: number): CachedTlbEntry | 'walk' | 'fault' {
    this.pendingFault = null;
    const { control } = this;
    if (!isCanonical(page, control.levels)) {
      this.pendingFault = GENERAL_PROTECTION;
      return 'fault';
    }
    this.#tick();
    const entry = this.#tlb.lookup(page, control.pcid, isFetch(code));
    if (entry === null) {
      this.#tally.misses += 1;
      return 'walk';
    }
    this.#tally.hits += 1;
    const errorCode = rightsFault(entry, code, control);
    if (errorCode !== ALLOWED) {
      const address = addressInPage(page, offset);
      this.pendingFault = { vector: Vector.PF, errorCode, address };
      this.#pageFault(address, code, { fromCache: true });
      return 'fault';
    }
    if (isWrite(code) && !entry.dirty) {
      this.#tally.dirtyWalks += 1;
      return 'walk';
    }
    this.#announceUse(entry, page, code, offset);
    return entry;
  }

  #finish(walk: Walk): WalkProgress {
    let progress: WalkProgress;
    do progress = this.stepWalk(walk);
    while (progress === 'more');
    return progress;
  }

  #complete(walk: Walk): void {
    const mapping = present(walk.mapping, 'the mapping of a finished walk');
    const { page, code } = walk;
    if (isWrite(code) && !walk.speculative) this.#dropClean(page);
    this.#tick();
    const other = this.#tlb.find(page, walk.pcid);
    if (other !== null && other.pages !== mapping.pages) this.#tally.sizeOverlaps += 1;
    const kept = this.#tlb.fill(mapping, page, isFetch(code));
    walk.entry = kept ?? this.#create(mapping, { page: mapping.page, pages: mapping.pages });
    if (!walk.speculative) this.#announceUse(walk.entry, page, code, offsetOf(walk.address));
  }

  /** The walk that sets D replaces the entry that lacked it; else each further write would walk again. */
  #dropClean(page: PageNumber): void {
    for (;;) {
      const entry = this.#tlb.find(page, this.control.pcid);
      if (entry === null || entry.dirty) return;
      this.#tlb.remove(entry, 'conflict');
    }
  }

  #failed(walk: Walk): void {
    this.#pageFault(walk.address, walk.code, { fromCache: walk.shortcut !== null });
  }

  #pageFault(address: LinearAddress, code: AccessCode, { fromCache }: { fromCache: boolean }): void {
    const page = pageOf(address);
    this.#tally.faults += 1;
    if (fromCache && memoryAllows(this.#memory, this.control, page, code)) this.#tally.spuriousFaults += 1;
    this.#invalidate(byPageFault(this.control, page), '#PF', address);
  }

  /** The accesses of one kind, data or fetch, that the entry allows at present; bit n is access code n. */
  #allowedCodes(entry: CachedTlbEntry, code: AccessCode): number {
    const [first, end] = isFetch(code) ? [FETCH_CODES, ACCESS_CODES] : [0, FETCH_CODES];
    let allowed = 0;
    for (let other = first; other < end; other++) {
      const candidate = other as AccessCode;
      if (isWrite(candidate) && !entry.dirty) continue;
      if (rightsFault(entry, candidate, this.control) === ALLOWED) allowed |= 1 << other;
    }
    return allowed;
  }

  // What is cached

  #host(): TlbHost {
    return {
      create: (mapping, slot) => this.#create(mapping, slot),
      filled: (entry) => {
        this.#tally.fills += 1;
        if (this.#stream.listening) this.#stream.emit({ kind: 'fill', processor: this.processor, cached: entry });
      },
      removed: (entry, cause) => {
        this.#filter.drop(entry);
        if (cause === 'replacement' || cause === 'eviction') this.#tally.evictions += 1;
        this.#announceRemoval(entry, cause);
      },
      changed: (entry) => this.#filter.drop(entry),
    };
  }

  #create(mapping: Mapping, slot: { readonly page: PageNumber; readonly pages: number }): CachedTlbEntry {
    return new CachedTlbEntry(mapping, slot, this.#serials.next(), (entry) => this.#filter.drop(entry));
  }

  #tick(): void {
    this.#clock.now += 1;
    this.#otherTicks += 1;
  }

  #changeContext(): void {
    this.#walker.abandonAll();
    this.#filter.clear();
  }

  #noteRoot(): void {
    const { paging, root, levels } = this.control;
    if (paging) this.#memory.noteRoot(this.processor, root, levels);
  }

  #invalidateIf(invalidation: Invalidation | null, by: RemovalCause): void {
    if (invalidation !== null) this.#invalidate(invalidation, by, null);
  }

  #invalidate(invalidation: Invalidation, by: RemovalCause, address: LinearAddress | null): void {
    this.#walker.abandonAll();
    const removed = this.#remove(invalidation, by);
    if (!this.#stream.listening) return;
    const { processor } = this;
    this.#stream.emit({ kind: 'invalidation', processor, by, address, pcid: invalidation.pcid, removed });
  }

  #remove(invalidation: Invalidation, by: RemovalCause): number {
    return this.#tlb.invalidate(invalidation, by) + this.#structures.invalidate(invalidation, by);
  }

  #announceUse(entry: CachedTlbEntry, page: PageNumber, code: AccessCode, offset: number): void {
    if (!entry.watched || !this.#stream.listening) return;
    const address = addressInPage(page, offset);
    this.#stream.emit({ kind: 'use', processor: this.processor, cached: entry, address, access: accessOf(code) });
  }

  #announceRemoval(cached: CachedTranslation, cause: RemovalCause): void {
    if (this.#stream.listening) this.#stream.emit({ kind: 'removal', processor: this.processor, cached, cause });
  }

  #announceWrite(register: Register, before: bigint, after: bigint, noFlush = false): void {
    if (!this.#stream.listening) return;
    this.#stream.emit({ kind: 'control-write', processor: this.processor, register, before, after, noFlush });
  }
}
