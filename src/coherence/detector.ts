/**
 * The detector: events in, violations out.
 *
 * The contract
 *
 * - A cached translation is *stale* from the moment a change to a paging-structure entry makes it differ from the
 *   structures in a way that can do harm (significance.ts: the ladder of SDM 3A 4.10.4), until memory says the same again.
 *   A change is what reached memory; what waits in a store buffer is no change yet.
 * - A missed change is *due* once one of these has happened after it (obligation.ts): a flush that began after it and whose
 *   ranges concern the translation has **returned**; the kernel promised for such a range; the frame that the translation
 *   maps was freed; MOV to CR3 put other structures behind the translation's PCID without invalidating.
 * - A *use* is a violation if it is wrong for every combination of values that the processor may still believe in: what is
 *   in memory, and what was overwritten by changes that are not due (legality.ts). Filling, by speculation or not, is no use,
 *   and neither is being cached: a processor that does not run an address space may keep what it likes of it.
 * - A walk that reads a freed paging structure is a violation at once, speculative or not: the walk may set A there.
 * - The kernel's book-keeping is checked beside (generation-invariant.ts), and its decisions are weighed (flush-matrix.ts).
 *
 * Assumed: `time` has been advanced for a step before what the step does is told; a `paging-write` is told after memory has
 * changed; the removals of an instruction are told within its step. CR0.WP = 1, CR4.SMEP = 0 and EFER.NXE = 1 until a
 * control-write says otherwise. A range of mm 0 is everything, mm 1 is the kernel's half.
 */
import type { PagingLevels, PhysicalAddress } from '../arch/address.ts';
import { unreachable } from '../base/assert.ts';
import type { StateSink } from '../base/state-sink.ts';
import type { MachineEvent } from '../event/event.ts';
import type { EventStream } from '../event/stream.ts';
import { EVERY_MM, regionOf } from './address-region.ts';
import { type Moment, type Operation, precedes } from './change.ts';
import { FlushMatrix } from './flush-matrix.ts';
import { FrameHistory } from './frame-history.ts';
import { GenerationInvariant } from './generation-invariant.ts';
import type { Structures } from './legality.ts';
import { isAbout, Obligations, type Promised } from './obligation.ts';
import { summarizeChange, summarizeTranslation } from './summary.ts';
import type { TrackedTranslation } from './tracked-translation.ts';
import { TranslationTracker } from './translation-tracker.ts';
import { UseJudge } from './use-judge.ts';
import type { CoherenceReport, Finding, LatentTranslation, Violation } from './violation.ts';
import { ViolationLog } from './violation-log.ts';

type EventOf<K extends MachineEvent['kind']> = Extract<MachineEvent, { kind: K }>;

export interface DetectorOptions {
  /** Where to listen; without it, whoever has the events calls `observe`. */
  readonly stream?: EventStream;
  /** Eight bytes of physical memory as they are now. */
  readonly read: (address: PhysicalAddress) => bigint;
  /** Where a processor is in the workload, in words. Asked at fills and at writes to paging structures: keep it cheap. */
  readonly locate: (processor: number) => string | null;
  readonly levels: PagingLevels;
  /** MAXPHYADDR; 52 if not given. */
  readonly physicalAddressBits?: number;
}

const LATENT_LISTED = 100;

export class Detector {
  readonly #structures: Structures;
  readonly #locate: (processor: number) => string | null;
  readonly #obligations: Obligations;
  readonly #frames = new FrameHistory();
  readonly #matrix = new FlushMatrix();
  readonly #invariant = new GenerationInvariant();
  readonly #log = new ViolationLog();
  /** By processor, innermost last. */
  readonly #operations = new Map<number, Operation[]>();
  readonly #operationsBegan = new Map<number, Moment>();
  readonly #tracker: TranslationTracker;
  readonly #judge: UseJudge;
  readonly #statistics = {
    fills: 0,
    removals: 0,
    entryWrites: 0,
    watchedUses: 0,
    flushes: 0,
    promises: 0,
    mostStale: 0,
  };
  #sequence = 0;

  constructor({ stream, read, locate, levels, physicalAddressBits = 52 }: DetectorOptions) {
    const structures: Structures = { levels, frameLimit: 2 ** (physicalAddressBits - 12), read };
    this.#structures = structures;
    this.#locate = locate;
    this.#obligations = new Obligations(() => this.#tracker.oldestChange());
    this.#tracker = new TranslationTracker({
      structures,
      obligations: this.#obligations,
      whereabouts: { locate, operationOf: (processor) => this.#operationOf(processor) },
      becameStale: (tracked) => this.#invariant.suspect(tracked),
    });
    this.#judge = new UseJudge({
      structures,
      tracker: this.#tracker,
      frames: this.#frames,
      matrix: this.#matrix,
      log: this.#log,
      locate,
    });
    stream?.observe((event, time) => this.observe(event, time));
  }

  /** Stale translations that are cached at this moment. */
  get staleCount(): number {
    return this.#tracker.stale.size;
  }

  /** Those of them that one processor holds. */
  staleOn(processor: number): number {
    return this.#tracker.stale.sizeOn(processor);
  }

  /** All translations that are cached at this moment. */
  get liveCount(): number {
    return this.#tracker.size;
  }

  /** Distinct violations so far. */
  get violationCount(): number {
    return this.#log.distinct;
  }

  observe(event: MachineEvent, time: number): void {
    const sequence = ++this.#sequence;
    switch (event.kind) {
      case 'walk-begin':
        this.#tracker.walkBegin(event, sequence);
        break;
      case 'walk-read':
        this.#tracker.walkRead(event);
        this.#judge.walkRead(event, time);
        break;
      case 'walk-end':
        this.#tracker.walkEnd(event.walk);
        break;
      case 'fill':
        this.#statistics.fills++;
        this.#tracker.fill(event.cached, time);
        this.#staleChanged(time);
        break;
      case 'removal':
        this.#removal(event, sequence);
        break;
      case 'use':
        this.#statistics.watchedUses++;
        this.#judge.use(event, time);
        break;
      case 'paging-write':
        this.#statistics.entryWrites++;
        this.#tracker.entryWritten(event, sequence, time);
        this.#staleChanged(time);
        break;
      case 'control-write':
        if (event.register === 'CR3') this.#tracker.rootLoaded(event, sequence, time);
        else this.#tracker.contextOf(event.processor).control(event);
        this.#staleChanged(time);
        break;
      case 'interrupts':
        this.#invariant.setInterrupts(event.processor, event.enabled);
        this.#checkInvariant(time);
        break;
      case 'interrupt-begin':
        this.#invariant.nestHandler(event.processor, 1);
        break;
      case 'interrupt-end':
        this.#invariant.nestHandler(event.processor, -1);
        this.#checkInvariant(time);
        break;
      case 'address-space':
        this.#tracker.nameSpace(event.root, event.mm);
        break;
      case 'address-space-end':
        this.#tracker.forgetSpace(event.mm);
        this.#obligations.forget(event.mm);
        this.#invariant.forget(event.mm);
        break;
      case 'frame-allocate':
        this.#frames.allocate(event, sequence, time);
        break;
      case 'frame-free':
        this.#frames.free(event, { processor: event.processor, sequence, time });
        break;
      case 'operation-begin':
        this.#operationBegin(event, sequence, time);
        break;
      case 'operation-end':
        this.#operationEnd(event);
        break;
      case 'flush-begin': {
        const { processor } = event;
        this.#statistics.flushes++;
        this.#obligations.begin(event, { processor, sequence, time }, this.#locate(processor));
        break;
      }
      case 'flush-return':
        for (const promised of this.#obligations.return(event.flush, time)) this.#makeDue(promised);
        break;
      case 'batch-add':
        this.#obligations.batchAdd(event.mm, { processor: event.processor, sequence, time });
        break;
      case 'promise': {
        const { processor } = event;
        this.#statistics.promises++;
        const began = event.operation === undefined ? undefined : this.#operationsBegan.get(event.operation);
        const place = { where: this.#locate(processor), operationBegan: began ?? null };
        this.#makeDue(this.#obligations.promise(event, { processor, sequence, time }, place));
        break;
      }
      case 'flush-decision':
        this.#flushDecision(event, time);
        break;
      case 'generation':
        this.#generation(event, sequence, time);
        break;
      case 'slot':
        this.#slot(event, time);
        break;
      case 'assertion':
        this.#assertion(event, time);
        break;
      case 'store-buffered':
      case 'store-drained':
      case 'invalidation':
      case 'invlpgb':
      case 'tlbsync':
      case 'virtual-processor':
      case 'exception':
      case 'ipi-send':
      case 'ipi-accept':
      case 'switch':
      case 'lazy':
      case 'task':
        break;
      default:
        unreachable(event);
    }
  }

  /** The distinct violations kept so far, in the order of first use; their counts go on changing. */
  get violations(): readonly Violation[] {
    return this.#log.violations;
  }

  /** Breaches of the kernel's book-keeping so far, those kept. */
  get findings(): readonly Finding[] {
    return this.#log.findings;
  }

  /** How many `findings` there are. */
  get findingCount(): number {
    return this.#log.findingCount;
  }

  report(): CoherenceReport {
    const violations = this.#log.violations.map((violation) => ({ ...violation }));
    const findings = this.#log.findings.map((finding) => ({ ...finding }));
    return {
      clean: violations.length === 0 && findings.length === 0,
      violations,
      violationCount: this.#log.distinct,
      violatingUses: this.#log.uses,
      findings,
      matrix: this.#matrix.report(),
      latent: this.#latent(),
      statistics: { ...this.#statistics },
      limits: {
        forgottenChanges: this.#tracker.forgotten,
        forgottenPromises: this.#obligations.forgotten,
        unexplainedTranslations: this.#tracker.unexplained,
        violationsNotKept: this.#log.violationsNotKept,
        findingsNotKept: this.#log.findingsNotKept,
      },
    };
  }

  /**
   * What its future verdicts depend on, beside what is cached and what is in memory: of each stale translation the changes
   * that it has missed, as against every flush and operation that is under way; the frames that were tables; the slots.
   */
  tellState(sink: StateSink): void {
    const lines: string[] = [];
    for (const tracked of this.#tracker.stale.all()) lines.push(this.#stateOf(tracked));
    for (const line of lines.sort()) sink.text(line);
    this.#frames.tellState(sink);
    this.#invariant.tellState(sink);
    sink.number(this.#log.distinct);
    sink.number(this.#log.findingCount);
  }

  #stateOf(tracked: TrackedTranslation): string {
    const { cached, mm, staleness, overflowed } = tracked;
    const settled = this.#judge.dueChanges(tracked);
    const missed = tracked.missed.map(({ change, due }, index) => {
      const where =
        change.kind === 'entry'
          ? `${change.address} ${change.before} ${change.after}`
          : `${change.pcid} ${change.before} ${change.after}`;
      const generation = this.#invariant.generationOf(change, tracked);
      const before = [...this.#obligations.moments(), ...this.#operationsBegan.values()]
        .sort((a, b) => a.processor - b.processor)
        .map((moment) => `${moment.processor}${precedes(change, moment) ? '<' : '>'}`);
      return `${change.kind} ${change.processor} ${where} ${due !== null} ${settled.has(index)} ${generation} ${before.join('')}`;
    });
    return `${cached.processor} ${cached.kind} ${cached.pcid} ${cached.page} ${mm} ${staleness} ${overflowed} ${this.#invariant.isSuspect(tracked)} ${missed.join('; ')}`;
  }

  #operationOf(processor: number): Operation | null {
    return this.#operations.get(processor)?.at(-1) ?? null;
  }

  #operationBegin(event: EventOf<'operation-begin'>, sequence: number, time: number): void {
    const { processor, operation, name, mm } = event;
    this.#operationsBegan.set(operation, { processor, sequence, time });
    const stack = this.#operations.get(processor);
    if (stack === undefined) this.#operations.set(processor, [{ operation, name, mm }]);
    else stack.push({ operation, name, mm });
  }

  /** On whichever processor it began: its task may have moved. */
  #operationEnd({ operation }: EventOf<'operation-end'>): void {
    this.#operationsBegan.delete(operation);
    for (const stack of this.#operations.values()) {
      const index = stack.findLastIndex((entry) => entry.operation === operation);
      if (index >= 0) stack.splice(index, 1);
    }
  }

  #removal({ cached }: EventOf<'removal'>, sequence: number): void {
    this.#statistics.removals++;
    const tracked = this.#tracker.remove(cached, sequence);
    if (tracked !== undefined && tracked.staleness !== null) this.#invariant.dismiss(tracked);
  }

  #makeDue(promised: Promised): void {
    for (const tracked of this.#tracker.stale.undueIn(promised.region)) {
      for (const missed of tracked.missed) {
        if (missed.due === null && isAbout(promised, missed.change)) missed.due = promised.obligation;
      }
      this.#tracker.stale.refreshDue(tracked);
    }
  }

  /** A full flush is about all of the address space, whatever range was asked for. */
  #flushDecision({ processor, flush, range, action, why }: EventOf<'flush-decision'>, time: number): void {
    const region = regionOf(range);
    const concerned = action === 'full' ? { ...region, first: 0, limit: Number.POSITIVE_INFINITY } : region;
    const stale = this.#tracker.stale.on(processor, concerned);
    const first = stale.next();
    const decision = this.#matrix.decide({ processor, flush, action, why, time }, first.done !== true);
    if (flush !== null) this.#obligations.openFlush(flush)?.decisions.push(decision);
    if (action !== 'skip' || first.done === true) return;
    first.value.skipped = decision;
    for (const tracked of stale) tracked.skipped = decision;
  }

  #generation({ processor, mm, generation }: EventOf<'generation'>, sequence: number, time: number): void {
    this.#invariant.advance(mm, {
      generation,
      moment: { processor, sequence, time },
      operation: this.#operationOf(processor),
      regions: this.#obligations.innermost(processor)?.regions ?? null,
    });
    if (!this.#invariant.isClaimed(mm, generation)) return;
    for (const tracked of this.#tracker.stale.all()) if (tracked.mm === mm) this.#invariant.suspect(tracked);
    this.#checkInvariant(time);
  }

  #slot({ processor, pcid, mm, generation }: EventOf<'slot'>, time: number): void {
    if (!this.#invariant.record(processor, pcid, { mm, generation })) return;
    const everything = { mm: EVERY_MM, first: 0, limit: Number.POSITIVE_INFINITY };
    for (const tracked of this.#tracker.stale.on(processor, everything)) {
      if (tracked.cached.pcid === pcid) this.#invariant.suspect(tracked);
    }
    this.#checkInvariant(time);
  }

  #staleChanged(time: number): void {
    this.#statistics.mostStale = Math.max(this.#statistics.mostStale, this.#tracker.stale.size);
    this.#checkInvariant(time);
  }

  #checkInvariant(time: number): void {
    for (const tracked of this.#invariant.takeSuspects()) {
      const breach = this.#invariant.check(tracked, this.#structures, this.#tracker.rootOf(tracked));
      if (breach === null) continue;
      const { processor, pcid } = tracked.cached;
      const { slot, change, changeGeneration, staleness } = breach;
      this.#log.finding(`generation-invariant ${processor} ${pcid} ${change.sequence}`, () => ({
        kind: 'generation-invariant',
        processor,
        pcid,
        time,
        slot,
        changeGeneration,
        staleness,
        translation: summarizeTranslation(tracked),
        change: summarizeChange(change, tracked, this.#structures),
        count: 1,
      }));
    }
  }

  #assertion({ processor, id, detail }: EventOf<'assertion'>, time: number): void {
    const where = this.#locate(processor);
    this.#log.finding(`assertion ${id} ${processor}`, () => ({
      kind: 'assertion',
      id,
      processor,
      time,
      where,
      detail,
      count: 1,
    }));
  }

  #latent(): CoherenceReport['latent'] {
    const listed: LatentTranslation[] = [];
    const counts = { stale: 0, due: 0, dueAndReachable: 0 };
    for (const tracked of this.#tracker.stale.all()) {
      counts.stale++;
      const { staleness } = tracked;
      const found = this.#judge.firstDue(tracked);
      if (staleness === null || found === null) continue;
      const reachable = this.#isReachable(tracked);
      counts.due++;
      if (reachable) counts.dueAndReachable++;
      if (listed.length >= LATENT_LISTED) continue;
      const change = summarizeChange(found.missed.change, tracked, this.#structures);
      listed.push({ translation: summarizeTranslation(tracked), staleness, change, due: found.due, reachable });
    }
    return { ...counts, listed };
  }

  #isReachable({ cached }: TrackedTranslation): boolean {
    const loaded = this.#tracker.contextOf(cached.processor).loaded;
    if (loaded === null) return false;
    return (cached.kind === 'tlb' && cached.global) || loaded.pcid === cached.pcid;
  }
}
