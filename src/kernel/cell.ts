/**
 * The kernel's shared variables: eight bytes each in simulated memory, so that store buffers act on them. Everything
 * that another processor may read or write is a cell; what a lock protects may be a plain object.
 */
import type { PhysicalAddress } from '../arch/address.ts';
import type { Action, Kernel, LockedOperation } from './hardware.ts';

/** Eight bytes of shared memory that hold a T. */
export interface Cell<T> {
  readonly address: PhysicalAddress;
  readonly encode: (value: T) => bigint;
  readonly decode: (bits: bigint) => T;
}

export function* READ_ONCE<T>(cell: Cell<T>): Kernel<T> {
  const bits = yield { kind: 'load', address: cell.address };
  return cell.decode(bits);
}

export function* WRITE_ONCE<T>(cell: Cell<T>, value: T): Kernel<void> {
  yield { kind: 'store', address: cell.address, value: cell.encode(value) };
}

/** A locked operation on a cell of bits or of a number. Result: the value before. */
export function* locked<T>(cell: Cell<T>, operation: LockedOperation, operand: bigint, expected?: bigint): Kernel<T> {
  const action: Action = { kind: 'locked', address: cell.address, operation, operand };
  const before = yield expected === undefined ? action : { ...action, expected };
  return cell.decode(before);
}

export function* atomic64_inc_return(cell: Cell<number>): Kernel<number> {
  return (yield* locked(cell, 'add', 1n)) + 1;
}

export function* smp_mb(): Kernel<void> {
  yield { kind: 'fence' };
}

export function* spin_lock(lock: Cell<number>): Kernel<void> {
  yield { kind: 'acquire', address: lock.address };
}

export function* spin_unlock(lock: Cell<number>): Kernel<void> {
  yield* WRITE_ONCE(lock, 0);
}
