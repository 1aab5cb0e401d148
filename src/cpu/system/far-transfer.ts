/**
 * Far jumps, calls and returns (SDM 3A 5.8; 2A CALL, JMP; 2B RET). Call gates are those of IA-32e mode; in protected mode without it
 * code segments are reached directly, which is how long mode is entered. There are no task switches.
 */
import { UnsupportedError } from '../../base/errors.ts';
import { type Exception, generalProtection, Vector } from '../exception.ts';
import { Segment } from '../instruction.ts';
import { Register } from '../registers.ts';
import {
  type Descriptor,
  isCode,
  isConforming,
  isNull,
  notPresent,
  parseGate,
  protection,
  realModeSegment,
  rplOf,
  SystemType,
} from './descriptor.ts';
import { isFault, peekFrame, pushFrame } from './frame.ts';
import { checkReturnSegment, targetAllowed } from './interrupt-return.ts';
import {
  checkStackSegment,
  dropPrivilegedSegments,
  markAccessed,
  type Outcome,
  readDescriptor,
  readWideDescriptor,
} from './segment-load.ts';
import type { SystemState } from './system-state.ts';
import { stackOfLevel } from './task-state.ts';

export interface FarPointer {
  readonly selector: number;
  readonly offset: bigint;
}

/** Present for calls: what comes back. */
export interface FarCall {
  readonly next: bigint;
  /** Of what is pushed. */
  readonly bytes: number;
}

function directFault(state: SystemState, selector: number, code: Descriptor): Exception | undefined {
  const { cpl } = state;
  const allowed = isConforming(code) ? code.dpl <= cpl : rplOf(selector) <= cpl && code.dpl === cpl;
  if (!allowed || (state.longMode && code.long && code.big)) return protection(selector);
  return code.present ? undefined : notPresent(selector);
}

/** Into a code segment at the same level. */
function direct(state: SystemState, { selector, offset }: FarPointer, code: Descriptor, call?: FarCall) {
  const fault = directFault(state, selector, code);
  if (fault !== undefined) return fault;
  if (!targetAllowed(state, code, offset)) return generalProtection;
  const { registers } = state;
  const second = markAccessed(state, selector, code);
  if (second !== undefined) return second;
  if (call !== undefined) {
    const frame = [BigInt(registers.selector[Segment.CS] ?? 0), call.next];
    const top = registers.general[Register.RSP] ?? 0n;
    const pointer = pushFrame(state, top, frame, { level: state.cpl, bytes: call.bytes });
    if (typeof pointer !== 'bigint') return pointer;
    registers.general[Register.RSP] = pointer;
  }
  state.setCode(selector, state.cpl, code);
  return offset;
}

/** The code segment behind a call gate, which a jump may enter at the same level only. */
function behindGate(state: SystemState, selector: number, jumps: boolean): Outcome<Descriptor> {
  if (isNull(selector)) return { fault: generalProtection };
  const found = readDescriptor(state, selector);
  if ('fault' in found) return found;
  const code = found.ok;
  const tooPrivileged = jumps && !isConforming(code) && code.dpl !== state.cpl;
  if (!isCode(code) || code.dpl > state.cpl || tooPrivileged || !code.long || code.big) {
    return { fault: protection(selector) };
  }
  return code.present ? found : { fault: notPresent(selector) };
}

function throughGate(state: SystemState, selector: number, call?: FarCall): bigint | Exception {
  const halves = readWideDescriptor(state, selector);
  if ('fault' in halves) return halves.fault;
  const gate = parseGate(...halves.ok);
  if (gate.type !== SystemType.callGate || !gate.upperTypeZero) return protection(selector);
  if (gate.dpl < state.cpl || gate.dpl < rplOf(selector)) return protection(selector);
  if (!gate.present) return notPresent(selector);
  const code = behindGate(state, gate.selector, call === undefined);
  if ('fault' in code) return code.fault;
  if (!state.isCanonical(gate.offset)) return generalProtection;
  const level = isConforming(code.ok) ? state.cpl : code.ok.dpl;
  const fault = markAccessed(state, gate.selector, code.ok);
  if (fault !== undefined) return fault;
  if (call !== undefined) {
    const second = pushThroughGate(state, level, call.next);
    if (second !== undefined) return second;
  }
  state.setCode(gate.selector, level, code.ok);
  return gate.offset;
}

/** Through a 64-bit gate all is pushed with eight bytes; at an inner level the outer stack goes first (SDM 3A 5.8.5.1). */
function pushThroughGate(state: SystemState, level: number, next: bigint): Exception | undefined {
  const { registers } = state;
  const selector = (segment: number): bigint => BigInt(registers.selector[segment] ?? 0);
  const old = registers.general[Register.RSP] ?? 0n;
  const inner = level < state.cpl;
  const top = inner ? stackOfLevel(state, level, false) : old;
  if (typeof top !== 'bigint') return top;
  if (!state.isCanonical(top)) return { vector: Vector.SS, errorCode: 0 };
  const outerStack = inner ? [selector(Segment.SS), old] : [];
  const pointer = pushFrame(state, top, [...outerStack, selector(Segment.CS), next], { level, bytes: 8 });
  if (typeof pointer !== 'bigint') return pointer;
  registers.general[Register.RSP] = pointer;
  if (inner) state.setSegment(Segment.SS, level, undefined);
  return undefined;
}

function inRealMode(state: SystemState, { selector, offset }: FarPointer, call?: FarCall): bigint | Exception {
  if (call !== undefined) throw new UnsupportedError('far calls in real mode are not modelled');
  state.setCode(selector, 0, realModeSegment(selector));
  return offset;
}

/** JMP, or CALL when `call` is given. Where execution goes on. */
export function farTransfer(state: SystemState, to: FarPointer, call?: FarCall): bigint | Exception {
  if (state.realMode) return inRealMode(state, to, call);
  if (isNull(to.selector)) return generalProtection;
  const found = readDescriptor(state, to.selector);
  if ('fault' in found) return found.fault;
  if (isCode(found.ok)) return direct(state, to, found.ok, call);
  if (!state.longMode) throw new UnsupportedError('gates and task switches outside IA-32e mode are not modelled');
  return found.ok.system ? throughGate(state, to.selector, call) : protection(to.selector);
}

/** RET; `released` bytes of parameters go too. */
export function farReturn(state: SystemState, bytes: number, released: bigint): bigint | Exception {
  if (state.realMode) throw new UnsupportedError('far returns in real mode are not modelled');
  const { registers } = state;
  const frame = peekFrame(state, 2, bytes);
  if (isFault(frame)) return frame;
  const [rip = 0n, cs = 0n] = frame;
  const selector = Number(cs & 0xffffn);
  const code = checkReturnSegment(state, selector);
  if ('fault' in code) return code.fault;
  if (!targetAllowed(state, code.ok, rip)) return generalProtection;
  const level = rplOf(selector);
  const top = (registers.general[Register.RSP] ?? 0n) + BigInt(2 * bytes) + released;
  if (level === state.cpl) {
    const fault = markAccessed(state, selector, code.ok);
    if (fault !== undefined) return fault;
    registers.general[Register.RSP] = BigInt.asUintN(64, top);
    state.setCode(selector, level, code.ok);
    return rip;
  }
  return returnOutward(state, { selector, code: code.ok, rip, bytes, top: BigInt.asUintN(64, top), released });
}

interface Outward {
  readonly selector: number;
  readonly code: Descriptor;
  readonly rip: bigint;
  readonly bytes: number;
  /** Where the outer stack is saved. */
  readonly top: bigint;
  readonly released: bigint;
}

function returnOutward(state: SystemState, { selector, code, rip, bytes, top, released }: Outward): bigint | Exception {
  const rsp = state.memory.read(top, bytes, 'supervisor');
  if (typeof rsp !== 'bigint') return rsp;
  const ss = state.memory.read(BigInt.asUintN(64, top + BigInt(bytes)), bytes, 'supervisor');
  if (typeof ss !== 'bigint') return ss;
  const level = rplOf(selector);
  const stackSelector = Number(ss & 0xffffn);
  const stack = checkStackSegment(state, stackSelector, { cpl: level, long: code.long });
  if ('fault' in stack) return stack.fault;
  const fault = markAccessed(state, selector, code);
  if (fault !== undefined) return fault;
  state.setCode(selector, level, code);
  state.setSegment(Segment.SS, stackSelector, stack.ok);
  state.registers.general[Register.RSP] = BigInt.asUintN(64, rsp + released);
  dropPrivilegedSegments(state);
  return rip;
}
