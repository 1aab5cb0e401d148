/**
 * Model-specific registers of the processor itself (SDM 4 2.1), and RDMSR and WRMSR (SDM 2B). Others are the machine's, by its port;
 * what nobody has is #GP.
 */
import { Efer } from '../../arch/control-registers.ts';
import { type Exception, generalProtection } from '../exception.ts';
import { Segment } from '../instruction.ts';
import type { SystemState } from './system-state.ts';

export const Msr = {
  TSC: 0x10,
  TSC_ADJUST: 0x3b,
  SYSENTER_CS: 0x174,
  SYSENTER_ESP: 0x175,
  SYSENTER_EIP: 0x176,
  PAT: 0x277,
  PKRS: 0x6e1,
  EFER: 0xc000_0080,
  STAR: 0xc000_0081,
  LSTAR: 0xc000_0082,
  CSTAR: 0xc000_0083,
  FMASK: 0xc000_0084,
  FS_BASE: 0xc000_0100,
  GS_BASE: 0xc000_0101,
  KERNEL_GS_BASE: 0xc000_0102,
  TSC_AUX: 0xc000_0103,
} as const;

/** After a reset (SDM 3A 12.12.4). */
const patAtReset = 0x0007_0406_0007_0406n;
const definedEfer = Efer.SCE | Efer.LME | Efer.LMA | Efer.NXE | Efer.TCE;

/** What a register that is only kept may hold. */
type Rule = (value: bigint, state: SystemState) => boolean;
const anything: Rule = () => true;
const canonical: Rule = (value, state) => state.isCanonical(value);
const thirtyTwoBits: Rule = (value) => value >> 32n === 0n;
const memoryTypes: Rule = (value) => {
  for (let at = 0n; at < 64n; at += 8n) {
    const type = (value >> at) & 0xffn;
    if (type > 7n || type === 2n || type === 3n) return false;
  }
  return true;
};

const kept: ReadonlyMap<number, Rule> = new Map([
  [Msr.SYSENTER_CS, anything],
  [Msr.SYSENTER_ESP, canonical],
  [Msr.SYSENTER_EIP, canonical],
  [Msr.PAT, memoryTypes],
  [Msr.STAR, anything],
  [Msr.LSTAR, canonical],
  [Msr.CSTAR, canonical],
  [Msr.FMASK, thirtyTwoBits],
  [Msr.KERNEL_GS_BASE, canonical],
  [Msr.TSC_AUX, thirtyTwoBits],
]);

/** `clock` is the time-stamp counter as it would be if nobody had written it. */
export function readMsr(state: SystemState, index: number, clock: () => bigint): bigint | Exception {
  const { control } = state.mmu;
  switch (index) {
    case Msr.TSC:
      return BigInt.asUintN(64, clock() + state.timestampOffset);
    case Msr.TSC_ADJUST:
      return BigInt.asUintN(64, state.timestampOffset);
    case Msr.EFER:
      return control.efer;
    case Msr.FS_BASE:
      return state.registers.segmentBase[Segment.FS] ?? 0n;
    case Msr.GS_BASE:
      return state.registers.segmentBase[Segment.GS] ?? 0n;
    case Msr.PKRS:
      return control.part.pks ? BigInt(control.pkrs) : generalProtection;
    case Msr.PAT:
      return state.modelSpecific.get(index) ?? patAtReset;
    default:
      if (kept.has(index)) return state.modelSpecific.get(index) ?? 0n;
      return state.port.readMsr(index) ?? generalProtection;
  }
}

function writeEfer(state: SystemState, value: bigint): Exception | undefined {
  if ((value & ~definedEfer) !== 0n) return generalProtection;
  return state.mmu.writeEfer(value) === null ? undefined : generalProtection;
}

function writeBase(state: SystemState, segment: number, value: bigint): Exception | undefined {
  if (!state.isCanonical(value)) return generalProtection;
  state.registers.segmentBase[segment] = value;
  return undefined;
}

function writeKept(state: SystemState, index: number, value: bigint): Exception | undefined {
  const rule = kept.get(index);
  if (rule === undefined) return state.port.writeMsr(index, value) ? undefined : generalProtection;
  if (!rule(value, state)) return generalProtection;
  state.modelSpecific.set(index, value);
  return undefined;
}

export function writeMsr(state: SystemState, index: number, value: bigint, clock: () => bigint): Exception | undefined {
  switch (index) {
    case Msr.TSC:
      state.timestampOffset = value - clock();
      return undefined;
    case Msr.TSC_ADJUST:
      state.timestampOffset = value;
      return undefined;
    case Msr.EFER:
      return writeEfer(state, value);
    case Msr.FS_BASE:
      return writeBase(state, Segment.FS, value);
    case Msr.GS_BASE:
      return writeBase(state, Segment.GS, value);
    case Msr.PKRS:
      if (!state.mmu.control.part.pks || !thirtyTwoBits(value, state)) return generalProtection;
      state.mmu.wrpkrs(Number(value));
      return undefined;
    default:
      return writeKept(state, index, value);
  }
}
