/** Helpers that ask the processor around the engine, and what POPF may change (SDM 2A CPUID; 2B POPF, RDPID, RDRAND, RDTSC; 2D XGETBV). */
import { reservedOne, statusMask } from '../flags.ts';
import type { Helper } from './helper.ts';

export const processorHelpers = {
  /** EAX, ECX to EAX, EBX, ECX, EDX. */
  cpuid: {
    arguments: 2,
    results: 4,
    run: ({ processor }, leaf, subleaf) =>
      processor.cpuid(Number(leaf), Number(subleaf)).map((value) => BigInt(value >>> 0)),
  },
  /** To the time-stamp counter. */
  timestamp: { arguments: 0, results: 1, run: ({ processor }) => [processor.timestamp()] },
  /** To IA32_TSC_AUX. */
  processorId: { arguments: 0, results: 1, run: ({ processor }) => [BigInt(processor.processorId())] },
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
  /** RFLAGS that POPF takes, and its operand size in bytes. At privilege level 3 with IOPL 0: IF, IOPL, VIF and VIP stay (table 4-16). */
  popFlags: {
    arguments: 2,
    results: 0,
    run: ({ registers }, image, bytes) => {
      const changeable = statusMask | 0x4500 | (bytes > 2n ? 0x240000 : 0);
      const value = Number(image & 0xffff_ffffn);
      registers.rflags = (registers.rflags & ~changeable & ~0x10000) | (value & changeable) | reservedOne;
      return [];
    },
  },
} as const satisfies Record<string, Helper>;
