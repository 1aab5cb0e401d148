/** What of the 64-bit task-state segment the processor reads (SDM 3A 8.7): stack pointers, and the I/O permission bitmap (SDM 1 19.5.2). */
import { type Exception, Vector } from '../exception.ts';
import { selectorFault } from './descriptor.ts';
import type { SystemState } from './system-state.ts';

const firstStack = 4;
const firstInterruptStack = 0x24;
const bitmapBase = 0x66;

function readStack(state: SystemState, offset: number, external: boolean): bigint | Exception {
  const { tr } = state;
  if (offset + 7 > tr.limit) return selectorFault(Vector.TS, tr.selector, external);
  return state.memory.read(BigInt.asUintN(64, tr.base + BigInt(offset)), 8, 'implicit');
}

/** RSP0 to RSP2. */
export function stackOfLevel(state: SystemState, level: number, external: boolean): bigint | Exception {
  return readStack(state, firstStack + level * 8, external);
}

/** IST1 to IST7. */
export function interruptStack(state: SystemState, index: number, external: boolean): bigint | Exception {
  return readStack(state, firstInterruptStack + (index - 1) * 8, external);
}

/** Whether the bitmap allows an access to ports: all of its bits are 0. A bit beyond the limit counts as 1. */
export function bitmapAllows(state: SystemState, port: number, bytes: number): boolean | Exception {
  const { tr, memory } = state;
  const linear = (offset: number): bigint => BigInt.asUintN(64, tr.base + BigInt(offset));
  if (bitmapBase + 1 > tr.limit) return false;
  const base = memory.read(linear(bitmapBase), 2, 'implicit');
  if (typeof base !== 'bigint') return base;
  const at = Number(base) + (port >> 3);
  if (at + 1 > tr.limit) return false;
  const bits = memory.read(linear(at), 2, 'implicit');
  if (typeof bits !== 'bigint') return bits;
  return ((Number(bits) >> (port & 7)) & ((1 << bytes) - 1)) === 0;
}
