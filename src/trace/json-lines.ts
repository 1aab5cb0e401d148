/**
 * Events as lines of JSON, and back. The first line names the format and its schema; each further line is
 * `{"time":…,"event":{"kind":…}}`. Reading what was written gives the same events, save observers' marks.
 *
 * A cached translation is told in full where it is first met, most often at its fill, and by its serial from then until
 * its removal, so that neither side has to remember more than what is cached.
 */
import { InputError } from '../base/errors.ts';
import type { MachineEvent } from '../event/event.ts';
import { eventJson } from './event-json.ts';
import { type KnownTranslations, Mismatch, natural, object } from './json-codec.ts';
import type { TimedEvent } from './timed-event.ts';

export const EVENT_LINES_SCHEMA = 1;

const HEADER = `{"format":"tlbsan events","schema":${EVENT_LINES_SCHEMA}}`;

const timedEvent = object<TimedEvent>({ time: natural(), event: eventJson });

export class EventLinesWriter {
  readonly #known: KnownTranslations = new Map();
  readonly #write: (line: string) => void;

  /** `write` takes each line without its end. The header is written at once. */
  constructor(write: (line: string) => void) {
    this.#write = write;
    write(HEADER);
  }

  readonly observe = (event: MachineEvent, time: number): void => {
    this.#write(JSON.stringify(timedEvent.print({ time, event }, this.#known)));
    forget(this.#known, event);
  };
}

export class EventLinesReader {
  readonly #known: KnownTranslations = new Map();
  readonly #file: string;
  #line = 0;

  /** `file` is named in errors. */
  constructor(file: string) {
    this.#file = file;
  }

  /** The next line, without its end. Returns null for the header. Throws InputError. */
  read(line: string): TimedEvent | null {
    this.#line++;
    if (this.#line === 1) {
      if (line !== HEADER) throw this.#error(`expected ${HEADER}`);
      return null;
    }
    const timed = this.#parse(line);
    forget(this.#known, timed.event);
    return timed;
  }

  #parse(line: string): TimedEvent {
    try {
      return timedEvent.parse(JSON.parse(line), this.#known);
    } catch (error) {
      if (error instanceof Mismatch) throw this.#error(error.message);
      if (error instanceof SyntaxError) throw this.#error(`not JSON: ${error.message}`);
      throw error;
    }
  }

  #error(message: string): InputError {
    return new InputError(message, { file: this.#file, line: this.#line });
  }
}

/** After its removal a translation may be told again only in full: by a walk that had begun from it. */
function forget(known: KnownTranslations, event: MachineEvent): void {
  if (event.kind === 'removal') known.delete(event.cached.serial);
}
