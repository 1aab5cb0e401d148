/** LAR, LSL, VERR and VERW: what a program may learn of a descriptor (SDM 3A 5.10; 2A LAR, LSL; 2B VERR). A page fault remains one. */
import { type Exception, Vector } from '../exception.ts';
import {
  type Descriptor,
  isCode,
  isConforming,
  isNull,
  isReadable,
  isWritableData,
  parseDescriptor,
  rplOf,
} from './descriptor.ts';
import { readDescriptor, readWideDescriptor } from './segment-load.ts';
import type { SystemState } from './system-state.ts';

/** Helpers take an index into this. */
export const examinations = ['rights', 'limit', 'readable', 'writable'] as const;
export type Examination = (typeof examinations)[number];

/** System types with access rights, and with a limit, in IA-32e mode (SDM 2A tables of LAR and LSL). */
const withRights: ReadonlySet<number> = new Set([2, 9, 11, 12]);
const withLimit: ReadonlySet<number> = new Set([2, 9, 11]);
/** Bytes 4 to 7 without base and limit parts that LAR hides. */
const rightsMask = 0x00ff_ff00n;

function visible(state: SystemState, selector: number, descriptor: Descriptor): boolean {
  if (isCode(descriptor) && isConforming(descriptor)) return true;
  return descriptor.dpl >= state.cpl && descriptor.dpl >= rplOf(selector);
}

function holds(examination: Examination, descriptor: Descriptor): boolean {
  const { system, type } = descriptor;
  switch (examination) {
    case 'rights':
      return !system || withRights.has(type);
    case 'limit':
      return !system || withLimit.has(type);
    case 'readable':
      return isReadable(descriptor);
    case 'writable':
      return isWritableData(descriptor);
  }
}

/** 1 and what was asked for, or 0 and 0. */
export function examineSegment(
  state: SystemState,
  examination: Examination,
  selector: number,
): readonly [bigint, bigint] | Exception {
  const nothing = [0n, 0n] as const;
  if (isNull(selector)) return nothing;
  const found = readDescriptor(state, selector);
  if ('fault' in found) return found.fault.vector === Vector.GP ? nothing : found.fault;
  let descriptor = found.ok;
  if (!holds(examination, descriptor) || !visible(state, selector, descriptor)) return nothing;
  if (descriptor.system) {
    const halves = readWideDescriptor(state, selector);
    if ('fault' in halves) return halves.fault.vector === Vector.GP ? nothing : halves.fault;
    descriptor = parseDescriptor(...halves.ok);
  }
  const value = examination === 'limit' ? BigInt(descriptor.limit) : (descriptor.bits >> 32n) & rightsMask;
  return [1n, value];
}
