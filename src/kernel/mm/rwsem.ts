/** Reader-writer locks in one cell: bit 0 is the writer, readers are counted above it. Readers may starve a writer. */
import type { Cell } from '../cell.ts';
import type { Kernel } from '../hardware.ts';

const WRITER = 1n;
const READER = 2n;

export function down_read(lock: Cell<number>): Kernel<void> {
  return enter(lock, (value) => (value & WRITER) === 0n, READER);
}

export function up_read(lock: Cell<number>): Kernel<void> {
  return leave(lock, READER);
}

export function down_write(lock: Cell<number>): Kernel<void> {
  return enter(lock, (value) => value === 0n, WRITER);
}

export function up_write(lock: Cell<number>): Kernel<void> {
  return leave(lock, WRITER);
}

function* enter({ address }: Cell<number>, free: (value: bigint) => boolean, share: bigint): Kernel<void> {
  for (;;) {
    const expected = yield { kind: 'wait', address, until: free };
    const operand = expected + share;
    const before = yield { kind: 'locked', address, operation: 'compare-exchange', operand, expected };
    if (before === expected) return;
  }
}

function* leave({ address }: Cell<number>, share: bigint): Kernel<void> {
  yield { kind: 'locked', address, operation: 'add', operand: BigInt.asUintN(64, -share) };
}
