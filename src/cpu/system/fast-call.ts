/**
 * SYSCALL, SYSRET, SYSENTER, SYSEXIT and SWAPGS (SDM 3A 5.8.7, 5.8.8; 2B). Segments are loaded with fixed contents, without looking at
 * descriptors.
 */
import { Efer } from '../../arch/control-registers.ts';
import { type Exception, generalProtection, invalidOpcode } from '../exception.ts';
import { reservedOne } from '../flags.ts';
import { Segment } from '../instruction.ts';
import { Register } from '../registers.ts';
import { parseDescriptor } from './descriptor.ts';
import { Msr } from './model-specific-register.ts';
import type { SystemState } from './system-state.ts';

const R11 = 11;
/** What SYSRET loads of R11 (SDM 2B SYSRET). */
const returnedFlags = 0x3c_7fd7n;
const RF = 1 << 16;
const IF = 1 << 9;
const VM = 1 << 17;

/** Flat, of 4 GBytes, present, accessed: code or data for a privilege level. */
function flat(level: number, kind: 'code64' | 'code32' | 'data') {
  const type = kind === 'data' ? 0x93n : 0x9bn;
  const size = kind === 'code64' ? 0xan : 0xcn;
  return parseDescriptor(0xffffn | ((type | (BigInt(level) << 5n)) << 40n) | (0xfn << 48n) | (size << 52n));
}

function enter(state: SystemState, codeSelector: number, level: number, kind: 'code64' | 'code32'): void {
  state.setCode(codeSelector, level, flat(level, kind));
  state.setSegment(Segment.SS, ((codeSelector & 0xfffc) + 8) | level, flat(level, 'data'));
}

function msr(state: SystemState, index: number): bigint {
  return state.modelSpecific.get(index) ?? 0n;
}

/** Why SYSCALL is undefined here, if it is. */
export function faultOfSystemCall(state: SystemState): Exception | undefined {
  return (state.mmu.control.efer & Efer.SCE) === 0n || state.codeSize !== 64 ? invalidOpcode : undefined;
}

/** The rest of SYSCALL, RCX and R11 being set. */
export function enterSystemCall(state: SystemState): void {
  const { registers } = state;
  registers.rflags = (registers.rflags & ~RF & ~Number(msr(state, Msr.FMASK) & 0xffff_ffffn)) | reservedOne;
  enter(state, Number((msr(state, Msr.STAR) >> 32n) & 0xfffcn), 0, 'code64');
  registers.rip = msr(state, Msr.LSTAR);
}

/** `bytes`: 8 goes back to 64-bit code, 4 to compatibility mode. */
export function systemReturn(state: SystemState, bytes: number): bigint | Exception {
  const { registers } = state;
  if (faultOfSystemCall(state) !== undefined) return invalidOpcode;
  const target = registers.general[Register.RCX] ?? 0n;
  if (state.cpl !== 0 || (bytes === 8 && !state.isCanonical(target))) return generalProtection;
  registers.rflags = Number((registers.general[R11] ?? 0n) & returnedFlags) | reservedOne;
  const base = Number((msr(state, Msr.STAR) >> 48n) & 0xffffn);
  const selector = (bytes === 8 ? base + 16 : base) & 0xffff;
  state.setCode(selector | 3, 3, flat(3, bytes === 8 ? 'code64' : 'code32'));
  state.setSegment(Segment.SS, ((base + 8) & 0xffff) | 3, flat(3, 'data'));
  return bytes === 8 ? target : BigInt.asUintN(32, target);
}

/** SYSENTER saves nothing. */
export function fastEnter(state: SystemState): bigint | Exception {
  const { registers } = state;
  const selector = Number(msr(state, Msr.SYSENTER_CS) & 0xfffcn);
  if (selector === 0) return generalProtection;
  registers.rflags &= ~(VM | IF | RF);
  enter(state, selector, 0, state.longMode ? 'code64' : 'code32');
  registers.general[Register.RSP] = msr(state, Msr.SYSENTER_ESP);
  return msr(state, Msr.SYSENTER_EIP);
}

/** SYSEXIT: to RDX and RCX. */
export function fastExit(state: SystemState, bytes: number): bigint | Exception {
  const { registers } = state;
  const base = Number(msr(state, Msr.SYSENTER_CS) & 0xfffcn);
  const target = registers.general[Register.RDX] ?? 0n;
  const stack = registers.general[Register.RCX] ?? 0n;
  if (base === 0 || state.cpl !== 0) return generalProtection;
  const long = bytes === 8;
  if (long && !(state.isCanonical(target) && state.isCanonical(stack))) return generalProtection;
  enter(state, (base + (long ? 32 : 16)) & 0xffff, 3, long ? 'code64' : 'code32');
  registers.general[Register.RSP] = long ? stack : BigInt.asUintN(32, stack);
  return long ? target : BigInt.asUintN(32, target);
}

/** Exchanges the base of GS with IA32_KERNEL_GS_BASE. */
export function swapGs(state: SystemState): Exception | undefined {
  if (state.cpl !== 0) return generalProtection;
  const { segmentBase } = state.registers;
  const base = segmentBase[Segment.GS] ?? 0n;
  segmentBase[Segment.GS] = msr(state, Msr.KERNEL_GS_BASE);
  state.modelSpecific.set(Msr.KERNEL_GS_BASE, base);
  return undefined;
}
