/**
 * The story of one stale translation: of all events of a run, those that it depends on, in their order. It begins where
 * the translation was filled or its entry last changed before that, and ends with the use. Left out is what processors
 * did about other pages, other address spaces and other translations.
 */
import type { FrameNumber, LinearAddress, PhysicalAddress } from '../arch/address.ts';
import { addressInPage, linearAddress, type PageNumber, pageNumber } from '../arch/address.ts';
import { Vector } from '../arch/page-fault.ts';
import type { AddressRange, MachineEvent } from '../event/event.ts';
import { eventInWords } from './event-in-words.ts';
import type { TimedEvent } from './timed-event.ts';

export interface StorySubject {
  /** The cached translation, by its serial. */
  readonly serial: number;
  readonly mm: number;
  readonly page: PageNumber;
  readonly pages: number;
  /** The entry whose change it missed; null when CR3 itself changed. */
  readonly entry: PhysicalAddress | null;
  /** The frame or table that it leads to. */
  readonly frame: FrameNumber;
  /** The last step told. */
  readonly until: number;
}

export interface StoryLine {
  readonly time: number;
  readonly processor: number;
  readonly text: string;
}

export function tellStory(events: readonly TimedEvent[], subject: StorySubject): StoryLine[] {
  const teller = new StoryTeller(subject);
  for (const { time, event } of events) {
    if (time > subject.until) break;
    teller.hear(event, time);
  }
  return teller.lines;
}

/** One line each, indented by processor, so that what each of them does stands in a column of its own. */
export function printStory(lines: readonly StoryLine[]): string[] {
  const width = Math.max(0, ...lines.map(({ time }) => String(time).length));
  return lines.map(({ time, processor, text }) => {
    const column = '      '.repeat(processor);
    return `  ${String(time).padStart(width)}  ${column}P${processor}  ${text}`;
  });
}

interface OpenOperation {
  readonly operation: number;
  readonly name: string;
}

class StoryTeller {
  readonly #subject: StorySubject;
  /** The operations that each processor is in, the innermost last. */
  readonly #operations = new Map<number, OpenOperation[]>();
  /** The flushes that have to do with the subject. */
  readonly #flushes = new Set<number>();
  /** The last change of the entry before the translation was filled is where the story begins. */
  #lines: StoryLine[] = [];
  #filled = false;

  constructor(subject: StorySubject) {
    this.#subject = subject;
  }

  get lines(): StoryLine[] {
    return this.#lines;
  }

  hear(event: MachineEvent, time: number): void {
    if (event.kind === 'operation-begin') {
      this.#open(event.processor).push(event);
      return;
    }
    if (event.kind === 'operation-end') {
      const open = this.#open(event.processor);
      open.splice(
        open.findIndex(({ operation }) => operation === event.operation),
        1,
      );
      return;
    }
    if (!this.#concerns(event) || !('processor' in event)) return;
    if (!this.#filled && this.#begins(event)) this.#lines = [];
    if (event.kind === 'fill') this.#filled = true;
    if (event.kind === 'store-drained' && this.#waitedForNothing(event.processor, time)) return;
    const words = eventInWords(event);
    const operation = this.#open(event.processor).at(-1);
    this.#lines.push({
      time,
      processor: event.processor,
      text: operation === undefined ? words : `${operation.name}: ${words}`,
    });
  }

  /** A store that becomes visible in the step that made it did not wait: its change of the entry says enough. */
  #waitedForNothing(processor: number, time: number): boolean {
    const last = this.#lines.at(-1);
    if (last?.time !== time || last.processor !== processor) return false;
    this.#lines.pop();
    return true;
  }

  #begins(event: MachineEvent): boolean {
    return event.kind === 'fill' || (event.kind === 'paging-write' && event.by === 'software');
  }

  #concerns(event: MachineEvent): boolean {
    const { serial, mm, entry, frame } = this.#subject;
    switch (event.kind) {
      case 'fill':
      case 'removal':
      case 'use':
        return event.cached.serial === serial;
      case 'paging-write':
      case 'store-buffered':
      case 'store-drained':
        return event.address === entry;
      case 'exception':
        return event.exception.vector === Vector.PF && this.#isWithin(linearAddress(event.exception.address));
      case 'flush-begin': {
        if (!event.ranges.some((range) => this.#overlaps(range))) return false;
        this.#flushes.add(event.flush);
        return true;
      }
      case 'flush-return':
        return this.#flushes.has(event.flush);
      case 'flush-decision':
        return event.flush === null ? event.range.mm === mm : this.#flushes.has(event.flush);
      case 'promise':
        return this.#overlaps(event.range);
      case 'batch-add':
      case 'generation':
      case 'slot':
        return event.mm === mm;
      case 'switch':
        return event.from === mm || event.to === mm;
      case 'frame-free':
        return event.frame === frame;
      case 'invalidation':
      case 'invlpgb':
      case 'tlbsync':
      case 'lazy':
      case 'ipi-send':
      case 'interrupt-begin':
      case 'assertion':
        return true;
      default:
        return false;
    }
  }

  #overlaps({ mm, start, end }: AddressRange): boolean {
    const { page, pages } = this.#subject;
    // 0 names every address space, 1 the kernel's half, which all of them share.
    return (
      (mm <= 1 || mm === this.#subject.mm) &&
      start < addressInPage(pageNumber(page + pages), 0) &&
      addressInPage(page, 0) < end
    );
  }

  #isWithin(address: LinearAddress): boolean {
    const { page, pages } = this.#subject;
    return addressInPage(page, 0) <= address && address < addressInPage(pageNumber(page + pages), 0);
  }

  #open(processor: number): OpenOperation[] {
    const open = this.#operations.get(processor) ?? [];
    this.#operations.set(processor, open);
    return open;
  }
}
