/**
 * Reads the output of valgrind's `lackey` tool (`--trace-mem=yes --trace-syscalls=yes --trace-sched=yes`) as a stream of
 * bytes, in chunks cut anywhere. Nearly every line is a memory line,
 *
 *     I  0401000,3        ` S 1ffeffe7e0,8`        address in hexadecimal, size in decimal
 *
 * so those are read from the bytes themselves: no string, no bigint, no allocation. Everything else goes, as text, to
 * LackeyCalls. A line that begins like a memory line and is not one is an InputError; so are an access that nobody is
 * known to make, and a last line without end.
 */

import { PAGE_NUMBER_LIMIT, type PageNumber } from '../arch/address.ts';
import { InputError } from '../base/errors.ts';
import { LackeyCalls } from './lackey-calls.ts';
import { ACCESS_KINDS, type AccessKind, type LackeyHandler } from './lackey-handler.ts';
import { lackeyMessages } from './lackey-messages.ts';

/** No line is kept longer than this; a longer one is an InputError. */
export const LINE_BYTES_LIMIT = 65_536;

/** Room that a memory line can need: three bytes of code, 16 digits, a comma, four digits, the line end; rounded up. */
const MEMORY_LINE_BYTES = 32;
const ACCESS_BYTES_LIMIT = 4096;

const LINE_TOO_LONG = `line of more than ${LINE_BYTES_LIMIT} bytes: record with --log-file to keep program output out`;
const NOBODY_RUNS =
  'an access, and no thread is known to run: record with --trace-sched=yes, and a program that forks with one log for each process';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const COMMA = 0x2c;
const DIGIT_0 = 0x30;
const LETTER_I = 0x49;

const NO_DIGIT = 0xff;
const HEX_VALUE = new Uint8Array(256).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit++) {
  HEX_VALUE[digit.toString(16).charCodeAt(0)] = digit;
  HEX_VALUE[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

const NO_CODE = 0xff;
const CODE_KIND = new Uint8Array(256).fill(NO_CODE);
CODE_KIND[0x4c] = ACCESS_KINDS.load;
CODE_KIND[0x53] = ACCESS_KINDS.store;
CODE_KIND[0x4d] = ACCESS_KINDS.modify;

export class LackeyReader {
  readonly #file: string;
  readonly #handler: LackeyHandler;
  readonly #calls: LackeyCalls;
  readonly #decoder = new TextDecoder('latin1');
  /** The line that the chunks so far have begun, with room behind it for a memory line's reads. */
  readonly #carry = new Uint8Array(LINE_BYTES_LIMIT + MEMORY_LINE_BYTES);
  #carried = 0;
  #line = 0;
  #accesses = 0;
  #noiseLines = 0;

  /** `file` names the input in errors. */
  constructor(file: string, handler: LackeyHandler) {
    this.#file = file;
    this.#handler = handler;
    this.#calls = new LackeyCalls(file, handler);
  }

  /** Lines begun so far: within a handler's call, the number of the line that caused it. */
  get line(): number {
    return this.#line;
  }

  get accesses(): number {
    return this.#accesses;
  }

  /** Lines that say nothing about memory, threads or calls: the program's own output, the tool's summaries. */
  get noiseLines(): number {
    return this.#noiseLines;
  }

  /** Takes the next bytes of the trace. Throws InputError; the reader is then at its end. */
  push(chunk: Uint8Array): void {
    let position = 0;
    if (this.#carried > 0) {
      const newline = chunk.indexOf(NEWLINE);
      position = newline < 0 ? chunk.length : newline + 1;
      this.#keep(chunk, 0, position);
      if (newline < 0) return;
      this.#readCarry();
    }
    position = this.#read(chunk, position, chunk.length, chunk.length);
    while (position < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, position);
      const end = newline < 0 ? chunk.length : newline + 1;
      this.#keep(chunk, position, end);
      if (newline >= 0) this.#readCarry();
      position = end;
    }
  }

  /** Says that there are no more bytes. */
  end(): void {
    if (this.#carried > 0) {
      this.#line++;
      throw this.#error('the last line is cut off: the trace is incomplete');
    }
    this.#calls.end();
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    if (this.#carried + end - start > LINE_BYTES_LIMIT) {
      this.#line++;
      throw this.#error(LINE_TOO_LONG);
    }
    this.#carry.set(chunk.subarray(start, end), this.#carried);
    this.#carried += end - start;
  }

  #readCarry(): void {
    const length = this.#carried;
    this.#carried = 0;
    this.#read(this.#carry, 0, length, this.#carry.length);
  }

  /**
   * Reads whole lines from `start` up to `limit`, and returns where it stopped: before a line that has no end yet, or
   * fewer than MEMORY_LINE_BYTES before `readable`, the end of the bytes that may be looked at.
   */
  #read(bytes: Uint8Array, start: number, limit: number, readable: number): number {
    const handler = this.#handler;
    const last = Math.min(limit - 1, readable - MEMORY_LINE_BYTES);
    let running = this.#calls.running;
    let position = start;
    while (position <= last) {
      let cursor = position;
      let kind = NO_CODE;
      const first = bytes[position];
      if (first === SPACE) kind = CODE_KIND[bytes[position + 1] as number] as number;
      else if (first === LETTER_I && bytes[position + 1] === SPACE) kind = ACCESS_KINDS.fetch;
      if (kind === NO_CODE || bytes[position + 2] !== SPACE) {
        const newline = bytes.indexOf(NEWLINE, position);
        if (newline < 0 || newline >= limit) return position;
        this.#line++;
        this.#message(bytes, position, newline);
        running = this.#calls.running;
        position = newline + 1;
        continue;
      }

      this.#line++;
      cursor += 3;
      const digits = cursor;
      let high = 0;
      let low = 0;
      let digit = HEX_VALUE[bytes[cursor] as number] as number;
      while (digit !== NO_DIGIT) {
        high = (high << 4) | (low >>> 28);
        low = (low << 4) | digit;
        cursor++;
        digit = cursor - digits <= 16 ? (HEX_VALUE[bytes[cursor] as number] as number) : NO_DIGIT;
      }
      if (cursor === digits || cursor - digits > 16 || bytes[cursor] !== COMMA)
        return this.#malformed(bytes, position, limit);
      cursor++;

      let size = 0;
      const decimals = cursor;
      while (bytes[cursor] !== NEWLINE) {
        const decimal = (bytes[cursor] as number) - DIGIT_0;
        if (decimal < 0 || decimal > 9 || cursor - decimals === 4) return this.#malformed(bytes, position, limit);
        size = size * 10 + decimal;
        cursor++;
      }
      if (size === 0 || size > ACCESS_BYTES_LIMIT) return this.#malformed(bytes, position, limit);

      const page = (high >>> 0) * 0x10_0000 + (low >>> 12);
      const offset = low & 0xfff;
      if (page === PAGE_NUMBER_LIMIT - 1 && offset + size > 4096) return this.#malformed(bytes, position, limit);
      if (!running) throw this.#error(NOBODY_RUNS);
      this.#accesses++;
      handler.access(kind as AccessKind, page as PageNumber, offset, size);
      position = cursor + 1;
    }
    return position;
  }

  #message(bytes: Uint8Array, start: number, end: number): void {
    if (end + 1 - start > LINE_BYTES_LIMIT) throw this.#error(LINE_TOO_LONG);
    const messages = lackeyMessages(this.#decoder.decode(bytes.subarray(start, end)));
    if (messages.length === 0 && start < end) this.#noiseLines++;
    for (const message of messages) this.#calls.take(message, this.#line);
  }

  /** Throws at the malformed memory line at `start`, or if its end has not come yet returns `start`. */
  #malformed(bytes: Uint8Array, start: number, limit: number): number {
    const newline = bytes.indexOf(NEWLINE, start);
    if (newline < 0 || newline >= limit) {
      this.#line--;
      return start;
    }
    if (newline + 1 - start > LINE_BYTES_LIMIT) throw this.#error(LINE_TOO_LONG);
    const text = JSON.stringify(this.#decoder.decode(bytes.subarray(start, Math.min(newline, start + 60))));
    throw this.#error(`malformed memory line ${text}: expected a code, a hexadecimal address, a comma and a size`);
  }

  #error(message: string): InputError {
    return new InputError(message, { file: this.#file, line: this.#line });
  }
}
