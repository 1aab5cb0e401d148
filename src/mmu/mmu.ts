/**
 * The memory-management unit of one logical processor: control state, TLB, paging-structure caches, walks, and the
 * operations that invalidate (SDM 3A chapter 4).
 *
 * `access` is the hot path and `translate` its golden form: the same semantics with and without the filter. A fault is a
 * value; the page fault's own invalidation has happened when it is returned. Announcing the exception as an event is left
 * to whoever delivers it.
 *
 * Left out: nested paging, SGX, shadow stacks, LAM, memory types beyond their index.
 */
import type { FrameNumber, LinearAddress, PageNumber, PhysicalAddress } from '../arch/address.ts';
import {
  addressInFrame,
  addressInPage,
  frameNumber,
  isCanonical,
  offsetOf,
  PAGE_SHIFT,
  pageNumber,
  pageOf,
  physicalAddress,
} from '../arch/address.ts';
import { Cr3, InvpcidType } from '../arch/control-registers.ts';
import type { InvlpgbOperand } from '../arch/invlpgb.ts';
import type { Access, Exception } from '../arch/page-fault.ts';
import { Vector } from '../arch/page-fault.ts';
import { assert, present } from '../base/assert.ts';
import type { CachedTranslation, TlbEntry } from '../event/cached-translation.ts';
import type { HardwareEvent, RemovalCause } from '../event/event.ts';
import type { EventStream } from '../event/stream.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { AccessFilter } from './access-filter.ts';
import { ALLOWED, accessCode, accessOf, allowedCodes, isWrite, rightsFault } from './access-rights.ts';
import type { AccessCode } from './access-rights.ts';
import { CachedTlbEntry } from './cached-entry.ts';
import { CachedWalks } from './cached-walks.ts';
import { ControlState, GENERAL_PROTECTION } from './control-state.ts';
import { newTally } from './counters.ts';
import type { MmuCounters, Tally } from './counters.ts';
import {
  byInvlpg,
  byInvlpgb,
  byInvpcid,
  byMovToCr0,
  byMovToCr3,
  byMovToCr4,
  byPageFault,
  EVERYTHING,
} from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import type { ProcessorPart } from './part.ts';
import type { TlbPolicy } from './policy/policy.ts';
import type { Serials } from './serials.ts';
import { pagesToSpeculate } from './speculation.ts';
import type { UseClock } from './tlb.ts';
import { TranslationCaches } from './translation-caches.ts';
import type { Walk, WalkOrigin, WalkProgress } from './walk.ts';

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
  readonly #tally: Tally = newTally();
  readonly #caches: TranslationCaches;
  readonly #walks: CachedWalks;
  // The caches', repeated here for the hot path.
  readonly filter: AccessFilter;
  readonly #clock: UseClock;

  constructor({ processor, memory, part, policy, stream, serials, filter = true }: MmuOptions) {
    this.processor = processor;
    this.part = part;
    this.control = new ControlState(part);
    this.#memory = memory;
    this.#policy = policy;
    this.#stream = stream;
    const { control } = this;
    const tally = this.#tally;
    this.#caches = new TranslationCaches({ processor, policy, stream, serials, tally, filter });
    this.filter = this.#caches.filter;
    this.#clock = this.#caches.tlb.clock;
    this.#walks = new CachedWalks({ processor, memory, control, caches: this.#caches, stream, serials, tally });
  }

  get counters(): MmuCounters {
    const { structureHits } = this.#tally;
    return {
      ...this.#tally,
      structureHits: { ...structureHits },
      hits: this.#tally.hits + this.#caches.filterHits,
    };
  }

  /** Walks begun and not ended. */
  get walksInFlight(): ReadonlySet<Walk> {
    return this.#walks.inFlight;
  }

  /** Everything cached at this moment. */
  cached(): Iterable<CachedTranslation> {
    return this.#caches.entries();
  }

  // Translation

  /** The frame of a page for an access, or -1 with `pendingFault`; `offset` goes into CR2. */
  access(page: PageNumber, code: AccessCode, offset = 0): FrameNumber | -1 {
    const filter = this.filter;
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
    return this.#answer(this.#consult(page, accessCode(access), offsetOf(address)), address);
  }

  /** As `lookup`, through a TLB entry that somebody else chose among those that answer for the address. */
  accessThrough(cached: TlbEntry, address: LinearAddress, access: Access): Translation | { readonly kind: 'walk' } {
    assert(cached instanceof CachedTlbEntry && cached.covers(pageOf(address)), 'the entry answers for the address');
    this.pendingFault = null;
    return this.#answer(this.#judge(cached, pageOf(address), accessCode(access), offsetOf(address)), address);
  }

  /** `from`: where it starts, if not where the paging-structure caches let it. */
  beginWalk(
    address: LinearAddress,
    access: Access,
    { speculative = false, from }: { readonly speculative?: boolean; readonly from?: WalkOrigin } = {},
  ): Walk {
    assert(this.control.paging, 'a walk needs paging');
    assert(isCanonical(pageOf(address), this.control.levels), 'a walk needs a canonical address');
    return this.#walks.begin({ address, access, speculative }, from);
  }

  /** Reads one entry. When that ends the walk, what it found is cached, or the page fault has invalidated. */
  stepWalk(walk: Walk): WalkProgress {
    return this.#walks.step(walk);
  }

  abandonWalk(walk: Walk): void {
    this.#walks.abandon(walk);
  }

  /** A whole speculative walk, unless the address is cached: no fault, no D, no rights asked. Says whether it filled the TLB. */
  speculate(address: LinearAddress): boolean {
    const { paging, levels, pcid } = this.control;
    const page = pageOf(address);
    if (!paging || !isCanonical(page, levels) || this.#caches.tlb.find(page, pcid) !== null) return false;
    const walk = this.#walks.begin({ address, access: SPECULATIVE_ACCESS, speculative: true });
    return this.#walks.finish(walk) === 'translated';
  }

  /**
   * Speculates where it hurts: an entry is about to change, and whatever the loaded root reaches through it may be cached
   * already. For an entry that refers to a structure, one address stands for all below it; the paging-structure caches
   * then hold the entry itself.
   */
  speculateTowards(entryAddress: PhysicalAddress): void {
    if (!this.control.paging) return;
    for (const page of pagesToSpeculate(this.#memory, this.control, this.#caches, entryAddress)) {
      this.speculate(addressInPage(page, 0));
    }
  }

  /** Drops every entry that would answer for the address in the present context; their number. */
  evict(address: LinearAddress): number {
    const page = pageOf(address);
    return this.#caches.remove(byPageFault(this.control, page), 'eviction');
  }

  /** Drops one entry of the TLB or of a paging-structure cache; says whether it was there. */
  evictEntry(cached: CachedTranslation): boolean {
    return this.#caches.removeEntry(cached, 'eviction');
  }

  // Operations that invalidate

  /** A non-canonical address makes it do nothing (SDM 2A INVLPG). */
  invlpg(address: LinearAddress): void {
    const page = pageOf(address);
    if (!isCanonical(page, this.control.levels)) return;
    this.#walks.invalidate(byInvlpg(this.control, page), 'INVLPG', address);
  }

  /** `pcid` is bits 63:0 of the descriptor as one number: above FFFH, reserved bits are set (SDM 2A INVPCID). */
  invpcid(type: InvpcidType, pcid: number, address: LinearAddress): Exception | null {
    const page = pageOf(address);
    const fault = this.control.faultOfInvpcid(type, pcid, page);
    if (fault !== null) return fault;
    const individual = type === InvpcidType.individualAddress;
    this.#walks.invalidate(byInvpcid(type, pcid, page), 'INVPCID', individual ? address : null);
    return null;
  }

  /** An INVLPGB has arrived, this processor's own or another's. */
  receiveInvlpgb(operand: InvlpgbOperand): void {
    const { pages } = operand;
    if (pages === null) {
      this.#walks.invalidate(byInvlpgb(this.control, operand, null), 'INVLPGB', null);
      return;
    }
    for (let index = 0; index < pages.count; index++) {
      const page = pageNumber(pageOf(pages.start) + index * 2 ** (pages.strideShift - PAGE_SHIFT));
      this.#walks.invalidate(byInvlpgb(this.control, operand, page), 'INVLPGB', addressInPage(page, 0));
    }
  }

  /** A host has the TLB of this virtual processor flushed before it enters the guest. */
  flushOnEntry(): void {
    this.#walks.invalidate(EVERYTHING, 'VM entry', null);
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
      this.#walks.invalidate({ ...EVERYTHING, globals: 'none' }, 'MOV to CR3', null);
    } else if (!noFlush) {
      this.#walks.invalidate(byMovToCr3(control.pcid), 'MOV to CR3', null);
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
      if (control.smap) this.filter.clear();
    }
    const before = control.cpl;
    control.cpl = cpl;
    if (before !== cpl) this.#announceWrite('CPL', BigInt(before), BigInt(cpl));
  }

  wrpkru(value: number): void {
    const before = this.control.pkru;
    this.control.pkru = value >>> 0;
    this.filter.clear();
    this.#announceWrite('PKRU', BigInt(before), BigInt(value >>> 0));
  }

  wrpkrs(value: number): void {
    const before = this.control.pkrs;
    this.control.pkrs = value >>> 0;
    this.filter.clear();
    this.#announceWrite('PKRS', BigInt(before), BigInt(value >>> 0));
  }

  /** INIT and RESET both leave the TLBs invalid (SDM 3A 10.1); they differ in the registers that they keep. */
  reset(by: 'INIT' | 'RESET' = 'RESET'): void {
    const { cr0, cr3, cr4, efer } = this.control;
    this.#changeContext();
    this.control.reset(by);
    if (cr0 !== this.control.cr0) this.#announceWrite('CR0', cr0, this.control.cr0);
    if (cr3 !== 0n) this.#announceWrite('CR3', cr3, 0n);
    if (cr4 !== 0n) this.#announceWrite('CR4', cr4, 0n);
    if (efer !== 0n) this.#announceWrite('EFER', efer, 0n);
    this.#walks.invalidate(EVERYTHING, 'INIT', null);
  }

  // How an access is answered

  #accessSlowly(page: PageNumber, code: AccessCode, offset: number): FrameNumber | -1 {
    if (!this.control.paging) return frameNumber(page);
    const found = this.#consult(page, code, offset);
    if (found === 'fault') return -1;
    if (found === 'walk') return this.#walkFor(page, code, offset)?.frameOf(page) ?? -1;
    if (this.filter.accepts(found)) {
      this.filter.set(page, code, found, allowedCodes(found, code, this.control), this.#caches.tlb.place);
    }
    return found.frameOf(page);
  }

  #answer(found: CachedTlbEntry | 'walk' | 'fault', address: LinearAddress): Translation | { readonly kind: 'walk' } {
    if (found === 'walk') return { kind: 'walk' };
    if (found === 'fault') return { kind: 'fault', exception: present(this.pendingFault, 'the fault of a lookup') };
    const physical = addressInFrame(found.frameOf(pageOf(address)), offsetOf(address));
    return { kind: 'translated', physical, entry: found };
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
    const walk = this.#walks.begin({ address, access: accessOf(code), speculative: false });
    this.#walks.finish(walk);
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
    const entry = this.#caches.lookup(page, control.pcid, code);
    if (entry === null) {
      this.#tally.misses += 1;
      return 'walk';
    }
    return this.#judge(entry, page, code, offset);
  }

  #judge(entry: CachedTlbEntry, page: PageNumber, code: AccessCode, offset: number): CachedTlbEntry | 'walk' | 'fault' {
    this.#tally.hits += 1;
    const { control } = this;
    const errorCode = rightsFault(entry, code, control);
    if (errorCode !== ALLOWED) {
      const address = addressInPage(page, offset);
      this.pendingFault = { vector: Vector.PF, errorCode, address };
      this.#walks.pageFault(address, code, { fromCache: true });
      return 'fault';
    }
    if (isWrite(code) && !entry.dirty) {
      this.#tally.dirtyWalks += 1;
      return 'walk';
    }
    this.#walks.announceUse(entry, page, code, offset);
    return entry;
  }

  // What goes with a change

  #changeContext(): void {
    this.#walks.abandonAll();
    this.filter.clear();
  }

  #noteRoot(): void {
    const { paging, root, levels } = this.control;
    if (paging) this.#memory.noteRoot(this.processor, root, levels);
  }

  #invalidateIf(invalidation: Invalidation | null, by: RemovalCause): void {
    if (invalidation !== null) this.#walks.invalidate(invalidation, by, null);
  }

  #announceWrite(register: Register, before: bigint, after: bigint, noFlush = false): void {
    if (!this.#stream.listening) return;
    this.#stream.emit({ kind: 'control-write', processor: this.processor, register, before, after, noFlush });
  }
}
