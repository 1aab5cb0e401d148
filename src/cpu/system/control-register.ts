/** Moves to and from control and debug registers, LMSW and CLTS (SDM 3A 2.5; 3B 18.2; 2B MOV). What CR0, CR3 and CR4 mean is the MMU's. */
import { Cr0 } from '../../arch/control-registers.ts';
import { UnsupportedError } from '../../base/errors.ts';
import { type Exception, generalProtection, invalidOpcode } from '../exception.ts';
import type { SystemState } from './system-state.ts';

/** Bits of CR0 that exist; ET is always 1. */
const definedCr0 = 0xe005_003fn;
const ET = 0x10n;
/** VME, PVI, TSD, DE, PSE, PAE, MCE, PGE, PCE, OSFXSR, OSXMMEXCPT, UMIP, LA57, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP, PKE, PKS. */
const definedCr4 = 0x0177_1fffn;
export const Cr4Bit = { TSD: 1n << 2n, DE: 1n << 3n, PCE: 1n << 8n, UMIP: 1n << 11n, FSGSBASE: 1n << 16n } as const;
/** PE, MP, EM, TS: what LMSW loads. */
const machineStatus = 0xfn;
const TS = 8n;

export function readControl(state: SystemState, register: number): bigint | Exception {
  switch (register) {
    case 0:
      return state.mmu.control.cr0;
    case 2:
      return state.cr2;
    case 3:
      return state.mmu.control.cr3;
    case 4:
      return state.mmu.control.cr4;
    case 8:
      return BigInt(state.port.taskPriority());
    default:
      return invalidOpcode;
  }
}

/** Long mode is entered from and left to compatibility mode only (SDM 2B MOV). */
function changesLongModeWrongly(state: SystemState, value: bigint): boolean {
  return state.codeSize === 64 && ((value ^ state.mmu.control.cr0) & Cr0.PG) !== 0n;
}

function writeCr0(state: SystemState, value: bigint): Exception | undefined {
  const bits = (value & (definedCr0 | (0xffff_ffffn << 32n))) | ET;
  if (changesLongModeWrongly(state, bits)) return generalProtection;
  if (state.mmu.writeCr0(bits) !== null) return generalProtection;
  state.controlChanged();
  return undefined;
}

function writeCr4(state: SystemState, value: bigint): Exception | undefined {
  if ((value & ~definedCr4) !== 0n || state.mmu.writeCr4(value) !== null) return generalProtection;
  state.controlChanged();
  return undefined;
}

export function writeControl(state: SystemState, register: number, value: bigint): Exception | undefined {
  switch (register) {
    case 0:
      return writeCr0(state, value);
    case 2:
      state.cr2 = value;
      return undefined;
    case 3:
      return state.mmu.writeCr3(value) === null ? undefined : generalProtection;
    case 4:
      return writeCr4(state, value);
    case 8:
      if (value > 15n) return generalProtection;
      state.port.setTaskPriority(Number(value));
      state.attention();
      return undefined;
    default:
      return invalidOpcode;
  }
}

/** LMSW can set PE and not clear it. */
export function loadMachineStatus(state: SystemState, value: bigint): Exception | undefined {
  const { cr0 } = state.mmu.control;
  return writeCr0(state, (cr0 & ~(machineStatus & ~Cr0.PE)) | (value & machineStatus));
}

export function clearTaskSwitched(state: SystemState): Exception | undefined {
  return writeCr0(state, state.mmu.control.cr0 & ~TS);
}

/** DR4 and DR5 are DR6 and DR7, unless CR4.DE says that they are nothing (SDM 3B 18.2.2). */
function debugNumber(state: SystemState, register: number): number | undefined {
  if (register > 7) return undefined;
  if (register !== 4 && register !== 5) return register;
  return (state.mmu.control.cr4 & Cr4Bit.DE) === 0n ? register + 2 : undefined;
}

export function readDebug(state: SystemState, register: number): bigint | Exception {
  const number = debugNumber(state, register);
  return number === undefined ? invalidOpcode : (state.debug[number] ?? 0n);
}

const debugStatusOnes = 0xffff_0ff0n;
const debugStatusBits = 0xe00fn;
const debugControlOnes = 0x400n;
const debugControlBits = 0xffff_2bffn;
/** L0 to G3, and GD. */
const breakpoints = 0x20ffn;

/** Breakpoints are not modelled: the registers hold what is written, and enabling one is refused. */
export function writeDebug(state: SystemState, register: number, value: bigint): Exception | undefined {
  const number = debugNumber(state, register);
  if (number === undefined) return invalidOpcode;
  if (number >= 6 && value >> 32n !== 0n) return generalProtection;
  if (number === 6) state.debug[6] = (value & debugStatusBits) | debugStatusOnes;
  else if (number === 7) {
    if ((value & breakpoints) !== 0n) throw new UnsupportedError('breakpoints by debug registers are not modelled');
    state.debug[7] = (value & debugControlBits) | debugControlOnes;
  } else state.debug[number] = value;
  return undefined;
}
