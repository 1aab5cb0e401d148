/** A stack frame of eight-byte slots, pushed whole or not at all (SDM 3A 6.14.2; 2A CALL), and slots read back from a stack. */
import { type Exception, stackFault, Vector } from '../exception.ts';
import { Register } from '../registers.ts';
import type { Rights } from './supervisor-memory.ts';
import type { SystemState } from './system-state.ts';

export const stackRights = (level: number): Rights => (level === 3 ? 'user' : 'supervisor');

/** An address that is not canonical is #SS where a stack is concerned (SDM 1 3.3.7.1). */
function onStack(fault: Exception): Exception {
  return fault.vector === Vector.GP ? stackFault : fault;
}

/** Pushes the values in turn below `top`, with the rights of a privilege level. The new stack pointer. */
export function pushFrame(
  state: SystemState,
  top: bigint,
  values: readonly bigint[],
  { level, bytes }: { readonly level: number; readonly bytes: number },
): bigint | Exception {
  const size = values.length * bytes;
  const bottom = BigInt.asUintN(64, top - BigInt(size));
  const fault = state.memory.faultOfWrite(bottom, size, stackRights(level));
  if (fault !== undefined) return onStack(fault);
  for (const [at, value] of values.entries()) {
    const place = BigInt.asUintN(64, top - BigInt((at + 1) * bytes));
    const second = state.memory.write(place, bytes, BigInt.asUintN(bytes * 8, value), stackRights(level));
    if (second !== undefined) return second;
  }
  return bottom;
}

/** So many slots from the stack pointer on, with the rights of the present privilege level. */
export function peekFrame(state: SystemState, count: number, bytes: number): readonly bigint[] | Exception {
  const top = state.registers.general[Register.RSP] ?? 0n;
  const values: bigint[] = [];
  for (let at = 0; at < count; at++) {
    const place = BigInt.asUintN(64, top + BigInt(at * bytes));
    const value = state.memory.read(place, bytes, stackRights(state.cpl));
    if (typeof value !== 'bigint') return onStack(value);
    values.push(value);
  }
  return values;
}

export function isFault(outcome: readonly bigint[] | Exception): outcome is Exception {
  return 'vector' in outcome;
}
