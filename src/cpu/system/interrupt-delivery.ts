/**
 * Delivery of interrupts and exceptions through the IDT in IA-32e mode (SDM 3A 6.10 to 6.15): gate, code segment, stack, frame.
 * Nothing changes when delivery itself raises an exception. Outside IA-32e mode delivery is not modelled.
 */
import { Vector as PagingVector } from '../../arch/page-fault.ts';
import { UnsupportedError } from '../../base/errors.ts';
import { type Exception, Vector } from '../exception.ts';
import { Segment } from '../instruction.ts';
import { Register } from '../registers.ts';
import {
  type Descriptor,
  type Gate,
  isCode,
  isConforming,
  isNull,
  parseGate,
  selectorFault,
  SystemType,
} from './descriptor.ts';
import { pushFrame } from './frame.ts';
import { markAccessed, type Outcome, readDescriptor } from './segment-load.ts';
import type { SystemState } from './system-state.ts';
import { interruptStack, stackOfLevel } from './task-state.ts';

/** What is delivered. */
export interface Delivery {
  readonly vector: number;
  readonly errorCode?: number;
  /** INT n, INT3 and INTO, which need the gate's privilege; else the event is EXT, from outside the program. */
  readonly software: boolean;
  /** A fault: RF is set in the RFLAGS that are saved, so that a restart meets no instruction breakpoint (SDM 3B 18.3.1.1). */
  readonly fault: boolean;
  /** The RIP that is saved. */
  readonly rip: bigint;
}

const TF = 1 << 8;
const IF = 1 << 9;
const NT = 1 << 14;
const RF = 1 << 16;
const VM = 1 << 17;

/** An error code that names the IDT (SDM 3A 6.13). */
function gateFault(vector: Vector, { vector: number, software }: Delivery): Exception {
  return { vector, errorCode: number * 8 + 2 + (software ? 0 : 1) };
}

function readGate(state: SystemState, event: Delivery): Outcome<Gate> {
  const { idtr, memory } = state;
  const at = event.vector * 16;
  if (at + 15 > idtr.limit) return { fault: gateFault(Vector.GP, event) };
  const low = memory.read(BigInt.asUintN(64, idtr.base + BigInt(at)), 8, 'implicit');
  if (typeof low !== 'bigint') return { fault: low };
  const high = memory.read(BigInt.asUintN(64, idtr.base + BigInt(at + 8)), 8, 'implicit');
  if (typeof high !== 'bigint') return { fault: high };
  const gate = parseGate(low, high);
  const fits = gate.system && (gate.type === SystemType.interruptGate || gate.type === SystemType.trapGate);
  if (!fits || (event.software && gate.dpl < state.cpl)) return { fault: gateFault(Vector.GP, event) };
  return gate.present ? { ok: gate } : { fault: gateFault(Vector.NP, event) };
}

function readHandler(state: SystemState, { selector }: Gate, external: boolean): Outcome<Descriptor> {
  if (isNull(selector)) return { fault: { vector: Vector.GP, errorCode: external ? 1 : 0 } };
  const found = readDescriptor(state, selector, external);
  if ('fault' in found) return found;
  const code = found.ok;
  const bad = !isCode(code) || code.dpl > state.cpl || !code.long || code.big;
  if (bad) return { fault: selectorFault(Vector.GP, selector, external) };
  return code.present ? found : { fault: selectorFault(Vector.NP, selector, external) };
}

/** Where the frame goes: the stack that the gate names, that of the new level, or the present one; aligned (SDM 3A 6.14.2). */
function chooseStack(state: SystemState, ist: number, level: number, external: boolean): bigint | Exception {
  let top: bigint | Exception = state.registers.general[Register.RSP] ?? 0n;
  if (ist !== 0) top = interruptStack(state, ist, external);
  else if (level < state.cpl) top = stackOfLevel(state, level, external);
  if (typeof top !== 'bigint') return top;
  return state.isCanonical(top) ? top & ~15n : { vector: Vector.SS, errorCode: external ? 1 : 0 };
}

/** Enters the handler. The exception, if delivery raises one. */
export function deliver(state: SystemState, event: Delivery): Exception | undefined {
  if (!state.longMode) throw new UnsupportedError(`interrupt ${event.vector} outside IA-32e mode is not modelled`);
  const external = !event.software;
  const gate = readGate(state, event);
  if ('fault' in gate) return gate.fault;
  const code = readHandler(state, gate.ok, external);
  if ('fault' in code) return code.fault;
  const { registers } = state;
  const level = isConforming(code.ok) ? state.cpl : code.ok.dpl;
  const top = chooseStack(state, gate.ok.ist, level, external);
  if (typeof top !== 'bigint') return top;
  if (!state.isCanonical(gate.ok.offset)) return { vector: Vector.GP, errorCode: external ? 1 : 0 };
  const selector = (segment: number): bigint => BigInt(registers.selector[segment] ?? 0);
  const saved = event.fault ? registers.rflags | RF : registers.rflags;
  const frame = [
    selector(Segment.SS),
    registers.general[Register.RSP] ?? 0n,
    BigInt(saved),
    selector(Segment.CS),
    event.rip,
  ];
  if (event.errorCode !== undefined) frame.push(BigInt(event.errorCode));
  const fault = markAccessed(state, gate.ok.selector, code.ok);
  if (fault !== undefined) return fault;
  const pointer = pushFrame(state, top, frame, { level, bytes: 8 });
  if (typeof pointer !== 'bigint') return pointer;
  if (level < state.cpl) state.setSegment(Segment.SS, level, undefined);
  registers.general[Register.RSP] = pointer;
  registers.rip = gate.ok.offset;
  registers.rflags &= ~(TF | NT | RF | VM | (gate.ok.type === SystemType.interruptGate ? IF : 0));
  state.setCode(gate.ok.selector, level, code.ok);
  state.stepPending = false;
  return undefined;
}

/** SDM 3A table 6-4. */
function classOf(vector: Vector): 'benign' | 'contributory' | 'page-fault' {
  switch (vector) {
    case Vector.DE:
    case Vector.TS:
    case Vector.NP:
    case Vector.SS:
    case Vector.GP:
      return 'contributory';
    case Vector.PF:
      return 'page-fault';
    default:
      return 'benign';
  }
}

/** Whether an exception in the delivery of another makes a double fault (SDM 3A table 6-5). */
function doubles(first: Vector, second: Vector): boolean {
  const secondClass = classOf(second);
  if (classOf(first) === 'page-fault') return secondClass !== 'benign';
  return classOf(first) === 'contributory' && secondClass === 'contributory';
}

const doubleFault: Exception = { vector: Vector.DF, errorCode: 0 };

/** Of an exception that no handler takes: 'shutdown', after a triple fault. */
export type Delivered = 'handler' | 'shutdown';

function deliverOnce(state: SystemState, exception: Exception): Exception | undefined {
  const { vector, errorCode, linear, trap = false } = exception;
  if (vector === Vector.PF) state.cr2 = linear ?? 0n;
  const software = trap && (vector === Vector.BP || vector === Vector.OF);
  const event = { vector, software, fault: !trap && vector !== Vector.DF, rip: state.registers.rip };
  const fault = deliver(state, errorCode === undefined ? event : { ...event, errorCode });
  if (fault === undefined) announce(state, exception);
  return fault;
}

/** The exceptions that observers of paging want to know of. */
function announce(
  { stream, mmu: { processor } }: SystemState,
  { vector, errorCode = 0, linear = 0n }: Exception,
): void {
  if (vector === PagingVector.PF) {
    stream.emit({ kind: 'exception', processor, exception: { vector, errorCode, address: linear } });
  } else if (vector === PagingVector.GP)
    stream.emit({ kind: 'exception', processor, exception: { vector, errorCode } });
  else if (vector === PagingVector.UD) stream.emit({ kind: 'exception', processor, exception: { vector } });
}

/** What follows from exceptions in the delivery of exceptions (SDM 3A 6.15, interrupt 8). */
function settle(state: SystemState, first: Vector | undefined, raised: Exception | undefined): Delivered {
  let before = first;
  let next = raised;
  while (next !== undefined) {
    if (before === Vector.DF) {
      if (classOf(next.vector) !== 'benign') return 'shutdown';
    } else if (before !== undefined && doubles(before, next.vector)) next = doubleFault;
    before = next.vector;
    next = deliverOnce(state, next);
  }
  return 'handler';
}

/** An exception at the instruction where RIP is, or a trap after it. */
export function deliverException(state: SystemState, exception: Exception): Delivered {
  return settle(state, exception.vector, deliverOnce(state, exception));
}

/** An interrupt from outside; its own vector is benign. NMI is vector 2. */
export function deliverInterrupt(state: SystemState, vector: number): Delivered {
  if (vector === Vector.NMI) state.nmiBlocked = true;
  const event = { vector, software: false, fault: false, rip: state.registers.rip };
  return settle(state, undefined, deliver(state, event));
}
