/**
 * What iced-x86 calls things, in our words: its mnemonics as operations (with the condition of a conditional one), and
 * its registers as register file and number.
 */
import { Mnemonic, Register } from 'iced-x86';
import { OperandKind } from '../../src/cpu/instruction.ts';

/** Operations of which iced has one mnemonic a size, or another name. */
const renamed: Readonly<Record<string, string>> = {
  ...{ CWDE: 'CBW', CDQE: 'CBW', CDQ: 'CWD', CQO: 'CWD', XLATB: 'XLAT', SAL: 'SHL', RESERVEDNOP: 'NOP' },
  ...{ PUSHAD: 'PUSHA', POPAD: 'POPA', PUSHFD: 'PUSHF', PUSHFQ: 'PUSHF', POPFD: 'POPF', POPFQ: 'POPF' },
  ...{ IRETD: 'IRET', IRETQ: 'IRET', JCXZ: 'JRCXZ', JECXZ: 'JRCXZ', SYSRETQ: 'SYSRET', SYSEXITQ: 'SYSEXIT' },
  ...{ FXSAVE64: 'FXSAVE', FXRSTOR64: 'FXRSTOR', XSAVE64: 'XSAVE', XRSTOR64: 'XRSTOR', XSAVEOPT64: 'XSAVEOPT' },
  ...{ XSAVEC64: 'XSAVEC', XSAVES64: 'XSAVES', XRSTORS64: 'XRSTORS', PCMPESTRM64: 'PCMPESTRM' },
  ...{ PCMPESTRI64: 'PCMPESTRI', VPCMPESTRM64: 'VPCMPESTRM', VPCMPESTRI64: 'VPCMPESTRI' },
};

const conditions = ['O', 'NO', 'B', 'AE', 'E', 'NE', 'BE', 'A', 'S', 'NS', 'P', 'NP', 'L', 'GE', 'LE', 'G'];

export interface OperationName {
  readonly operation: string;
  readonly condition: number;
}

/** `variant` tells apart what shares a mnemonic: string instructions, and far branches. */
export function operationName(mnemonic: Mnemonic, variant: 'string' | 'far' | 'plain'): OperationName {
  const name = (Mnemonic[mnemonic] ?? '').toUpperCase();
  if (variant === 'string') return { operation: name.slice(0, -1), condition: 0 };
  if (variant === 'far') return { operation: `${name}F`, condition: 0 };
  for (const [prefix, operation] of [
    ['J', 'Jcc'],
    ['SET', 'SETcc'],
    ['CMOV', 'CMOVcc'],
  ] as const) {
    const condition = conditions.indexOf(name.slice(prefix.length));
    if (name.startsWith(prefix) && condition >= 0) return { operation, condition };
  }
  return { operation: renamed[name] ?? name, condition: 0 };
}

export interface RegisterName {
  readonly kind: OperandKind;
  readonly number: number;
  readonly bytes: number;
}

const general = ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI'];
const lowBytes = ['AL', 'CL', 'DL', 'BL', 'SPL', 'BPL', 'SIL', 'DIL'];
const files: readonly (readonly [RegExp, OperandKind, number])[] = [
  [/^R(\d+)L$/, OperandKind.general, 1],
  [/^R(\d+)W$/, OperandKind.general, 2],
  [/^R(\d+)D$/, OperandKind.general, 4],
  [/^R(\d+)$/, OperandKind.general, 8],
  [/^CR(\d+)$/, OperandKind.control, 8],
  [/^DR(\d+)$/, OperandKind.debug, 8],
  [/^ST(\d+)$/, OperandKind.x87, 10],
  [/^MM(\d+)$/, OperandKind.mmx, 8],
  [/^XMM(\d+)$/, OperandKind.vector, 16],
  [/^YMM(\d+)$/, OperandKind.vector, 32],
];

function describeRegister(name: string): RegisterName | undefined {
  const segment = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'].indexOf(name);
  if (segment >= 0) return { kind: OperandKind.segment, number: segment, bytes: 2 };
  const high = ['AH', 'CH', 'DH', 'BH'].indexOf(name);
  if (high >= 0) return { kind: OperandKind.highByte, number: high, bytes: 1 };
  const low = lowBytes.indexOf(name);
  if (low >= 0) return { kind: OperandKind.general, number: low, bytes: 1 };
  const named = general.indexOf(name.slice(-2));
  if (named >= 0 && name.length === 2) return { kind: OperandKind.general, number: named, bytes: 2 };
  if (named >= 0 && /^[ER]..$/.test(name)) {
    return { kind: OperandKind.general, number: named, bytes: name.startsWith('E') ? 4 : 8 };
  }
  for (const [pattern, kind, bytes] of files) {
    const match = pattern.exec(name);
    if (match !== null) return { kind, number: Number(match[1]), bytes };
  }
  return undefined;
}

/** By iced's register number; undefined for registers we do not have. */
export const registerNames: readonly (RegisterName | undefined)[] = Object.values(Register)
  .filter((value): value is Register => typeof value === 'number')
  .map((value) => describeRegister(Register[value] ?? ''));
