/**
 * The decoder: bytes to an instruction record, by the opcode maps, for 64-, 32- and 16-bit code (SDM 2A chapter 2).
 *
 * Of bytes that are no instruction it says so whatever the privilege level, the mode, CR0 and CR4: checking those
 * belongs to the execution of the operation. VEX prefixes decode in 16-bit code as in 32-bit code; that they are #UD in
 * real-address and virtual-8086 mode (SDM 2A 2.4) is for whoever knows the mode.
 */
import { type CodeSize, type Instruction, OperandKind, Repeat } from '../instruction.ts';
import { readAddress } from './address.ts';
import { Encoding, Rex } from './encoding.ts';
import { readOpcode } from './escape.ts';
import { allFeatures, type Feature } from './feature.ts';
import type { Form } from './form.ts';
import { forms } from './forms.ts';
import { sizeContext } from './notation.ts';
import { buildOpcodeTable, memoryDigits, type OpcodeTable, Question } from './opcode-table.ts';
import { readOperand } from './operand.ts';
import { readPrefixes } from './prefixes.ts';
import { undefinedForm } from './undefined-form.ts';

/** A longer instruction raises #GP(0) (SDM 3A 6.15, interrupt 13; 2A 2.3.11). */
export const instructionBytesLimit = 15;

/**
 * `valid`; `undefined`: #UD; `too-long`: #GP(0); `incomplete`: it goes on past the bytes given, so that the byte at
 * `end` must be fetched, and may fault, before more can be said.
 */
export type DecodeStatus = 'valid' | 'undefined' | 'too-long' | 'incomplete';

const controlRegisters = 0b1_0001_1101;

function operandSizeOf(form: Form, encoding: Encoding, codeSize: CodeSize): number {
  const override = encoding.operandSizeOverride && !form.mandatoryOperandSize;
  if (codeSize === 64) {
    if (form.forced64) return 8;
    if ((encoding.rex & Rex.W) !== 0) return form.ignoresW ? 4 : 8;
    if (override) return 2;
    return form.default64 ? 8 : 4;
  }
  return (codeSize === 32) === override ? 2 : 4;
}

function addressSizeOf(encoding: Encoding, codeSize: CodeSize): number {
  if (codeSize === 64) return encoding.addressSizeOverride ? 4 : 8;
  return (codeSize === 32) === encoding.addressSizeOverride ? 2 : 4;
}

/** Registers that do not exist (SDM 2B MOV), and LOCK where it is not allowed (SDM 2A LOCK). */
function operandsAllowed(form: Form, encoding: Encoding, into: Instruction): boolean {
  if (encoding.lock && !(form.lockable && into.operands[0].kind === OperandKind.memory)) return false;
  if (encoding.vex && encoding.vvvv !== 0 && !form.usesVvvv) return false;
  for (let at = 0; at < into.operandCount && at < 2; at++) {
    const operand = at === 0 ? into.operands[0] : into.operands[1];
    if (operand.kind === OperandKind.segment && operand.register > 5) return false;
    if (operand.kind === OperandKind.control && ((controlRegisters >> operand.register) & 1) === 0) return false;
    if (operand.kind === OperandKind.debug && operand.register > 7) return false;
  }
  if (form.notCS && into.operands[0].register === 1) return false;
  if (!form.distinctRegisters) return true;
  const destination = into.operands[0].register;
  const mask = into.operands[2].register;
  return destination !== mask && destination !== into.index && mask !== into.index;
}

/** A vector index needs a SIB byte, which 16-bit addresses do not have (SDM 2A 2.3.12). */
function vectorIndexAllowed(encoding: Encoding, into: Instruction): boolean {
  return (encoding.modrm & 7) === 4 && into.addressSize !== 2;
}

export class Decoder {
  readonly #encoding = new Encoding();
  readonly #long: OpcodeTable;
  /** Made when code outside 64-bit mode is first met. */
  #legacy: OpcodeTable | undefined;
  readonly #offered: ReadonlySet<Feature>;

  /** A decoder for a processor with these features. */
  constructor(offered: ReadonlySet<Feature> = allFeatures) {
    this.#offered = offered;
    this.#long = buildOpcodeTable(forms, offered, 'long');
  }

  /**
   * Decodes the instruction whose first byte is bytes[start]; what lies at or after `end` has no influence. Only when
   * the status is `valid` does `into` hold the instruction; otherwise its form is the undefined form.
   */
  decode(into: Instruction, codeSize: CodeSize, bytes: Uint8Array, start: number, end: number): DecodeStatus {
    const encoding = this.#encoding;
    const limit = Math.min(end, start + instructionBytesLimit);
    encoding.start(bytes, start, codeSize === 64);
    readPrefixes(encoding, limit);
    const form = readOpcode(encoding) ? this.#lookUp(encoding) : undefinedForm;
    into.codeSize = codeSize;
    const allowed = form !== undefinedForm && this.#readRest(encoding, form, into);
    into.length = encoding.at - start;
    if (encoding.at <= limit && allowed) return 'valid';
    into.form = undefinedForm;
    if (encoding.at <= limit) return 'undefined';
    return end - start >= instructionBytesLimit ? 'too-long' : 'incomplete';
  }

  #table(long: boolean): OpcodeTable {
    if (long) return this.#long;
    this.#legacy ??= buildOpcodeTable(forms, this.#offered, 'legacy');
    return this.#legacy;
  }

  /** The form the opcode selects, undefinedForm if none. A ModR/M byte that was needed to tell is then consumed. */
  #lookUp(encoding: Encoding): Form {
    const { roots, nodes } = this.#table(encoding.long);
    let entry = roots[(encoding.space << 8) | encoding.opcode] ?? 0;
    let sawModrm = 0;
    while (entry < 0) {
      let answer = 0;
      switch (nodes[-entry]) {
        case Question.prefix:
          answer = encoding.prefixClass;
          break;
        case Question.rexB:
          answer = encoding.rex & Rex.B;
          break;
        case Question.w:
          answer = (encoding.rex & Rex.W) >> 3;
          break;
        case Question.vectorLength:
          answer = encoding.vectorLength;
          break;
        default: {
          const modrm = encoding.peek();
          sawModrm = 1;
          answer = modrm >= 0xc0 ? memoryDigits + (modrm & 63) : (modrm >> 3) & 7;
        }
      }
      entry = nodes[1 + answer - entry] ?? 0;
    }
    if (entry === 0) encoding.at += sawModrm;
    return forms[entry] ?? undefinedForm;
  }

  /** Sizes, address and operands; false when the operands make it undefined. */
  #readRest(encoding: Encoding, form: Form, into: Instruction): boolean {
    into.form = form;
    into.operandSize = operandSizeOf(form, encoding, into.codeSize);
    into.addressSize = addressSizeOf(encoding, into.codeSize);
    into.lock = encoding.lock;
    into.repeat = form.repeatable ? encoding.repeat : Repeat.none;
    into.condition = form.condition ? encoding.opcode & 15 : 0;
    into.vectorIndexBytes = form.vectorIndexBytes;
    if (form.modrm) {
      encoding.modrm = encoding.uint8();
      into.modrm = encoding.modrm;
      if (form.modIgnored) encoding.modrm |= 0xc0;
      else if (encoding.modrm < 0xc0) {
        if (form.vectorIndexBytes > 0 && !vectorIndexAllowed(encoding, into)) return false;
        readAddress(encoding, into);
      }
    }
    const context = sizeContext(into.operandSize, encoding.vectorLength, encoding.long);
    const notations = form.operands;
    into.operandCount = notations.length;
    for (let at = 0; at < notations.length; at++) {
      const operand = into.operands[at];
      const notation = notations[at];
      if (operand !== undefined && notation !== undefined) readOperand(encoding, into, operand, notation, context);
    }
    return operandsAllowed(form, encoding, into);
  }
}
