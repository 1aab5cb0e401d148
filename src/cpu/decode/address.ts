/**
 * The memory operand that ModR/M, SIB and a displacement name (SDM 2A 2.1.5, tables 2-1 to 2-3; 2.2.1 for 64-bit mode;
 * 2.3.12 for a vector index).
 */
import { type Instruction, instructionPointer, noRegister, Segment } from '../instruction.ts';
import { type Encoding, noSegment, Rex } from './encoding.ts';

function setDisplacement(into: Instruction, value: number): void {
  into.displacementLow = value;
  into.displacementHigh = value >> 31;
}

/** Base and index of 16-bit addressing by ModR/M.rm: BX is 3, BP 5, SI 6, DI 7. */
const bases16: readonly number[] = [3, 3, 5, 5, 6, 7, 5, 3];
const indexes16: readonly number[] = [6, 7, 6, 7, noRegister, noRegister, noRegister, noRegister];

function readAddress16(encoding: Encoding, into: Instruction): void {
  const mod = encoding.modrm >> 6;
  const rm = encoding.modrm & 7;
  into.scale = 0;
  if (mod === 0 && rm === 6) {
    into.base = noRegister;
    into.index = noRegister;
    setDisplacement(into, encoding.int16());
    return;
  }
  into.base = bases16[rm] ?? noRegister;
  into.index = indexes16[rm] ?? noRegister;
  if (mod === 0) setDisplacement(into, 0);
  else setDisplacement(into, mod === 1 ? encoding.int8() : encoding.int16());
}

function readAddress32(encoding: Encoding, into: Instruction): void {
  const mod = encoding.modrm >> 6;
  let base = encoding.modrm & 7;
  into.index = noRegister;
  into.scale = 0;
  const hasSib = base === 4;
  if (hasSib) {
    const sib = encoding.uint8();
    const index = ((sib >> 3) & 7) | encoding.registerBit(Rex.X);
    if (index !== 4 || into.vectorIndexBytes > 0) {
      into.index = index;
      into.scale = sib >> 6;
    }
    base = sib & 7;
  }
  if (mod === 0 && base === 5) {
    into.base = encoding.long && !hasSib ? instructionPointer : noRegister;
    setDisplacement(into, encoding.int32());
    return;
  }
  into.base = base | encoding.registerBit(Rex.B);
  if (mod === 0) setDisplacement(into, 0);
  else setDisplacement(into, mod === 1 ? encoding.int8() : encoding.int32());
}

/** The override, else SS when the base is rSP or rBP, else DS (SDM 1 3.7.4). */
export function segmentOf(encoding: Encoding, base: number): number {
  if (encoding.segment !== noSegment) return encoding.segment;
  return base === 4 || base === 5 ? Segment.SS : Segment.DS;
}

/**
 * Reads what follows a ModR/M byte whose mod is not 11b into the instruction's address. Its addressSize and
 * vectorIndexBytes are already set.
 */
export function readAddress(encoding: Encoding, into: Instruction): void {
  if (into.addressSize === 2) readAddress16(encoding, into);
  else readAddress32(encoding, into);
  into.segment = segmentOf(encoding, into.base);
}
