/**
 * The operand notation of the opcode maps (SDM 2D, appendix A.2): a letter for where the operand is encoded, then
 * letters for its size. `Ev` is a general register or memory by ModR/M, of the operand size.
 *
 * Beyond the manual's letters: `Z` is a register in the low three bits of the opcode (the manual prints the names),
 * `Ibs` a byte sign-extended to the operand size, `XMb` to `XMz` vector-indexed memory (VSIB), `DI` memory at DS:rDI whose
 * segment may be overridden, `rBX+AL` the address of XLAT, `Raddress` a register of the address size; `t`, `env`,
 * `state`, `fx` and `area` are the x87 and XSAVE images. `Rv/Mw` is one size for a register and another for memory.
 */
import { InvariantError } from '../../base/errors.ts';
import { OperandKind } from '../instruction.ts';

/** Where the bits that name the operand are. */
export const Source = {
  fixed: 0,
  opcode: 1,
  registerField: 2,
  registerOrMemory: 3,
  vvvv: 4,
  immediateHigh: 5,
  immediate: 6,
  immediateSigned: 7,
  immediateOne: 8,
  relative: 9,
  farPointer: 10,
  offset: 11,
  stringSource: 12,
  stringDestination: 13,
  destinationIndex: 14,
  translation: 15,
} as const;
export type Source = (typeof Source)[keyof typeof Source];

export interface OperandNotation {
  /** As the map writes it. */
  readonly text: string;
  readonly source: Source;
  /** The register file, when the operand is or may be a register; else what it is. */
  readonly kind: OperandKind;
  /** For a fixed register, its number. */
  readonly register: number;
  /** Size when a register (or neither register nor memory), by sizeContext. */
  readonly bytes: Uint16Array;
  /** Size when in memory, by sizeContext. */
  readonly memoryBytes: Uint16Array;
  readonly memoryAllowed: boolean;
  readonly registerAllowed: boolean;
  readonly usesModrm: boolean;
  /** Memory whose index is a vector register (SDM 2A 2.3.12). */
  readonly vectorIndexBytes: number;
  /** A general register of the address size, whatever `bytes` says. */
  readonly addressSized: boolean;
  /** An immediate as long as its size, where others are 4 bytes sign-extended to 8. */
  readonly wideImmediate: boolean;
}

/** The index into `bytes`: operand size 2, 4 or 8; vector length bit; 64-bit mode. */
export function sizeContext(operandBytes: number, vectorLength: number, long: boolean): number {
  return (operandBytes >> 2) + 3 * vectorLength + (long ? 6 : 0);
}
export const sizeContextCount = 12;

type SizeOf = (operandBytes: number, vectorLength: number, long: boolean) => number;

const sizes: Readonly<Record<string, SizeOf>> = {
  '': () => 0,
  b: () => 1,
  w: () => 2,
  d: () => 4,
  q: () => 8,
  t: () => 10,
  dq: () => 16,
  qq: () => 32,
  v: (operand) => operand,
  y: (operand) => (operand === 8 ? 8 : 4),
  z: (operand) => (operand === 2 ? 2 : 4),
  x: (_, length) => (length === 1 ? 32 : 16),
  ps: (_, length) => (length === 1 ? 32 : 16),
  pd: (_, length) => (length === 1 ? 32 : 16),
  ss: () => 4,
  sd: () => 8,
  /** Far pointer: a selector and an offset of the operand size. */
  p: (operand) => operand + 2,
  /** The two bounds of BOUND. */
  a: (operand) => operand * 2,
  /** Pseudo-descriptor: a limit and a base. */
  s: (_, __, long) => (long ? 10 : 6),
  env: (operand) => (operand === 2 ? 14 : 28),
  state: (operand) => (operand === 2 ? 94 : 108),
  fx: () => 512,
  /** The XSAVE area, whose size software chooses. */
  area: () => 0,
};

interface Letter {
  readonly source: Source;
  readonly kind: OperandKind;
  readonly memory: boolean;
  readonly register: boolean;
}

const modrm = (kind: OperandKind, memory: boolean, register: boolean): Letter => ({
  source: Source.registerOrMemory,
  kind,
  memory,
  register,
});
const register = (source: Source, kind: OperandKind): Letter => ({ source, kind, memory: false, register: true });
const neither = (source: Source, kind: OperandKind): Letter => ({ source, kind, memory: false, register: false });

const letters: Readonly<Record<string, Letter>> = {
  A: neither(Source.farPointer, OperandKind.farPointer),
  B: register(Source.vvvv, OperandKind.general),
  C: register(Source.registerField, OperandKind.control),
  D: register(Source.registerField, OperandKind.debug),
  E: modrm(OperandKind.general, true, true),
  G: register(Source.registerField, OperandKind.general),
  H: register(Source.vvvv, OperandKind.vector),
  I: neither(Source.immediate, OperandKind.immediate),
  J: neither(Source.relative, OperandKind.relative),
  L: register(Source.immediateHigh, OperandKind.vector),
  M: modrm(OperandKind.memory, true, false),
  N: modrm(OperandKind.mmx, false, true),
  O: neither(Source.offset, OperandKind.memory),
  P: register(Source.registerField, OperandKind.mmx),
  Q: modrm(OperandKind.mmx, true, true),
  R: modrm(OperandKind.general, false, true),
  S: register(Source.registerField, OperandKind.segment),
  U: modrm(OperandKind.vector, false, true),
  V: register(Source.registerField, OperandKind.vector),
  W: modrm(OperandKind.vector, true, true),
  X: neither(Source.stringSource, OperandKind.stringSource),
  Y: neither(Source.stringDestination, OperandKind.stringDestination),
  Z: register(Source.opcode, OperandKind.general),
};

interface Fixed {
  readonly kind: OperandKind;
  readonly register: number;
  readonly size: string;
}

const general = (number: number, size: string): Fixed => ({ kind: OperandKind.general, register: number, size });
const segment = (number: number): Fixed => ({ kind: OperandKind.segment, register: number, size: 'w' });

const fixedRegisters: Readonly<Record<string, Fixed>> = {
  AL: general(0, 'b'),
  CL: general(1, 'b'),
  AX: general(0, 'w'),
  DX: general(2, 'w'),
  eAX: general(0, 'z'),
  rAX: general(0, 'v'),
  ES: segment(0),
  CS: segment(1),
  SS: segment(2),
  DS: segment(3),
  FS: segment(4),
  GS: segment(5),
  ST0: { kind: OperandKind.x87, register: 0, size: 't' },
};

function tabulate(size: string, text: string): Uint16Array {
  const sizeOf = sizes[size];
  if (sizeOf === undefined) throw new InvariantError(`operand ${text}: no size '${size}'`);
  const table = new Uint16Array(sizeContextCount);
  for (const operand of [2, 4, 8]) {
    for (const length of [0, 1]) {
      for (const long of [false, true]) table[sizeContext(operand, length, long)] = sizeOf(operand, length, long);
    }
  }
  return table;
}

function operand(text: string, letter: Letter, size: string, memorySize = size): OperandNotation {
  return {
    text,
    source: letter.source,
    kind: letter.kind,
    register: 0,
    bytes: tabulate(size, text),
    memoryBytes: tabulate(memorySize, text),
    memoryAllowed: letter.memory,
    registerAllowed: letter.register,
    usesModrm: letter.source === Source.registerField || letter.source === Source.registerOrMemory,
    vectorIndexBytes: 0,
    addressSized: false,
    wideImmediate: text === 'Iv',
  };
}

function letterOf(text: string): Letter {
  const letter = letters[text.charAt(0)];
  if (letter === undefined) throw new InvariantError(`operand ${text}: no such notation`);
  return letter;
}

function special(text: string): OperandNotation | undefined {
  const fixed = fixedRegisters[text];
  if (fixed !== undefined) {
    return { ...operand(text, register(Source.fixed, fixed.kind), fixed.size), register: fixed.register };
  }
  if (text === '1') return operand(text, neither(Source.immediateOne, OperandKind.immediate), 'b');
  // Encoded as 2 or 4 bytes, and sign-extended to the operand size (SDM 2A 2.2.1.5).
  if (text === 'Iz') return operand(text, neither(Source.immediate, OperandKind.immediate), 'v');
  if (text === 'Ibs') return operand(text, neither(Source.immediateSigned, OperandKind.immediate), 'v');
  if (text === 'STi') return operand(text, modrm(OperandKind.x87, false, true), 't');
  if (text === 'rBX+AL') return operand(text, neither(Source.translation, OperandKind.memory), 'b');
  if (text === 'Raddress') {
    return { ...operand(text, modrm(OperandKind.general, false, true), ''), addressSized: true };
  }
  if (text.startsWith('DI')) {
    return operand(text, neither(Source.destinationIndex, OperandKind.memory), text.slice(2));
  }
  const vectorIndexed = /^([XY])M([dq])$/.exec(text);
  if (vectorIndexed !== null) {
    const memory = operand(text, modrm(OperandKind.memory, true, false), vectorIndexed[2] ?? '');
    return { ...memory, vectorIndexBytes: vectorIndexed[1] === 'Y' ? 32 : 16 };
  }
  const either = /^R(\w+)\/M(\w+)$/.exec(text);
  if (either !== null) return operand(text, modrm(OperandKind.general, true, true), either[1] ?? '', either[2] ?? '');
  return undefined;
}

/** Reads one operand of a row. */
export function parseOperand(text: string): OperandNotation {
  return special(text) ?? operand(text, letterOf(text), text.slice(1));
}

/** Reads operands, giving equal notations the same object: there are a thousand rows and a hundred notations. */
export class NotationReader {
  readonly #known = new Map<string, OperandNotation>();

  read(text: string): OperandNotation {
    let notation = this.#known.get(text);
    if (notation === undefined) {
      notation = parseOperand(text);
      this.#known.set(text, notation);
    }
    return notation;
  }
}
