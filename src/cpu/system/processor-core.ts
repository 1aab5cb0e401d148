/**
 * A logical processor that runs code of all privilege levels: an engine, and what happens between its instructions (SDM 3A 6.9, table
 * 6-2): interrupts, exceptions, single steps, system calls.
 */
import { unreachable } from '../../base/assert.ts';
import type { Engine, Stop } from '../engine.ts';
import { debugTrap, Vector } from '../exception.ts';
import { enterSystemCall } from './fast-call.ts';
import { deliverException, deliverInterrupt } from './interrupt-delivery.ts';
import type { SystemState } from './system-state.ts';

/** Where interrupts come from: the local APIC. */
export interface InterruptSource {
  nmiPending(): boolean;
  takeNmi(): void;
  /** An interrupt of sufficient priority waits. */
  interruptPending(): boolean;
  /** Its vector, which is then in service. */
  takeInterrupt(): number;
}

export type CoreStop =
  | 'budget'
  /** HLT, and no interrupt that would end it. */
  | 'halt'
  /** A triple fault (SDM 3A 6.15, interrupt 8). */
  | 'shutdown';

const TF = 1 << 8;
const IF = 1 << 9;
const RF = 1 << 16;
/** DR6.BS: a single step. */
const singleStep = 0x4000n;

export class ProcessorCore {
  readonly engine: Engine;
  readonly state: SystemState;
  readonly #interrupts: InterruptSource;
  #halted = false;

  constructor(engine: Engine, state: SystemState, interrupts: InterruptSource) {
    this.engine = engine;
    this.state = state;
    this.#interrupts = interrupts;
    state.attention = () => engine.interrupt();
  }

  /** Executes so many instructions, if nothing ends it before. */
  run(budget: number): CoreStop {
    const end = this.engine.executed + budget;
    // An instruction that faults does not count. A handler whose first instruction faults would go on for ever.
    for (let rounds = 2 * budget + 1; rounds > 0; rounds--) {
      if (this.#takeInterrupts() === 'shutdown') return 'shutdown';
      if (this.#halted) return 'halt';
      const left = end - this.engine.executed;
      if (left <= 0) return 'budget';
      if (this.#step(left) === 'shutdown') return 'shutdown';
    }
    return 'budget';
  }

  #takeInterrupts(): 'shutdown' | undefined {
    const { state } = this;
    if (state.shadow !== 'none') return undefined;
    if (this.#interrupts.nmiPending() && !state.nmiBlocked) {
      this.#interrupts.takeNmi();
      this.#halted = false;
      return this.#settle(deliverInterrupt(state, Vector.NMI));
    }
    if ((state.registers.rflags & IF) === 0 || !this.#interrupts.interruptPending()) return undefined;
    this.#halted = false;
    return this.#settle(deliverInterrupt(state, this.#interrupts.takeInterrupt()));
  }

  /** One instruction where something may happen after it, else as many as there are left. */
  #step(left: number): 'shutdown' | undefined {
    const { state, engine } = this;
    const { rflags } = state.registers;
    const shadowed = state.shadow !== 'none';
    const alone = shadowed || (rflags & (TF | RF)) !== 0;
    state.stepPending = (rflags & TF) !== 0;
    state.shadow = 'none';
    engine.codeSize = state.codeSize;
    const stop = engine.run(alone ? 1 : left);
    const faulted = stop.kind === 'exception' && stop.exception.trap !== true;
    // RF lasts for one instruction (SDM 3B 18.3.1.1).
    if ((rflags & RF) !== 0 && !faulted) state.registers.rflags &= ~RF;
    if (this.#handle(stop) === 'shutdown') return 'shutdown';
    return this.#trapStep();
  }

  /** After a load of SS a single step waits for the next instruction (SDM 3A 6.8.3). */
  #trapStep(): 'shutdown' | undefined {
    const { state } = this;
    if (!state.stepPending || state.shadow === 'stack') return undefined;
    state.stepPending = false;
    state.debug[6] = (state.debug[6] ?? 0n) | singleStep;
    this.#halted = false;
    return this.#settle(deliverException(state, debugTrap));
  }

  #handle(stop: Stop): 'shutdown' | undefined {
    switch (stop.kind) {
      case 'budget':
        return undefined;
      case 'exception':
        return this.#settle(deliverException(this.state, stop.exception));
      case 'system-call':
        enterSystemCall(this.state);
        return undefined;
      case 'halt':
        this.#halted = true;
        return undefined;
      default:
        return unreachable(stop);
    }
  }

  #settle(delivered: 'handler' | 'shutdown'): 'shutdown' | undefined {
    return delivered === 'shutdown' ? delivered : undefined;
  }
}
