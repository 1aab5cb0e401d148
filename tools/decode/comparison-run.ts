/** Runs byte strings through both decoders and counts what came of it, keeping the first differences. */
import { Code, Decoder as IcedDecoder, DecoderOptions, Instruction as IcedInstruction, Mnemonic } from 'iced-x86';
import type { Decoder } from '../../src/cpu/decode/decoder.ts';
import { type CodeSize, Instruction } from '../../src/cpu/instruction.ts';
import { compareInstructions } from './compare.ts';
import { icedCode } from './iced-code.ts';
import { departures } from './stated-differences.ts';

/** Every byte string has a slot this long, filled to the end. */
export const slotBytes = 16;

export interface Difference {
  readonly codeSize: CodeSize;
  readonly bytes: string;
  readonly iced: string;
  readonly what: string;
}

export class ComparisonRun {
  readonly codeSize: CodeSize;
  compared = 0;
  /** Both decoders say it is an instruction, and the same one. */
  equal = 0;
  bothInvalid = 0;
  /** iced's instruction is of an extension in stated-differences.ts. */
  stated = 0;
  /** One of iced's departures from processors. */
  departed = 0;
  differences = 0;
  /** One of each kind: by iced's mnemonic and what differs. */
  readonly first = new Map<string, Difference>();
  /** Our forms and iced's codes of the instructions found equal. */
  readonly forms = new Set<number>();
  readonly codes = new Set<Code>();
  readonly #decoder: Decoder;
  readonly #ours = new Instruction();
  readonly #theirs = new IcedInstruction();

  constructor(codeSize: CodeSize, decoder: Decoder) {
    this.codeSize = codeSize;
    this.#decoder = decoder;
  }

  /** Compares every slot. */
  compare(slots: Uint8Array): void {
    const iced = new IcedDecoder(this.codeSize, slots, DecoderOptions.None);
    for (let start = 0; start + slotBytes <= slots.length; start += slotBytes) {
      iced.position = start;
      iced.decodeOut(this.#theirs);
      this.#compareOne(slots, start);
    }
    iced.free();
  }

  #compareOne(slots: Uint8Array, start: number): void {
    this.compared++;
    const status = this.#decoder.decode(this.#ours, this.codeSize, slots, start, start + slotBytes);
    const invalid = this.#theirs.code === Code.INVALID;
    if (invalid && status !== 'valid') {
      this.bothInvalid++;
      return;
    }
    if (!invalid && icedCode(this.#theirs).stated) {
      this.#compareStated(slots, start, status === 'valid');
      return;
    }
    if (invalid || status !== 'valid') {
      this.#differ(slots, start, invalid ? `ours is ${this.#ours.form.operation}` : `ours is ${status}`);
      return;
    }
    if (this.#departs()) {
      this.departed++;
      return;
    }
    const what = compareInstructions(this.#ours, this.#theirs);
    if (what !== undefined) {
      this.#differ(slots, start, what);
      return;
    }
    this.equal++;
    this.forms.add(this.#ours.form.index);
    this.codes.add(this.#theirs.code);
  }

  /** Of an extension we do not have: nothing, or a reserved no-operation of the same length. */
  #compareStated(slots: Uint8Array, start: number, valid: boolean): void {
    this.stated++;
    if (!valid) return;
    const { form, length } = this.#ours;
    if (form.operation !== 'NOP' || length !== this.#theirs.length) {
      this.#differ(slots, start, `ours is ${form.operation} of ${length} bytes`);
    }
  }

  #departs(): boolean {
    const ours = departures.get(icedCode(this.#theirs).operation);
    return ours === this.#ours.form.operation && this.#ours.length === this.#theirs.length;
  }

  #differ(slots: Uint8Array, start: number, what: string): void {
    this.differences++;
    const mnemonic = Mnemonic[this.#theirs.mnemonic] ?? '';
    const key = `${mnemonic} ${what.replaceAll(/\d+n?/g, '#')}`;
    if (this.first.size >= 100 || this.first.has(key)) return;
    const bytes = Array.from(slots.subarray(start, start + slotBytes), (byte) => byte.toString(16).padStart(2, '0'));
    const iced = this.#theirs.code === Code.INVALID ? '(invalid)' : this.#theirs.toString();
    this.first.set(key, { codeSize: this.codeSize, bytes: bytes.join(' '), iced, what });
  }
}
