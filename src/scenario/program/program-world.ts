/**
 * Runs hosted programs: their threads on the machine's processors, user code in slices of seeded length, kernel code one
 * action a step, and between any two steps whatever another processor or the hardware does.
 *
 * The scheduler is simple: each processor takes the first thread in line that is ready and may run there, its own before
 * others'; after its turn a thread goes to the end of the line, and now and then to another processor.
 */
import type { Action } from '../../kernel/hardware.ts';
import type { task_struct } from '../../kernel/sched.ts';
import { ringAlarms } from '../../process/calls/system.ts';
import type { ThreadAction, ThreadCode } from '../../process/program-code.ts';
import { Thread } from '../../process/thread.ts';
import type { Userland } from '../../process/userland.ts';
import type { ProcessorCode } from '../execution.ts';
import { Deadlock } from '../scheduler.ts';
import type { System } from '../system.ts';
import type { UserProcessor } from './user-processor.ts';

/** Something that a processor can run: a program's thread, or a kernel thread. */
export interface Runner {
  readonly task: task_struct;
  readonly code: ThreadCode<void> | null;
  pending: ThreadAction | null;
  readonly ready: boolean;
  finished: boolean;
  readonly affinity: bigint;
  processor: number;
}

/** Instructions of a turn, as long as nobody else waits for the processor. */
const QUANTUM = 30_000;
/** Slices while other processors work are up to this, those of a processor that works alone up to the other. */
const SLICE_BITS = 13;
const LONE_SLICE = 20_000;
/** One turn in so many ends on another processor. */
const MIGRATION_PERIOD = 8;
/** What a step of kernel code takes, in nanoseconds of virtual time. */
const KERNEL_STEP = 5;

export class ProgramWorld {
  readonly system: System;
  readonly userland: Userland;
  migrations = 0;
  /** Kernel threads: they do not keep the run alive. */
  readonly kernelThreads: Runner[] = [];
  readonly #user: readonly UserProcessor[];
  readonly #line: Runner[] = [];
  readonly #running: (Runner | null)[];
  #steps = 0;
  #migrationPeriod = MIGRATION_PERIOD;
  /** Threads that have been put in line. */
  #known = 0;

  constructor(system: System, userland: Userland, user: readonly UserProcessor[]) {
    this.system = system;
    this.userland = userland;
    this.#user = user;
    this.#running = user.map(() => null);
  }

  /** From now on every turn ends on a processor chosen anew. */
  moveOften(): void {
    this.#migrationPeriod = 1;
  }

  /** Begins to run what there is. */
  start(): void {
    for (const { index } of this.system.machine.processors) this.system.execution.start(index, this.#processor(index));
  }

  /** Instructions that programs have executed. */
  get instructions(): number {
    return this.#user.reduce((sum, { executed }) => sum + executed, 0);
  }

  /** Instructions and steps of kernel code: grows whatever a guest does, faulting for ever included. */
  get work(): number {
    return this.instructions + this.#steps;
  }

  /** The program's thread that a processor runs, if it does. */
  threadOn(processor: number): Thread | null {
    const runner = this.#running[processor];
    return runner instanceof Thread ? runner : null;
  }

  /** The kernel thread that a processor runs, by name. */
  kernelThreadOn(processor: number): string | null {
    return this.#running[processor]?.task.comm ?? null;
  }

  /** Whether every program has ended. */
  get over(): boolean {
    return this.userland.threads.length === 0;
  }

  /** Takes up to `steps` steps. False once every program has ended and nothing is under way. */
  advance(steps: number): boolean {
    const { clock } = this.userland;
    for (let step = 0; step < steps; step++) {
      if (this.#step()) {
        this.#steps++;
        clock.spend(KERNEL_STEP);
        continue;
      }
      if (this.over) return false;
      const next = this.#nextDeadline();
      if (next === null) throw new Deadlock(this.#whoWaits());
      clock.skipTo(next);
      ringAlarms(this);
    }
    return true;
  }

  /** One step of a processor or of the hardware, chosen at random among those that are possible. False: there is none. */
  #step(): boolean {
    const { machine, execution, random } = this.system;
    const { processors, bus, broadcasts } = machine;
    const choices = processors.length + bus.inFlight.length + broadcasts.inFlight.length;
    const first = random.below(choices);
    for (let offset = 0; offset < choices; offset++) {
      const choice = (first + offset) % choices;
      if (choice < processors.length) {
        if (!execution.runnable(choice)) continue;
        execution.step(choice);
        return true;
      }
      const broadcast = broadcasts.inFlight[choice - processors.length - bus.inFlight.length];
      if (broadcast !== undefined) {
        machine.takeHardwareStep({ kind: 'invalidate', broadcast });
        return true;
      }
      const ipi = bus.inFlight[choice - processors.length];
      if (ipi === undefined) continue;
      machine.takeHardwareStep({ kind: 'deliver', ipi });
      return true;
    }
    return false;
  }

  /** What a processor does for ever: a turn of whoever is next, or nothing. */
  *#processor(cpu: number): ProcessorCode {
    const { kernel } = this.system;
    for (;;) {
      const runner = this.#next(cpu);
      if (runner === null) {
        if (kernel.current(cpu) !== kernel.idle(cpu)) yield* kernel.context_switch(cpu, kernel.idle(cpu));
        yield { kind: 'idle', ready: () => this.#next(cpu) !== null };
        continue;
      }
      this.#line.splice(this.#line.indexOf(runner), 1);
      this.#running[cpu] = runner;
      runner.processor = cpu;
      yield* kernel.context_switch(cpu, runner.task);
      yield* this.#turn(cpu, runner);
      this.#running[cpu] = null;
      this.#putBack(runner);
    }
  }

  *#turn(cpu: number, runner: Runner): ProcessorCode {
    const { code } = runner;
    if (code === null) return;
    let left = QUANTUM;
    let next: IteratorResult<ThreadAction, void> =
      runner.pending?.kind === 'user-code'
        ? { done: false, value: runner.pending }
        : runner.pending === null
          ? code.next()
          : code.next(0n);
    runner.pending = null;
    while (!next.done) {
      const action: ThreadAction = next.value;
      if (action.kind === 'block' || action.kind === 'give-way') {
        if (action.kind === 'block' ? !action.ready() : this.#next(cpu) !== null) {
          runner.pending = action;
          return;
        }
        next = code.next(0n);
      } else if (action.kind === 'user-code' && runner instanceof Thread) {
        if (left <= 0 && this.#next(cpu) !== null) {
          runner.pending = action;
          return;
        }
        let stopped = false;
        yield* this.system.kernel.user_mode(cpu);
        yield {
          kind: 'instructions',
          execute: () => {
            const executed = this.#slice(cpu, runner);
            left -= executed;
            stopped = this.#stopped;
          },
        };
        if (stopped) next = code.next(0n);
      } else {
        next = yield* this.#perform(code, action as Action);
      }
    }
    runner.finished = true;
  }

  /** Has the kernel's action executed, and goes on with what comes of it. */
  *#perform(code: ThreadCode<void>, action: Action): Generator<Action, IteratorResult<ThreadAction, void>, bigint> {
    let result: bigint;
    try {
      result = yield action;
    } catch (error) {
      return code.throw(error);
    }
    return code.next(result);
  }

  /** Whether the last slice ended before its budget. */
  #stopped = false;

  /** Result: instructions executed. */
  #slice(cpu: number, thread: Thread): number {
    const { clock } = this.userland;
    ringAlarms(this);
    if (thread.interrupted) {
      thread.stop = { kind: 'interrupted' };
      this.#stopped = true;
      return 0;
    }
    const user = this.#user[cpu] as UserProcessor;
    const before = user.executed;
    const stop = user.run(thread, this.#budget(cpu));
    const executed = user.executed - before;
    clock.spend(executed);
    thread.process.userTime += executed;
    if (stop !== null) thread.stop = stop;
    this.#stopped = stop !== null;
    return executed;
  }

  /** Short slices are as likely as long ones while somebody else works. */
  #budget(cpu: number): number {
    const { random } = this.system;
    const alone = this.#running.every((runner, other) => other === cpu || runner === null);
    return alone ? 1 + random.below(LONE_SLICE) : 1 + random.below(2 ** (1 + random.below(SLICE_BITS)));
  }

  /** Who a processor would run now: in line, ready, and allowed there. */
  #next(cpu: number): Runner | null {
    this.#welcome();
    let other: Runner | null = null;
    for (const runner of this.#line) {
      const at = runner.task.cpu;
      if (!runner.ready || (at !== null && at !== cpu) || !mayRunOn(runner, cpu)) continue;
      if (runner.processor === cpu || !mayRunOn(runner, runner.processor)) return runner;
      if (other === null && this.#running[runner.processor] !== null) other = runner;
    }
    return other;
  }

  /** New threads stand at the end of the line; where they first run is chosen at random. */
  #welcome(): void {
    const { threads, counts } = this.userland;
    const made = counts.threads + this.kernelThreads.length;
    if (made === this.#known) return;
    this.#known = made;
    for (const runner of [...threads, ...this.kernelThreads]) {
      if (runner.code === null || this.#line.includes(runner) || this.#running.includes(runner)) continue;
      runner.processor = this.system.random.below(this.#user.length);
      this.#line.push(runner);
    }
    // Some have been made whose code is still to come.
    if (threads.some(({ code }) => code === null)) this.#known = -1;
  }

  #putBack(runner: Runner): void {
    const { random } = this.system;
    if (runner.finished) return;
    if (this.#user.length > 1 && random.below(this.#migrationPeriod) === 0) {
      runner.processor = random.below(this.#user.length);
      this.migrations++;
    }
    this.#line.push(runner);
  }

  #nextDeadline(): number | null {
    let earliest: number | null = null;
    const consider = (time: number | null): void => {
      if (time !== null && (earliest === null || time < earliest)) earliest = time;
    };
    for (const { pending } of this.#line) if (pending?.kind === 'block') consider(pending.deadline);
    for (const { alarm } of this.userland.processes.values()) consider(alarm?.at ?? null);
    return earliest;
  }

  #whoWaits(): string {
    const names = this.userland.threads.map(({ process, tid }) => `${process.name} (thread ${tid})`);
    return `every thread waits and nothing will wake them: ${names.join(', ')}`;
  }
}

function mayRunOn({ affinity }: Runner, cpu: number): boolean {
  return (affinity & (1n << BigInt(cpu))) !== 0n;
}
