/**
 * A decoded instruction: one flat record of small integers, filled in place by the decoder, so that engines allocate
 * nothing and every use is monomorphic. 64-bit values are two 32-bit halves. It holds what the bytes say and nothing
 * of the processor's state; which operands are read or written belongs to the semantics of the operation.
 */
import type { Form } from './decode/form.ts';
import { undefinedForm } from './decode/undefined-form.ts';

/** What an operand is: a register of one of the register files, or something else. */
export const OperandKind = {
  none: 0,
  /** General register 0-15, its low `bytes` bytes. */
  general: 1,
  /** AH, CH, DH, BH: bits 15:8 of general register 0-3. */
  highByte: 2,
  segment: 3,
  control: 4,
  debug: 5,
  /** ST(register). */
  x87: 6,
  mmx: 7,
  /** XMM, or YMM when `bytes` is 32; fewer than 16 bytes are the low part. */
  vector: 8,
  /** By the instruction's segment, base, index, scale and displacement. */
  memory: 9,
  /** segment:[rSI] of a string instruction. */
  stringSource: 10,
  /** ES:[rDI] of a string instruction. */
  stringDestination: 11,
  immediate: 12,
  /** A branch displacement, relative to the next instruction. */
  relative: 13,
  /** A far pointer in the instruction: `low` is the offset, `high` the selector. */
  farPointer: 14,
} as const;
export type OperandKind = (typeof OperandKind)[keyof typeof OperandKind];

/** Segment registers as the reg field numbers them (SDM 2B MOV). */
export const Segment = { ES: 0, CS: 1, SS: 2, DS: 3, FS: 4, GS: 5 } as const;

/** `base` or `index` of an address without one. */
export const noRegister = -1;
/** `base` of an address relative to the next instruction (SDM 2A 2.2.1.6). */
export const instructionPointer = 16;

/** The repeat prefix of a string instruction (SDM 2B REP); none on instructions that do not heed it. */
export const Repeat = { none: 0, whileEqual: 0xf3, whileNotEqual: 0xf2 } as const;
export type Repeat = (typeof Repeat)[keyof typeof Repeat];

/** Bits of code segment: CS.L and CS.D. */
export type CodeSize = 16 | 32 | 64;

/** `register`, and `low` and `high`, mean something only to the kinds that have them. */
export class Operand {
  kind: OperandKind = OperandKind.none;
  /** Number within the register file. */
  register = 0;
  /** Size in bytes; 0 for an address only, and for images whose size software chooses. */
  bytes = 0;
  /**
   * Immediate: the value extended to `bytes` bytes as the manual says, zero above. Relative: the displacement,
   * sign-extended to 64 bits. Halves are signed 32-bit numbers.
   */
  low = 0;
  high = 0;
}

export class Instruction {
  /** The row of the opcode map; its operation is what semantics are keyed by. */
  form: Form = undefinedForm;
  /** Bytes. When decoding failed: the bytes looked at. */
  length = 0;
  codeSize: CodeSize = 64;
  /** Effective operand size in bytes (2, 4, 8), after prefixes, REX.W and what 64-bit mode promotes. */
  operandSize = 4;
  /** Effective address size in bytes (2, 4, 8). */
  addressSize = 8;
  lock = false;
  repeat: Repeat = Repeat.none;
  /** Low four bits of the opcode, the condition of Jcc, SETcc and CMOVcc (SDM 1 B.1). */
  condition = 0;
  /** The ModR/M byte of an instruction that has one; what an earlier instruction left is not cleared. */
  modrm = 0;

  // The address, up to vectorIndexBytes, means something only when an operand is memory (for a string source, the
  // segment only); what an earlier instruction left is not cleared.

  /** Segment of the memory operand or string source: the override, else the default. */
  segment: number = Segment.DS;
  base = noRegister;
  /** A general register, or a vector register of vectorIndexBytes. */
  index = noRegister;
  /** Shift count of the index: 0 to 3. */
  scale = 0;
  /** Sign-extended to 64 bits; the sum is cut to the address size. */
  displacementLow = 0;
  displacementHigh = 0;
  /** Bytes of the vector register that indexes a gather, else 0. */
  vectorIndexBytes = 0;

  operandCount = 0;
  readonly operands: readonly [Operand, Operand, Operand, Operand] = [
    new Operand(),
    new Operand(),
    new Operand(),
    new Operand(),
  ];
}
