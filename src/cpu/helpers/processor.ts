/** Helpers that ask the processor around the engine, and what POPF may change (SDM 2A CPUID; 2B POPF, RDPID, RDRAND, RDTSC; 2D XGETBV). */
import { generalProtection } from '../exception.ts';
import { reservedOne, statusMask } from '../flags.ts';
import type { ProcessorPort } from '../ports.ts';
import { Cr4Bit } from '../system/control-register.ts';
import { Msr } from '../system/model-specific-register.ts';
import type { SystemState } from '../system/system-state.ts';
import type { Helper } from './helper.ts';

function identity(processor: ProcessorPort): bigint {
  const { system } = processor;
  return system === undefined ? BigInt(processor.processorId()) : (system.modelSpecific.get(Msr.TSC_AUX) ?? 0n);
}

/** What POPF may change, RF apart, which it clears (SDM 2B table 4-16). */
function changeableFlags(bytes: bigint, system: SystemState | undefined): number {
  const always = statusMask | 0x4500 | (bytes > 2n ? 0x24_0000 : 0);
  if (system === undefined) return always;
  return always | (system.cpl === 0 ? IOPL : 0) | (system.cpl <= system.iopl ? IF : 0);
}

const IF = 1 << 9;
const IOPL = 3 << 12;
const RF = 1 << 16;

export const processorHelpers = {
  /** EAX, ECX to EAX, EBX, ECX, EDX. */
  cpuid: {
    arguments: 2,
    results: 4,
    run: ({ processor }, leaf, subleaf) =>
      processor.cpuid(Number(leaf), Number(subleaf)).map((value) => BigInt(value >>> 0)),
  },
  /** To the time-stamp counter. */
  timestamp: {
    arguments: 0,
    results: 1,
    run: ({ processor }) => {
      const { system } = processor;
      if (system === undefined) return [processor.timestamp()];
      const disabled = (system.mmu.control.cr4 & Cr4Bit.TSD) !== 0n && system.cpl > 0;
      return disabled ? generalProtection : [BigInt.asUintN(64, processor.timestamp() + system.timestampOffset)];
    },
  },
  /** To IA32_TSC_AUX. */
  processorId: { arguments: 0, results: 1, run: ({ processor }) => [identity(processor)] },
  /** To a random number of 64 bits. */
  random: { arguments: 0, results: 1, run: ({ processor }) => [processor.random()] },
  /** Extended control register number to its value; #GP if there is none. */
  extendedControl: {
    arguments: 1,
    results: 1,
    run: ({ processor }, register) => {
      const value = processor.extendedControl(Number(register));
      return typeof value === 'bigint' ? [value] : value;
    },
  },
  /** RFLAGS that POPF takes, and its operand size in bytes. Without a system the privilege level is 3 and IOPL 0. */
  popFlags: {
    arguments: 2,
    results: 0,
    run: ({ registers, processor: { system } }, image, bytes) => {
      const changeable = changeableFlags(bytes, system);
      const value = Number(image & 0xffff_ffffn);
      const rflags = (registers.rflags & ~changeable & ~RF) | (value & changeable) | reservedOne;
      if (system === undefined) registers.rflags = rflags;
      else system.setFlags(rflags);
      return [];
    },
  },
} as const satisfies Record<string, Helper>;
