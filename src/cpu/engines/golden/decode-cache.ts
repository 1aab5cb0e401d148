/**
 * Instructions decoded before, by where they were and by their bytes. The bytes are fetched again each time and compared,
 * so that nothing needs to be forgotten: whatever changes code or translations changes what is fetched.
 */
import type { DecodeStatus, Decoder } from '../../decode/decoder.ts';
import { instructionBytesLimit } from '../../decode/decoder.ts';
import { type CodeSize, Instruction } from '../../instruction.ts';

const size = 4096;

class Entry {
  readonly instruction = new Instruction();
  readonly bytes = new Uint8Array(instructionBytesLimit);
  /** How many bytes the instruction has; 0 for none. */
  length = 0;
  codeSize: CodeSize = 64;
}

export class DecodeCache {
  readonly #decoder: Decoder;
  readonly #entries: (Entry | undefined)[] = new Array<Entry | undefined>(size).fill(undefined);
  #entry = new Entry();

  constructor(decoder: Decoder) {
    this.#decoder = decoder;
  }

  /** What the last `decode` has given, if that was valid. */
  get instruction(): Instruction {
    return this.#entry.instruction;
  }

  /** As `Decoder.decode` of bytes[0] up to bytes[end]; `place` is where they were, and only a hint. */
  decode(place: number, codeSize: CodeSize, bytes: Uint8Array, end: number): DecodeStatus {
    const slot = place & (size - 1);
    const entry = this.#entries[slot] ?? new Entry();
    this.#entries[slot] = entry;
    this.#entry = entry;
    if (entry.length > 0 && entry.codeSize === codeSize && startsAlike(entry, bytes, end)) {
      return entry.length <= end ? 'valid' : 'incomplete';
    }
    const status = this.#decoder.decode(entry.instruction, codeSize, bytes, 0, end);
    entry.codeSize = codeSize;
    entry.length = status === 'valid' ? entry.instruction.length : 0;
    entry.bytes.set(bytes.subarray(0, entry.length));
    return status;
  }
}

/** Whether the bytes are those of the instruction, as far as they go. */
function startsAlike({ bytes: known, length }: Entry, bytes: Uint8Array, end: number): boolean {
  for (let at = 0; at < length && at < end; at++) if (known[at] !== bytes[at]) return false;
  return true;
}
