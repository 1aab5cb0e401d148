/**
 * One form of an instruction: a row of an opcode map, read. Its index is the same for every decoder, so engines may
 * key handlers by it.
 */
import { InvariantError } from '../../base/errors.ts';
import type { Feature } from './feature.ts';
import type { Operation } from './maps.ts';
import { type NotationReader, type OperandNotation, Source } from './notation.ts';
import type { Remark, Row } from './row.ts';

/** Mandatory prefixes as a decoder numbers them; VEX.pp has the same numbers (SDM 2A 2.3.6.3). */
export const prefixClasses = ['NP', '66', 'F3', 'F2'] as const;

export interface Form {
  readonly index: number;
  readonly operation: Operation;
  /** Map, opcode and conditions, as printed: for messages. */
  readonly opcode: string;
  readonly operands: readonly OperandNotation[];
  /** All of them must be offered. */
  readonly features: readonly Feature[];

  /** Which map; see maps.ts. */
  readonly space: number;
  /** First opcode byte, and how many consecutive ones (`+r`, `+cc`). */
  readonly byte: number;
  readonly byteCount: number;
  /** Bit sets of the admissible prefix classes, W, VEX.L and REX.B. */
  readonly prefixes: number;
  readonly w: number;
  /** W outside 64-bit mode. */
  readonly wLegacy: number;
  readonly vectorLengths: number;
  readonly rexB: number;
  /** ModR/M.reg as opcode extension, or the whole of ModR/M; else -1. */
  readonly digit: number;
  readonly exactModrm: number;
  /** Whether ModR/M may name memory, and a register. */
  readonly memory: boolean;
  readonly register: boolean;
  readonly modrm: boolean;

  /** Valid in 64-bit mode; valid outside it. */
  readonly long: boolean;
  readonly legacy: boolean;
  readonly default64: boolean;
  readonly forced64: boolean;
  readonly ignoresW: boolean;
  readonly lockable: boolean;
  readonly condition: boolean;
  readonly modIgnored: boolean;
  readonly notCS: boolean;
  readonly distinctRegisters: boolean;
  /** 66 belongs to the opcode and is no operand-size prefix. */
  readonly mandatoryOperandSize: boolean;
  /** A string instruction: it heeds REP. */
  readonly repeatable: boolean;
  /** VEX.vvvv is an operand; else it must be 1111b. */
  readonly usesVvvv: boolean;
  /** Size of the vector register that indexes memory, else 0. */
  readonly vectorIndexBytes: number;
}

const prefixSets: Readonly<Record<string, number>> = { NP: 1, '66': 2, F3: 4, F2: 8, NFx: 3 };
const anyPrefix = 15;
const opcodePattern = /^(?:(NP|66|F3|F2|NFx) )?([0-9A-F]{2})(\+r|\+cc)?((?: \S+)*)$/;

/** What the opcode column says after the opcode byte. */
class Conditions {
  digit = -1;
  exactModrm = -1;
  memory = true;
  register = true;
  w = 3;
  wLegacy = 3;
  vectorLengths = 3;
  rexB = 3;

  constructor(texts: readonly string[], row: string) {
    for (const text of texts) this.#add(text, row);
  }

  #add(text: string, row: string): void {
    if (/^\/[0-7]$/.test(text)) this.digit = Number(text.charAt(1));
    else if (/^\([0-9A-F]{2}\)$/.test(text)) this.exactModrm = Number.parseInt(text.slice(1, 3), 16);
    else if (text === 'mem') this.register = false;
    else if (text === 'reg') this.memory = false;
    else if (text === 'W0') this.w = this.wLegacy = 1;
    else if (text === 'w0') this.w = 1;
    else if (text === 'W1') this.w = this.wLegacy = 2;
    else if (text === 'L0') this.vectorLengths = 1;
    else if (text === 'L1') this.vectorLengths = 2;
    else if (text === 'B0') this.rexB = 1;
    else throw new InvariantError(`opcode map: ${row}: what is '${text}'?`);
  }
}

function isStringOperand({ source }: OperandNotation): boolean {
  return source === Source.stringSource || source === Source.stringDestination;
}

export interface RowPlace {
  readonly index: number;
  readonly space: number;
  readonly spaceName: string;
  readonly features: readonly Feature[];
  /** Narrows VEX.L when features differ by vector length. */
  readonly vectorLengths: number;
}

/** Reads a row of a map. */
export function parseRow(row: Row, place: RowPlace, notations: NotationReader): Form {
  const [opcodeText, operation, operandText, ...remarkList] = row;
  const text = `${place.spaceName} ${opcodeText}`;
  const match = opcodePattern.exec(opcodeText);
  if (match === null) throw new InvariantError(`opcode map: cannot read '${text}'`);
  const [, prefix, byteText = '', suffix, rest = ''] = match;
  const conditions = new Conditions(rest.split(' ').slice(1), text);
  const operands = operandText === '' ? [] : operandText.split(' ').map((text) => notations.read(text));
  const remarks: ReadonlySet<Remark> = new Set(remarkList);
  const byModrm = operands.filter((operand) => operand.source === Source.registerOrMemory);
  const memory = conditions.memory && byModrm.every((operand) => operand.memoryAllowed);
  const register = conditions.register && byModrm.every((operand) => operand.registerAllowed);
  const narrowed = conditions.digit >= 0 || conditions.exactModrm >= 0 || !memory || !register;
  return {
    index: place.index,
    // Safe: Operation is defined as the union of what the operation columns hold.
    operation: operation as Operation,
    opcode: text,
    operands,
    features: place.features,
    space: place.space,
    byte: Number.parseInt(byteText, 16),
    byteCount: suffix === '+r' ? 8 : suffix === '+cc' ? 16 : 1,
    prefixes: prefix === undefined ? anyPrefix : (prefixSets[prefix] ?? anyPrefix),
    w: conditions.w,
    wLegacy: conditions.wLegacy,
    vectorLengths: conditions.vectorLengths & place.vectorLengths,
    rexB: conditions.rexB,
    digit: conditions.digit,
    exactModrm: conditions.exactModrm,
    memory,
    register,
    modrm: narrowed || operands.some((operand) => operand.usesModrm),
    long: !remarks.has('i64'),
    legacy: !remarks.has('o64'),
    default64: remarks.has('d64'),
    forced64: remarks.has('f64'),
    ignoresW: remarks.has('noW'),
    lockable: remarks.has('lock'),
    condition: suffix === '+cc',
    modIgnored: remarks.has('anymod'),
    notCS: remarks.has('notCS'),
    distinctRegisters: remarks.has('distinct'),
    mandatoryOperandSize: prefix === '66',
    repeatable: operands.some(isStringOperand),
    usesVvvv: operands.some((operand) => operand.source === Source.vvvv),
    vectorIndexBytes: Math.max(0, ...operands.map((operand) => operand.vectorIndexBytes)),
  };
}
