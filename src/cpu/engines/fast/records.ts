/** Records of decoded instructions, written into the linear memory: what a handler needs besides its shape. */
import { type Instruction, instructionPointer, type Operand, OperandKind } from '../../instruction.ts';
import { Register, RegisterOffset } from '../../registers.ts';
import { Rec, recordBytes } from './layout.ts';

/** The handlers of records that are no instructions: see continuation.ts. */
export const runEndShape = 0;
export const crossingShape = 1;

/** Where the register that an operand names lies in the register file. */
function registerOffset({ kind, register }: Operand): number {
  switch (kind) {
    case OperandKind.segment:
      return RegisterOffset.selector + 2 * register;
    case OperandKind.mmx:
      return RegisterOffset.x87 + 16 * register;
    case OperandKind.vector:
      return RegisterOffset.vector + 32 * register;
    default:
      return RegisterOffset.general + 8 * register;
  }
}

export class Records {
  readonly #view: DataView;

  constructor(buffer: ArrayBuffer) {
    this.#view = new DataView(buffer);
  }

  /** Writes an instruction that begins at `offset` in its page. */
  write(record: number, shape: number, offset: number, i: Instruction): void {
    const view = this.#view;
    const end = offset + i.length;
    view.setUint32(record + Rec.shape, shape, true);
    view.setUint16(record + Rec.offset, offset, true);
    view.setUint16(record + Rec.end, end, true);
    view.setUint8(record + Rec.base, RegisterOffset.general + 8 * (i.base & 15));
    view.setUint8(record + Rec.index, RegisterOffset.general + 8 * (i.index & 15));
    view.setUint8(record + Rec.segmentBase, RegisterOffset.segmentBase + 8 * i.segment);
    view.setUint8(record + Rec.scale, i.scale);
    view.setUint32(record + Rec.link, 0, true);
    this.#writeDisplacement(record, end, i);
    for (let at = 0; at < i.operandCount; at++) {
      this.#writeOperand(record + Rec.operands + 8 * at, end, i.operands[at as 0 | 1 | 2 | 3]);
    }
    view.setUint32(record + Rec.x87Opcode, ((i.form.byte & 7) << 8) | i.modrm, true);
  }

  /** Ends a run of records: what follows is at `offset`, and its record is `link` unless that is 0. */
  writeRunEnd(record: number, offset: number, link: number): void {
    new Uint8Array(this.#view.buffer, record, recordBytes).fill(0);
    this.#view.setUint32(record + Rec.shape, runEndShape, true);
    this.#view.setUint16(record + Rec.offset, offset, true);
    this.#view.setUint16(record + Rec.end, offset, true);
    this.link(record, link);
  }

  /** An instruction begins at `offset` that goes on in the next page. */
  writeCrossing(record: number, offset: number): void {
    this.writeRunEnd(record, offset, 0);
    this.#view.setUint32(record + Rec.shape, crossingShape, true);
  }

  link(record: number, to: number): void {
    this.#view.setUint32(record + Rec.link, to, true);
  }

  /** Where in its page the instruction begins, and where it ends. */
  offset(record: number): number {
    return this.#view.getUint16(record + Rec.offset, true);
  }

  end(record: number): number {
    return this.#view.getUint16(record + Rec.end, true);
  }

  /** With what is known beforehand: the end of the instruction, and what POP adds to rSP (SDM 2B POP). */
  #writeDisplacement(record: number, end: number, i: Instruction): void {
    const popped = i.form.operation === 'POP' && i.base === Register.RSP ? i.operandSize : 0;
    const plus = BigInt(i.base === instructionPointer ? end : popped);
    const displacement = (BigInt(i.displacementHigh) << 32n) | BigInt(i.displacementLow >>> 0);
    this.#view.setBigUint64(record + Rec.displacement, BigInt.asUintN(64, displacement + plus), true);
  }

  #writeOperand(at: number, end: number, operand: Operand): void {
    const { kind, low, high, bytes } = operand;
    const whole = (BigInt(high) << 32n) | BigInt(low >>> 0);
    if (kind === OperandKind.immediate) this.#view.setBigUint64(at, BigInt.asUintN(8 * bytes, whole), true);
    else if (kind === OperandKind.farPointer) this.#view.setBigUint64(at, BigInt.asUintN(48, whole), true);
    else if (kind === OperandKind.relative) this.#view.setBigUint64(at, BigInt.asUintN(64, whole + BigInt(end)), true);
    else this.#view.setUint32(at, registerOffset(operand), true);
  }
}
