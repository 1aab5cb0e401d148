/** IRET from 64-bit code, where SS and RSP are always popped (SDM 2A IRET; 3A 6.14.3). */
import { UnsupportedError } from '../../base/errors.ts';
import { type Exception, generalProtection } from '../exception.ts';
import { reservedOne } from '../flags.ts';
import { Segment } from '../instruction.ts';
import { Register } from '../registers.ts';
import { type Descriptor, isCode, isConforming, isNull, notPresent, protection, rplOf } from './descriptor.ts';
import { isFault, peekFrame } from './frame.ts';
import {
  checkStackSegment,
  dropPrivilegedSegments,
  markAccessed,
  type Outcome,
  readDescriptor,
} from './segment-load.ts';
import type { SystemState } from './system-state.ts';

const NT = 1 << 14;
/** CF, PF, AF, ZF, SF, TF, DF, OF, NT. */
const alwaysLoaded = 0x4dd5;
/** RF, AC, ID: not from 16 bits. */
const loadedWide = 0x25_0000;
const IF = 1 << 9;
const IOPL = 3 << 12;
/** VIF, VIP. */
const virtualInterrupts = 0x18_0000;

/** The code segment that a far return goes to, and at which level. */
export function checkReturnSegment(state: SystemState, selector: number): Outcome<Descriptor> {
  if (isNull(selector)) return { fault: generalProtection };
  const found = readDescriptor(state, selector);
  if ('fault' in found) return found;
  const code = found.ok;
  const level = rplOf(selector);
  const rightLevel = isConforming(code) ? code.dpl <= level : code.dpl === level;
  if (!isCode(code) || level < state.cpl || !rightLevel || (state.longMode && code.long && code.big))
    return { fault: protection(selector) };
  return code.present ? found : { fault: notPresent(selector) };
}

/** Whether a target is canonical, or within the limit of the segment of 32 or 16 bits. */
export function targetAllowed(state: SystemState, code: Descriptor, target: bigint): boolean {
  return state.longMode && code.long ? state.isCanonical(target) : target <= BigInt(code.limit);
}

function flagsLoaded(state: SystemState, bytes: number): number {
  let mask = alwaysLoaded | (bytes > 2 ? loadedWide : 0);
  if (state.cpl <= state.iopl) mask |= IF;
  if (state.cpl === 0) mask |= IOPL | (bytes > 2 ? virtualInterrupts : 0);
  return mask;
}

/** To where execution goes on. */
export function interruptReturn(state: SystemState, bytes: number): bigint | Exception {
  if (state.codeSize !== 64) throw new UnsupportedError('IRET outside 64-bit mode is not modelled');
  const { registers } = state;
  if ((registers.rflags & NT) !== 0) return generalProtection;
  const frame = peekFrame(state, 5, bytes);
  if (isFault(frame)) return frame;
  const [rip = 0n, cs = 0n, flags = 0n, rsp = 0n, ss = 0n] = frame;
  const selector = Number(cs & 0xffffn);
  const code = checkReturnSegment(state, selector);
  if ('fault' in code) return code.fault;
  const level = rplOf(selector);
  const stackSelector = Number(ss & 0xffffn);
  const stack = checkStackSegment(state, stackSelector, { cpl: level, long: code.ok.long });
  if ('fault' in stack) return stack.fault;
  if (!targetAllowed(state, code.ok, rip)) return generalProtection;
  const fault = markAccessed(state, selector, code.ok);
  if (fault !== undefined) return fault;
  const mask = flagsLoaded(state, bytes);
  const outer = level > state.cpl;
  registers.rflags = (registers.rflags & ~mask) | (Number(flags & 0xffff_ffffn) & mask) | reservedOne;
  state.setCode(selector, level, code.ok);
  state.setSegment(Segment.SS, stackSelector, stack.ok);
  registers.general[Register.RSP] = rsp;
  if (outer) dropPrivilegedSegments(state);
  state.nmiBlocked = false;
  return rip;
}
