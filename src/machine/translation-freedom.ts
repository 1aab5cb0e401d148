/**
 * What processors may do about translations at moments of their own choosing (SDM 3A 4.10.2.3, 4.10.3.2), as steps that a
 * search can list and take: read one more paging-structure entry of a walk that no access asked for, drop what is cached;
 * and, where an access stands, which cached translation or walk answers it. For machines with `policyForSearch`.
 *
 * A step of a walk caches all it may. That loses nothing: whatever is cached may stay unused, so a processor that caches
 * less, or has dropped it, does what this one may do as well. For the same reason a step is offered only if something is
 * known after it that was not known before, which is what makes searches end.
 *
 * A walk that no access made leaves nothing behind where it finds no translation. So whether an access faults is decided
 * by a walk that reads the entry in question when the access is made, or by what is cached (SDM 3A 4.10.4.3: no
 * invalidation is needed where an entry becomes present).
 */
import {
  addressInFrame,
  addressInPage,
  frameNumber,
  frameOf,
  type LinearAddress,
  offsetOf,
  type PageNumber,
  type PagingLevel,
  pageOf,
  type PhysicalAddress,
} from '../arch/address.ts';
import type { Access, Exception } from '../arch/page-fault.ts';
import { assert, present } from '../base/assert.ts';
import type { CachedTranslation, EntrySource, TlbEntry } from '../event/cached-translation.ts';
import { ALLOWED, accessCode, isWrite, rightsFault } from '../mmu/access-rights.ts';
import type { Mmu } from '../mmu/mmu.ts';
import type { Walk } from '../mmu/walk.ts';
import type { WalkOrigin } from '../mmu/walk.ts';
import type { Machine } from './machine.ts';
import { lookAhead, type WalkOutlook, type WalkPosition } from './walk-outlook.ts';

/** Reads entries of a walk up to one that may change, and those after it that do not. */
export interface WalkStep {
  readonly kind: 'walk';
  readonly processor: number;
  readonly page: PageNumber;
  /** What the walk knows already; see `knowledge`. */
  readonly from: string;
  /** The entry that may change; null if the walk meets none. */
  readonly reads: PhysicalAddress | null;
  /** Whether the step sets A. */
  readonly updates: boolean;
}

/** Drops one cached translation. */
export interface EvictionStep {
  readonly kind: 'evict';
  readonly processor: number;
  readonly cached: string;
}

/** How an access can be answered. */
export type Answer =
  /** By a TLB entry. */
  | {
      readonly kind: 'cached';
      readonly cached: string;
      /** Where the access goes; null: it faults. */
      readonly physical: PhysicalAddress | null;
    }
  /** By a walk that ends in a fault, sets D, or meets no entry that may change. */
  | {
      readonly kind: 'walked';
      readonly from: string;
      readonly reads: PhysicalAddress | null;
      readonly updates: boolean;
      readonly physical: PhysicalAddress | null;
    };

export type Answered =
  | { readonly kind: 'translated'; readonly physical: PhysicalAddress }
  | { readonly kind: 'fault'; readonly exception: Exception };

export interface FreedomOptions {
  /** False only of entries that nobody changes while the search goes on, not even by setting A or D. */
  readonly mayChange?: (address: PhysicalAddress) => boolean;
  /** False if a walk always comes to the same page table: then nothing is told by what it knows on the way. */
  readonly tablesMayChange?: boolean;
}

const NO_ACCESS: Access = { kind: 'read', user: false };

interface Start {
  readonly origin: WalkOrigin;
  readonly knowledge: string;
  readonly position: WalkPosition;
}

export class TranslationFreedom {
  readonly #machine: Machine;
  readonly #mayChange: (address: PhysicalAddress) => boolean;
  readonly #tablesMayChange: boolean;

  constructor(machine: Machine, { mayChange = () => true, tablesMayChange = true }: FreedomOptions = {}) {
    this.#machine = machine;
    this.#mayChange = mayChange;
    this.#tablesMayChange = tablesMayChange;
  }

  /** The steps of walks for an address under the loaded CR3. The address is canonical, paging is on. */
  walkSteps(processor: number, address: LinearAddress): WalkStep[] {
    const starts = this.#starts(processor, address);
    const cached = this.#answering(processor, address);
    const steps: WalkStep[] = [];
    for (const { knowledge: from, position } of starts) {
      const outlook = this.#lookAhead(processor, address, position, null);
      if (!this.#isNews(processor, outlook, starts, cached)) continue;
      const { reads, updates } = outlook;
      steps.push({ kind: 'walk', processor, page: pageOf(address), from, reads, updates });
    }
    return steps;
  }

  takeWalkStep({ processor, page, from }: WalkStep): void {
    const address = addressInPage(page, 0);
    const { mmu } = this.#machine.processor(processor);
    const { origin, position } = this.#start(processor, address, from);
    const { entries } = this.#lookAhead(processor, address, position, null);
    const walk = mmu.beginWalk(address, NO_ACCESS, { speculative: true, from: origin });
    for (let read = 0; read < entries; read++) mmu.stepWalk(walk);
    if (walk.progress !== 'more') return;
    // What a paging-structure cache holds need not be held by the walk as well.
    const known = this.#knowledgeOf(walk);
    const isKept = this.#starts(processor, address).some(
      ({ origin: other, knowledge }) => other !== walk && knowledge === known,
    );
    if (isKept) mmu.abandonWalk(walk);
  }

  evictions(processor: number): EvictionStep[] {
    return [...this.#cachedNames(processor)].map((cached) => ({ kind: 'evict', processor, cached }));
  }

  evict({ processor, cached }: EvictionStep): void {
    const { mmu } = this.#machine.processor(processor);
    for (const entry of [...mmu.cached()]) if (this.#nameOf(entry) === cached) mmu.evictEntry(entry);
  }

  /** How an access can be answered now. None: walk steps come first. */
  answers(processor: number, address: LinearAddress, access: Access): Answer[] {
    const { control } = this.#machine.processor(processor).mmu;
    const code = accessCode(access);
    const answers: Answer[] = [];
    const answering = this.#answering(processor, address);
    for (const [cached, entry] of answering) {
      const faults = rightsFault(entry, code, control) !== ALLOWED;
      if (!faults && !entry.dirty && isWrite(code)) continue;
      const frame = frameNumber(entry.frame + (pageOf(address) - entry.slotPage));
      answers.push({ kind: 'cached', cached, physical: faults ? null : addressInFrame(frame, offsetOf(address)) });
    }
    for (const { knowledge: from, position } of this.#starts(processor, address)) {
      const outlook = this.#lookAhead(processor, address, position, access);
      const { end, reads, updates, setsDirty, frame } = outlook;
      if (end === 'invalid' || end === 'denied') {
        answers.push({ kind: 'walked', from, reads, updates, physical: null });
      } else if (frame !== null && (setsDirty || reads === null)) {
        if (!setsDirty && answering.has(this.#nameOfResult(processor, outlook))) continue;
        const physical = addressInFrame(frame, offsetOf(address));
        answers.push({ kind: 'walked', from, reads, updates, physical });
      }
    }
    return answers;
  }

  /**
   * The entries that may change which walks of the address would read next. What is offered depends on them, even what does
   * not read them: an access that goes through a TLB entry while one of them is valid gives up the fault that it could
   * have had later.
   */
  deciding(processor: number, address: LinearAddress): PhysicalAddress[] {
    const deciding = new Set<PhysicalAddress>();
    for (const { position } of this.#starts(processor, address)) {
      const { reads } = this.#lookAhead(processor, address, position, null);
      if (reads !== null) deciding.add(reads);
    }
    return [...deciding];
  }

  /** Makes the access's translation as the answer says; a fault has invalidated what it must when it is returned. */
  translate(processor: number, address: LinearAddress, access: Access, answer: Answer): Answered {
    const { mmu } = this.#machine.processor(processor);
    if (answer.kind === 'cached') {
      const entry = present(this.#answering(processor, address).get(answer.cached), 'the entry that was chosen');
      const translation = mmu.accessThrough(entry, address, access);
      assert(translation.kind !== 'walk', 'an entry that needs a walk is no answer');
      return translation;
    }
    const { origin } = this.#start(processor, address, answer.from);
    const walk = mmu.beginWalk(address, access, { from: origin });
    while (mmu.stepWalk(walk) === 'more') {}
    if (walk.exception !== null) return { kind: 'fault', exception: walk.exception };
    return through(mmu, present(walk.entry, 'what the walk found'), address, access);
  }

  /** Everything that the processor holds, in names that do not tell when or how often it was read; sorted. */
  held(processor: number): string[] {
    const names = this.#cachedNames(processor);
    if (this.#tablesMayChange) {
      const { walksInFlight } = this.#machine.processor(processor).mmu;
      for (const walk of walksInFlight) names.add(`walk ${walk.page} ${this.#knowledgeOf(walk)}`);
    }
    return [...names].sort();
  }

  /** Of what is cached and tells anything. */
  #cachedNames(processor: number): Set<string> {
    const names = new Set<string>();
    for (const cached of this.#machine.processor(processor).mmu.cached()) {
      if (cached.kind === 'tlb' || this.#tablesMayChange) names.add(this.#nameOf(cached));
    }
    return names;
  }

  #isNews(
    processor: number,
    outlook: WalkOutlook,
    starts: readonly Start[],
    cached: ReadonlyMap<string, TlbEntry>,
  ): boolean {
    const { end, updates } = outlook;
    if (end === 'invalid') return false;
    if (updates) return true;
    const name = this.#nameOfResult(processor, outlook);
    return end === 'translated' ? !cached.has(name) : starts.every(({ knowledge }) => knowledge !== name);
  }

  #nameOfResult(processor: number, { end, sources, global, dirty }: WalkOutlook): string {
    const knowledge = this.#name(this.#machine.processor(processor).mmu.control, sources);
    return end === 'translated' ? nameOfTranslation(knowledge, { global, dirty }) : knowledge;
  }

  #lookAhead(processor: number, address: LinearAddress, position: WalkPosition, access: Access | null): WalkOutlook {
    const { mmu } = this.#machine.processor(processor);
    const where = { page: pageOf(address), position, access };
    return lookAhead(this.#machine.memory, mmu.control, this.#mayChange, where);
  }

  /** TLB entries that answer for the address in the present context, one for each name. */
  #answering(processor: number, address: LinearAddress): Map<string, TlbEntry> {
    const { mmu } = this.#machine.processor(processor);
    const page = pageOf(address);
    const answering = new Map<string, TlbEntry>();
    for (const cached of mmu.cached()) {
      if (cached.kind !== 'tlb' || page < cached.slotPage || page >= cached.slotPage + cached.slotPages) continue;
      if (!cached.global && cached.pcid !== mmu.control.pcid) continue;
      const name = nameOfTranslation(this.#knowledgeOf(cached), cached);
      if (!answering.has(name)) answering.set(name, cached);
    }
    return answering;
  }

  /** Where a walk of the address can go on, one for each thing known: the top structure first. */
  #starts(processor: number, address: LinearAddress): Start[] {
    const { mmu } = this.#machine.processor(processor);
    const { root, pcid, levels } = mmu.control;
    const page = pageOf(address);
    const starts = new Map<string, Start>();
    const add = (origin: WalkOrigin, knowledge: string, position: WalkPosition): void => {
      if (!starts.has(knowledge)) starts.set(knowledge, { origin, knowledge, position });
    };
    const top = { level: levels, table: root, sources: [], writable: true, user: true, executable: true };
    add(null, this.#name({ pcid, root }, []), top);
    for (const cached of mmu.cached()) {
      if (cached.kind === 'tlb' || cached.pcid !== pcid || !translates(cached, page)) continue;
      add(cached, this.#knowledgeOf(cached), { ...cached, level: (cached.level - 1) as PagingLevel });
    }
    for (const walk of mmu.walksInFlight) {
      if (walk.page === page) add(walk, this.#knowledgeOf(walk), walk);
    }
    return [...starts.values()];
  }

  #start(processor: number, address: LinearAddress, from: string): Start {
    const start = this.#starts(processor, address).find(({ knowledge }) => knowledge === from);
    return present(start, `a walk that knows ${from}`);
  }

  #nameOf(cached: CachedTranslation): string {
    const knowledge = this.#knowledgeOf(cached);
    return cached.kind === 'tlb'
      ? `tlb ${cached.slotPage} ${nameOfTranslation(knowledge, cached)}`
      : `${cached.kind} ${cached.page} ${knowledge}`;
  }

  #knowledgeOf(known: CachedTranslation | Walk): string {
    return this.#name(known, known.sources);
  }

  /**
   * The context, and the values of the entries that may change: what does not change tells nothing. The root is the one
   * that the first entry is in, since another may have been loaded before the walk went on.
   */
  #name({ pcid, root }: { readonly pcid: number; readonly root: number }, sources: readonly EntrySource[]): string {
    const [first] = sources;
    let name = `${pcid}:${first === undefined ? root : frameOf(first.address)}`;
    for (const { address, entry } of sources) {
      if (this.#mayChange(address)) name += ` ${address.toString(16)}=${entry.toString(16)}`;
    }
    return name;
  }
}

function translates({ page, pages }: CachedTranslation, wanted: PageNumber): boolean {
  return wanted >= page && wanted < page + pages;
}

function nameOfTranslation(knowledge: string, { global, dirty }: { global: boolean; dirty: boolean }): string {
  return `${knowledge}${global ? ' G' : ''}${dirty ? ' D' : ''}`;
}

function through(mmu: Mmu, entry: TlbEntry, address: LinearAddress, access: Access): Answered {
  const translation = mmu.accessThrough(entry, address, access);
  assert(translation.kind === 'translated', 'what a walk has just allowed is allowed');
  return translation;
}
