/**
 * Compares one instruction of ours with iced-x86's of the same bytes: operation, length, prefixes, every operand down to
 * the immediate. Returns what differs, in a line, or undefined.
 */
import { type Instruction as IcedInstruction, OpKind, Register } from 'iced-x86';
import {
  type Instruction,
  instructionPointer,
  noRegister,
  type Operand,
  OperandKind,
  Repeat,
  Segment,
} from '../../src/cpu/instruction.ts';
import { icedCode } from './iced-code.ts';
import { registerNames } from './iced-names.ts';

function differs(what: string, ours: unknown, theirs: unknown): string | undefined {
  return ours === theirs ? undefined : `${what}: ours ${ours}, iced ${theirs}`;
}

/** iced shows operands of these as 32 or 64 bits wide that are 16 bits in the manual. */
const widerInIced: ReadonlySet<string> = new Set(['ARPL']);

function compareRegister(ours: Instruction, operand: Operand, theirs: Register): string | undefined {
  const register = registerNames[theirs];
  if (register === undefined) return `iced has register ${Register[theirs]}`;
  const difference =
    differs('register file', operand.kind, register.kind) ?? differs('register', operand.register, register.number);
  if (difference !== undefined) return difference;
  if (operand.kind === OperandKind.vector) {
    return differs('vector register bytes', operand.bytes === 32 ? 32 : 16, register.bytes);
  }
  const general = operand.kind === OperandKind.general || operand.kind === OperandKind.highByte;
  if (!general || widerInIced.has(ours.form.operation)) return undefined;
  return differs('register bytes', operand.bytes, register.bytes);
}

/** Our segment as iced reports it: in 64-bit code it shows the ignored overrides too. */
function compareSegment(ours: Instruction, theirs: IcedInstruction): string | undefined {
  const segment = registerNames[theirs.memorySegment]?.number;
  const ignored = ours.codeSize === 64 && segment !== Segment.FS && segment !== Segment.GS;
  return differs('segment', ours.segment, ignored ? defaultSegment(ours) : segment);
}

function defaultSegment(ours: Instruction): number {
  const used = ours.operands.slice(0, ours.operandCount);
  const usesBase = used.some((operand) => operand.kind === OperandKind.memory);
  return usesBase && (ours.base === 4 || ours.base === 5) ? Segment.SS : Segment.DS;
}

function unsigned64(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function compareMemory(ours: Instruction, operand: Operand, theirs: IcedInstruction): string | undefined {
  const relative = theirs.memoryBase === Register.RIP || theirs.memoryBase === Register.EIP;
  const base = relative ? instructionPointer : (registerNames[theirs.memoryBase]?.number ?? noRegister);
  // iced shows the AL of XLAT as an index.
  const index = ours.form.operation === 'XLAT' ? noRegister : (registerNames[theirs.memoryIndex]?.number ?? noRegister);
  const bits = ours.addressSize * 8;
  let displacement = theirs.memoryDisplacement;
  if (relative) displacement -= theirs.nextIP;
  return (
    differs('base', ours.base, base) ??
    differs('index', ours.index, index) ??
    // Without an index the scale in SIB means nothing; ours is then 0.
    (ours.index === noRegister
      ? differs('scale', ours.scale, 0)
      : differs('scale', 1 << ours.scale, theirs.memoryIndexScale)) ??
    compareAddressSize(ours, theirs, relative) ??
    compareSegment(ours, theirs) ??
    differs(
      'displacement',
      BigInt.asUintN(bits, unsigned64(ours.displacementLow, ours.displacementHigh)),
      BigInt.asUintN(bits, displacement),
    ) ??
    differs('memory bytes', operand.bytes, icedCode(theirs).memoryBytes)
  );
}

function compareAddressSize(ours: Instruction, theirs: IcedInstruction, relative: boolean): string | undefined {
  if (relative) return differs('address size', ours.addressSize, theirs.memoryBase === Register.RIP ? 8 : 4);
  const general = registerNames[theirs.memoryBase] ?? registerNames[theirs.memoryIndex];
  if (general !== undefined && general.kind === OperandKind.general && general.bytes > 1) {
    return differs('address size', ours.addressSize, general.bytes);
  }
  const vector = registerNames[theirs.memoryIndex];
  if (vector?.kind === OperandKind.vector) return differs('index bytes', ours.vectorIndexBytes, vector.bytes);
  // Without a register: iced gives the size of the displacement, sign-extended in 64-bit mode.
  return differs('address size', ours.addressSize, theirs.memoryDisplSize);
}

const sourceBytes: ReadonlyMap<OpKind, number> = new Map([
  [OpKind.MemorySegSI, 2],
  [OpKind.MemorySegESI, 4],
  [OpKind.MemorySegRSI, 8],
]);
const destinationBytes: ReadonlyMap<OpKind, number> = new Map([
  [OpKind.MemoryESDI, 2],
  [OpKind.MemoryESEDI, 4],
  [OpKind.MemoryESRDI, 8],
]);
const destinationIndexBytes: ReadonlyMap<OpKind, number> = new Map([
  [OpKind.MemorySegDI, 2],
  [OpKind.MemorySegEDI, 4],
  [OpKind.MemorySegRDI, 8],
]);

function compareStringOperand(
  ours: Instruction,
  operand: Operand,
  theirs: IcedInstruction,
  kind: OpKind,
): string | undefined {
  const bytes = sourceBytes.get(kind) ?? destinationBytes.get(kind) ?? destinationIndexBytes.get(kind);
  if (bytes === undefined) return `iced has operand kind ${OpKind[kind]}`;
  const expected = sourceBytes.has(kind)
    ? OperandKind.stringSource
    : destinationBytes.has(kind)
      ? OperandKind.stringDestination
      : OperandKind.memory;
  return (
    differs('operand kind', operand.kind, expected) ??
    differs('address size', ours.addressSize, bytes) ??
    (expected === OperandKind.stringDestination ? undefined : compareSegment(ours, theirs)) ??
    (expected === OperandKind.memory ? differs('base', ours.base, 7) : undefined) ??
    differs('memory bytes', operand.bytes, icedCode(theirs).memoryBytes)
  );
}

const branchBits: ReadonlyMap<OpKind, number> = new Map([
  [OpKind.NearBranch16, 16],
  [OpKind.NearBranch32, 32],
  [OpKind.NearBranch64, 64],
]);

function compareImmediate(
  ours: Instruction,
  operand: Operand,
  theirs: IcedInstruction,
  kind: OpKind,
  at: number,
): string | undefined {
  const value = unsigned64(operand.low, operand.high);
  if (kind === OpKind.FarBranch16 || kind === OpKind.FarBranch32) {
    const offset = kind === OpKind.FarBranch16 ? theirs.farBranch16 : theirs.farBranch32;
    return (
      differs('operand kind', operand.kind, OperandKind.farPointer) ??
      differs('offset', operand.low >>> 0, offset) ??
      differs('selector', operand.high, theirs.farBranchSelector) ??
      differs('far pointer bytes', operand.bytes, kind === OpKind.FarBranch16 ? 4 : 6)
    );
  }
  const bits = branchBits.get(kind);
  if (bits !== undefined) {
    return (
      differs('operand kind', operand.kind, OperandKind.relative) ??
      differs('branch operand size', ours.operandSize * 8, bits) ??
      differs('target', BigInt.asUintN(bits, value + theirs.nextIP), theirs.nearBranchTarget)
    );
  }
  const size = operand.bytes * 8;
  return (
    differs('operand kind', operand.kind, OperandKind.immediate) ??
    differs('immediate', value, BigInt.asUintN(size, theirs.immediate(at))) ??
    differs('immediate bytes', operand.bytes, immediateBytes(kind))
  );
}

function immediateBytes(kind: OpKind): number {
  switch (kind) {
    case OpKind.Immediate8:
    case OpKind.Immediate8_2nd:
      return 1;
    case OpKind.Immediate16:
    case OpKind.Immediate8to16:
      return 2;
    case OpKind.Immediate32:
    case OpKind.Immediate8to32:
      return 4;
    default:
      return 8;
  }
}

function compareOperand(ours: Instruction, theirs: IcedInstruction, at: number): string | undefined {
  const operand = ours.operands[at];
  if (operand === undefined) return 'iced has more operands than ours can hold';
  const kind = theirs.opKind(at);
  let difference: string | undefined;
  if (kind === OpKind.Register) difference = compareRegister(ours, operand, theirs.opRegister(at));
  else if (kind === OpKind.Memory) {
    difference = differs('operand kind', operand.kind, OperandKind.memory) ?? compareMemory(ours, operand, theirs);
  } else if (kind >= OpKind.MemorySegSI) difference = compareStringOperand(ours, operand, theirs, kind);
  else difference = compareImmediate(ours, operand, theirs, kind, at);
  return difference === undefined ? undefined : `operand ${at}: ${difference}`;
}

function repeatOf(theirs: IcedInstruction): Repeat {
  if (theirs.hasRepePrefix) return Repeat.whileEqual;
  return theirs.hasRepnePrefix ? Repeat.whileNotEqual : Repeat.none;
}

/** What differs between two valid decodings, if anything. */
export function compareInstructions(ours: Instruction, theirs: IcedInstruction): string | undefined {
  const code = icedCode(theirs);
  let difference =
    differs('operation', ours.form.operation, code.operation) ??
    differs('length', ours.length, theirs.length) ??
    differs('condition', ours.condition, code.condition) ??
    differs('LOCK', ours.lock, theirs.hasLockPrefix) ??
    differs('REP', ours.repeat, ours.form.repeatable ? repeatOf(theirs) : Repeat.none) ??
    (code.operandSize === 0 ? undefined : differs('operand size', ours.operandSize, code.operandSize)) ??
    differs('features', [...ours.form.features].sort().join(' '), code.features) ??
    differs('operand count', ours.operandCount, code.operandCount);
  for (let at = 0; difference === undefined && at < ours.operandCount; at++) {
    difference = compareOperand(ours, theirs, at);
  }
  return difference;
}
