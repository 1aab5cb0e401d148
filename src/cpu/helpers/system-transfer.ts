/** Helpers of instructions that change privilege or code segment, or the flags that hold interrupts back (SDM 2A, 2B). */
import { breakpoint, type Exception, generalProtection, invalidOpcode, overflow, Vector } from '../exception.ts';
import { reservedOne } from '../flags.ts';
import { fastEnter, fastExit, faultOfSystemCall, swapGs, systemReturn } from '../system/fast-call.ts';
import { farReturn, farTransfer } from '../system/far-transfer.ts';
import { deliver } from '../system/interrupt-delivery.ts';
import { interruptReturn } from '../system/interrupt-return.ts';
import type { SystemState } from '../system/system-state.ts';
import type { Helper } from './helper.ts';
import { checked, privileged, unprivileged } from './system-access.ts';

const IF = 1 << 9;
const AC = 1 << 18;
const selectorOf = (value: bigint): number => Number(BigInt.asUintN(16, value));

/** INT n: the saved RIP is that of the next instruction. Where execution goes on. */
function softwareInterrupt(state: SystemState, vector: number, next: bigint): bigint | Exception {
  const fault = deliver(state, { vector, software: true, fault: false, rip: next });
  return fault ?? state.registers.rip;
}

function withInterruptFlag(state: SystemState, value: 0 | 1): Exception | undefined {
  if (state.cpl > state.iopl) return generalProtection;
  const { rflags } = state.registers;
  if (value === 1 && (rflags & IF) === 0) state.castShadow('interrupts');
  state.setFlags(value === 1 ? rflags | IF : rflags & ~IF);
  return undefined;
}

function withAlignmentFlag(state: SystemState, value: 0 | 1): Exception | undefined {
  if (state.cpl > 0 || !state.mmu.control.part.smap) return invalidOpcode;
  const { rflags } = state.registers;
  state.setFlags(value === 1 ? rflags | AC : (rflags & ~AC) | reservedOne);
  return undefined;
}

/** In a program the kernel's gate 3 or 4 may be used, others not: the error code names the gate (SDM 3A 6.12.1.2). */
function withoutSystem(vector: number): Exception {
  if (vector === Vector.BP) return breakpoint;
  if (vector === Vector.OF) return overflow;
  return { vector: Vector.GP, errorCode: vector * 8 + 2 };
}

export const systemTransferHelpers = {
  /** Vector, address of the next instruction: to where execution goes on. */
  softwareInterrupt: {
    arguments: 2,
    results: 1,
    run: ({ processor: { system } }, vector, next) => {
      if (system === undefined) return withoutSystem(Number(vector));
      const outcome = softwareInterrupt(system, Number(vector), next);
      return typeof outcome === 'bigint' ? [outcome] : outcome;
    },
  },
  /** Operand size: to where execution goes on. */
  interruptReturn: unprivileged('IRET', 1, 1, (state, [bytes]) => interruptReturn(state, Number(bytes))),
  /** Selector, offset. */
  farJump: unprivileged('a far jump', 2, 1, (state, [selector, offset]) =>
    farTransfer(state, { selector: selectorOf(selector), offset }),
  ),
  /** Selector, offset, address of the next instruction, operand size. */
  farCall: unprivileged('a far call', 4, 1, (state, [selector, offset, next, bytes]) =>
    farTransfer(state, { selector: selectorOf(selector), offset }, { next, bytes: Number(bytes) }),
  ),
  /** Operand size, bytes released. */
  farReturn: unprivileged('a far return', 2, 1, (state, [bytes, released]) =>
    farReturn(state, Number(bytes), released),
  ),
  /** Whether there is SYSCALL; a program's kernel is outside. */
  checkSystemCall: {
    arguments: 0,
    results: 0,
    run: ({ processor: { system } }) => (system === undefined ? undefined : faultOfSystemCall(system)) ?? [],
  },
  /** Operand size. */
  systemReturn: checked(1, 1, generalProtection, (state, [bytes]) => systemReturn(state, Number(bytes))),
  fastEnter: checked(0, 1, generalProtection, fastEnter),
  /** Operand size. */
  fastExit: checked(1, 1, generalProtection, (state, [bytes]) => fastExit(state, Number(bytes))),
  swapGs: checked(0, 0, generalProtection, swapGs),
  clearInterruptFlag: checked(0, 0, generalProtection, (state) => withInterruptFlag(state, 0)),
  setInterruptFlag: checked(0, 0, generalProtection, (state) => withInterruptFlag(state, 1)),
  clearAlignmentFlag: checked(0, 0, invalidOpcode, (state) => withAlignmentFlag(state, 0)),
  setAlignmentFlag: checked(0, 0, invalidOpcode, (state) => withAlignmentFlag(state, 1)),
  /** No performance counters are there to be read. */
  readPerformanceCounter: privileged(0, 0, () => generalProtection),
} as const satisfies Record<string, Helper>;
