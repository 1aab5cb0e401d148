/**
 * A run as a trace for ui.perfetto.dev: one track a processor, with its task, operations, flush windows and interrupt
 * handlers as nested slices; IPIs as arrows; exceptions, invalidations, flush decisions, assertions and violations as
 * instants; under each processor the number of live entries, and counters that the caller feeds. One machine step is
 * one nanosecond.
 *
 * Left out: walks, store buffers, and all that happens to frames.
 */
import { type Exception, Vector } from '../arch/page-fault.ts';
import { InvariantError } from '../base/errors.ts';
import type { AddressRange, MachineEvent } from '../event/event.ts';
import { NestedSlices } from './nested-slices.ts';
import { type Mark, type Track, TrackEventWriter } from './track-events.ts';

export interface PerfettoOptions {
  readonly processors: number;
  /** Takes each chunk of the trace as it fills; chunks are the callee's to keep. */
  readonly write: (chunk: Uint8Array) => void;
}

interface CounterState {
  readonly track: Track;
  value: number;
  /** What was last written. */
  written: number | null;
}

interface ProcessorState {
  readonly track: Track;
  readonly slices: NestedSlices;
  readonly counters: Map<string, CounterState>;
  /** Flows of the IPIs accepted whose interrupt has not begun, by vector. */
  readonly accepted: Map<number, number[]>;
}

const TLB_ENTRIES = 'live TLB entries';
const PAGING_STRUCTURE_CACHE_ENTRIES = 'live paging-structure-cache entries';

export class PerfettoTrace {
  readonly #writer: TrackEventWriter;
  readonly #processors: readonly ProcessorState[];
  /** Counters whose value is not written yet: they are sampled once a step, at its end. */
  readonly #changed = new Set<CounterState>();
  /** IPIs in flight that no interrupt follows: NMI, INIT and start-up. */
  readonly #withoutVector = new Set<number>();
  #time = 0;

  constructor({ processors, write }: PerfettoOptions) {
    this.#writer = new TrackEventWriter(write);
    const group = this.#writer.group('tlbsan');
    this.#processors = Array.from({ length: processors }, (_, index) => {
      const track = this.#writer.track(`CPU ${index}`, group, index);
      const slices = new NestedSlices(this.#writer, track);
      return { track, slices, counters: new Map(), accepted: new Map() };
    });
  }

  readonly observe = (event: MachineEvent, time: number): void => {
    this.#advance(time);
    if ('processor' in event) this.#observe(event, this.#processor(event.processor));
  };

  /** Sets a counter of a processor, such as its stale entries. Times never go back. */
  counter(name: string, processor: number, value: number, time: number): void {
    this.#advance(time);
    const counter = this.#counter(name, this.#processor(processor));
    if (counter.value === value) return;
    counter.value = value;
    this.#changed.add(counter);
  }

  /** An instant that no event tells of. */
  violation(processor: number, time: number, title: string, details: Readonly<Record<string, string | number>>): void {
    this.#advance(time);
    this.#instant(this.#processor(processor), { name: title, category: 'violation', details });
  }

  /** Ends what is open and writes the rest. Nothing may be observed after. */
  finish(time: number): void {
    this.#advance(time);
    for (const { slices } of this.#processors) slices.endAll(time);
    this.#sample();
    this.#writer.flush();
  }

  #observe(event: MachineEvent, on: ProcessorState): void {
    const { slices } = on;
    const time = this.#time;
    switch (event.kind) {
      case 'task':
        slices.beginLowest('task', time, { name: event.task, category: 'task' });
        break;
      case 'operation-begin': {
        const { operation, name, mm } = event;
        slices.begin(`operation ${operation}`, time, { name, category: 'operation', details: { operation, mm } });
        break;
      }
      case 'operation-end':
        slices.end(`operation ${event.operation}`, time);
        break;
      case 'flush-begin': {
        const { flush, reason, ranges } = event;
        const details = { flush, ranges: ranges.map(printRange).join(', ') };
        slices.begin(`flush ${flush}`, time, { name: `flush: ${reason}`, category: 'flush', details });
        break;
      }
      case 'flush-return':
        slices.end(`flush ${event.flush}`, time);
        break;
      case 'flush-decision': {
        const { action, why, range, flush } = event;
        const details = { why, range: printRange(range), ...(flush === null ? {} : { flush }) };
        this.#instant(on, { name: `${action} flush`, category: 'flush-decision', details });
        break;
      }
      case 'ipi-send': {
        const { vector, delivery, target, ipi } = event;
        const name = `send ${delivery} IPI to CPU ${target}`;
        this.#instant(on, { name, category: 'ipi', details: { vector, ipi }, flows: [flowOf(ipi)] });
        if (delivery !== 'fixed') this.#withoutVector.add(ipi);
        break;
      }
      case 'ipi-accept': {
        const { vector, ipi, coalesced } = event;
        const mark = {
          name: coalesced ? 'accept IPI, coalesced' : 'accept IPI',
          category: 'ipi',
          details: { vector, ipi },
        };
        if (this.#withoutVector.delete(ipi)) {
          this.#instant(on, { ...mark, flowsEnding: [flowOf(ipi)] });
        } else {
          this.#instant(on, { ...mark, flows: [flowOf(ipi)] });
          on.accepted.set(vector, [...(on.accepted.get(vector) ?? []), flowOf(ipi)]);
        }
        break;
      }
      case 'interrupt-begin': {
        const flowsEnding = on.accepted.get(event.vector) ?? [];
        on.accepted.delete(event.vector);
        const name = `interrupt ${hex(event.vector)}`;
        slices.begin(`interrupt ${event.vector}`, time, { name, category: 'interrupt', flowsEnding });
        break;
      }
      case 'interrupt-end':
        slices.end(`interrupt ${event.vector}`, time);
        break;
      case 'exception':
        this.#instant(on, exceptionMark(event.exception));
        break;
      case 'invlpgb': {
        const { address, pages, pcid, broadcast } = event;
        const details = {
          broadcast,
          ...(address === null ? {} : { address: hex(address) }),
          ...(pages === null ? {} : { pages }),
          ...(pcid === null ? {} : { pcid }),
        };
        this.#instant(on, { name: 'send INVLPGB', category: 'invalidation', details });
        break;
      }
      case 'virtual-processor':
        this.#instant(on, { name: event.running ? 'VM entry' : 'VM exit', category: 'host' });
        break;
      case 'tlbsync':
        this.#instant(on, { name: 'TLBSYNC', category: 'invalidation' });
        break;
      case 'invalidation': {
        const { by, address, pcid, removed } = event;
        const details = {
          removed,
          ...(address === null ? {} : { address: hex(address) }),
          ...(pcid === null ? {} : { pcid }),
        };
        this.#instant(on, { name: by, category: 'invalidation', details });
        break;
      }
      case 'assertion':
        this.#instant(on, { name: `assertion ${event.id}`, category: 'assertion', details: { detail: event.detail } });
        break;
      case 'use': {
        const details = { serial: event.cached.serial, address: hex(event.address), access: event.access.kind };
        this.#instant(on, { name: 'use of a watched translation', category: 'use', details });
        break;
      }
      case 'fill':
        this.#count(on, event.cached.kind === 'tlb' ? TLB_ENTRIES : PAGING_STRUCTURE_CACHE_ENTRIES, 1);
        break;
      case 'removal':
        this.#count(on, event.cached.kind === 'tlb' ? TLB_ENTRIES : PAGING_STRUCTURE_CACHE_ENTRIES, -1);
        break;
    }
  }

  #instant(on: ProcessorState, mark: Mark): void {
    this.#writer.instant(on.track, this.#time, mark);
  }

  #count(on: ProcessorState, name: string, change: number): void {
    const counter = this.#counter(name, on);
    counter.value += change;
    this.#changed.add(counter);
  }

  #counter(name: string, on: ProcessorState): CounterState {
    const known = on.counters.get(name);
    if (known !== undefined) return known;
    const track = this.#writer.counterTrack(name, on.track, on.counters.size);
    const counter: CounterState = { track, value: 0, written: null };
    on.counters.set(name, counter);
    this.#changed.add(counter);
    return counter;
  }

  #advance(time: number): void {
    if (time === this.#time) return;
    this.#sample();
    this.#time = time;
  }

  #sample(): void {
    for (const counter of this.#changed) {
      if (counter.value === counter.written) continue;
      // Entries filled before anyone listened leave without having been counted.
      this.#writer.counter(counter.track, this.#time, Math.max(counter.value, 0));
      counter.written = counter.value;
    }
    this.#changed.clear();
  }

  #processor(index: number): ProcessorState {
    const state = this.#processors[index];
    if (state === undefined) throw new InvariantError(`an event of processor ${index}`);
    return state;
  }
}

/** Flow 0 is none. */
function flowOf(ipi: number): number {
  return ipi + 1;
}

function exceptionMark(exception: Exception): Mark {
  switch (exception.vector) {
    case Vector.PF: {
      const details = { address: hex(exception.address), 'error code': hex(exception.errorCode) };
      return { name: '#PF', category: 'exception', details };
    }
    case Vector.GP:
      return { name: '#GP', category: 'exception', details: { 'error code': hex(exception.errorCode) } };
    default:
      return { name: '#UD', category: 'exception' };
  }
}

const ALL = 0xffff_ffff_ffff_ffffn;

function printRange({ mm, start, end }: AddressRange): string {
  return start === 0n && end === ALL ? `mm ${mm}` : `mm ${mm} ${hex(start)}-${hex(end)}`;
}

function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
