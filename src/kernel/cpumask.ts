/** Sets of processors, one bit each: in shared memory changed by locked operations, as values plain `bigint`s. */
import { type Cell, locked, READ_ONCE } from './cell.ts';
import type { Kernel } from './hardware.ts';

/** A mask is one cell of eight bytes. */
export const NR_CPUS = 64;

export function cpumask_of(cpu: number): bigint {
  return 1n << BigInt(cpu);
}

/** Whether a mask already read holds the processor. */
export function cpumask_has(mask: bigint, cpu: number): boolean {
  return ((mask >> BigInt(cpu)) & 1n) !== 0n;
}

/** Numbers of the processors in a mask already read, ascending. */
export function* for_each_cpu(mask: bigint): Generator<number, void, undefined> {
  for (let cpu = 0, rest = mask; rest !== 0n; cpu++, rest >>= 1n) if ((rest & 1n) !== 0n) yield cpu;
}

export function* cpumask_test_cpu(cpu: number, mask: Cell<bigint>): Kernel<boolean> {
  return cpumask_has(yield* READ_ONCE(mask), cpu);
}

export function* cpumask_set_cpu(cpu: number, mask: Cell<bigint>): Kernel<void> {
  yield* locked(mask, 'or', cpumask_of(cpu));
}

export function* cpumask_clear_cpu(cpu: number, mask: Cell<bigint>): Kernel<void> {
  yield* locked(mask, 'and', BigInt.asUintN(64, ~cpumask_of(cpu)));
}
