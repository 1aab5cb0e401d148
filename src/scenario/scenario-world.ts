/** Runs a scenario: its threads on their processors, each step chosen by the seed, until all have ended. */
import type { LinearAddress } from '../arch/address.ts';
import { assert, present } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import type { StateSink } from '../base/state-sink.ts';
import type { MiniKernel } from '../kernel/kernel.ts';
import type { mm_struct } from '../kernel/mm_struct.ts';
import { tell_task } from '../kernel/sched.ts';
import type { Place, Scenario, ThreadDeclaration } from '../workload/scenario-ast.ts';
import type { ProcessorCode } from './execution.ts';
import { Deadlock, stepAtRandom } from './scheduler.ts';
import { ScenarioThread } from './scenario-thread.ts';
import type { System } from './system.ts';

export interface Variable {
  readonly start: LinearAddress;
  /** In 4-KByte pages. */
  readonly pages: number;
}

export interface Space {
  readonly name: string;
  readonly mm: mm_struct;
  readonly variables: Map<string, Variable>;
}

/** A statement whose outcome was not the one that the scenario states. */
export interface Disappointment {
  readonly thread: string;
  readonly place: Place;
  readonly message: string;
}

/** Variables of kernel mappings belong to no user space. */
const KERNEL = '';

export class ScenarioWorld {
  readonly file: string;
  readonly kernel: MiniKernel;
  readonly signalled = new Set<string>();
  readonly disappointments: Disappointment[] = [];
  /** Told of each access of a thread with what it read or wrote; null: it ended in SIGSEGV. */
  accessed: (thread: ScenarioThread, place: Place, seen: bigint | null) => void = () => {};
  /** Told of what threads share outside of the machine: signals, variables by mm, and by processor the threads that it has. */
  touched: (what: 'signals' | 'variables' | 'threads', index: number, access: 'read' | 'write') => void = () => {};
  /** Told where a processor's code begins anew: all that it knows from here on is which thread it runs, and how far that is. */
  settled: (processor: number, thread: number, statements: number) => void = () => {};
  readonly #system: System;
  readonly #scenario: Scenario;
  readonly #spaces = new Map<string, Space>();
  readonly #threads: ScenarioThread[] = [];
  /** Declared, and waiting for the fork that makes their space. */
  #unborn: readonly ThreadDeclaration[] = [];
  readonly #running: (ScenarioThread | null)[];

  constructor(system: System, scenario: Scenario, file: string) {
    this.#system = system;
    this.#scenario = scenario;
    this.file = file;
    this.kernel = system.kernel;
    this.#running = system.machine.processors.map(() => null);
    system.locate = (processor) => this.#locate(processor);
    this.#prepare();
  }

  /** Takes up to `steps` steps. False once every thread has ended and nothing is under way. */
  advance(steps: number): boolean {
    const { execution, random } = this.#system;
    for (let step = 0; step < steps; step++) {
      if (this.over && !this.#underWay()) return false;
      if (!stepAtRandom(execution, random)) throw new Deadlock(this.whoWaits());
    }
    return true;
  }

  /** Whether every thread that is to run has ended. */
  get over(): boolean {
    return this.#unborn.length === 0 && this.#threads.every(({ finished }) => finished);
  }

  #underWay(): boolean {
    const { execution, machine } = this.#system;
    return machine.hardwareSteps().length > 0 || machine.processors.some(({ index }) => execution.runnable(index));
  }

  space(name: string, { line, column }: Place): Space {
    const space = this.#spaces.get(name);
    if (space === undefined)
      throw new InputError(`space '${name}' does not exist yet`, { file: this.file, line, column });
    return space;
  }

  /** A fork made this space as a copy of its parent: the threads declared in it start. */
  forked(name: string, mm: mm_struct, parent: Space): void {
    this.touched('variables', parent.mm.ctx_id, 'read');
    this.touched('variables', mm.ctx_id, 'write');
    this.#spaces.set(name, { name, mm, variables: new Map(parent.variables) });
    for (const declaration of this.#unborn) if (declaration.space === name) this.#spawn(declaration);
    this.#unborn = this.#unborn.filter(({ space }) => space !== name);
  }

  disappoint(thread: ScenarioThread, place: Place, message: string): void {
    this.disappointments.push({ thread: thread.declaration.name, place, message });
  }

  #prepare(): void {
    const { kernel } = this;
    this.#spaces.set(KERNEL, { name: 'kernel', mm: kernel.core.init_mm, variables: new Map() });
    const forked = forkedSpaces(this.#scenario.threads.flatMap(({ body }) => body));
    for (const { name } of this.#scenario.spaces) {
      if (!forked.has(name)) this.#spaces.set(name, { name, mm: kernel.createMm(name), variables: new Map() });
    }
    const born = ({ space }: ThreadDeclaration): boolean => space === null || this.#spaces.has(space);
    this.#unborn = this.#scenario.threads.filter((declaration) => !born(declaration));
    for (const declaration of this.#scenario.threads) if (born(declaration)) this.#spawn(declaration);
    for (const { index } of this.#system.machine.processors)
      this.#system.execution.start(index, this.#processor(index));
  }

  #spawn(declaration: ThreadDeclaration): void {
    const space = present(this.#spaces.get(declaration.space ?? KERNEL), `space of ${declaration.name}`);
    const task = this.kernel.createTask({ name: declaration.name, mm: declaration.space === null ? null : space.mm });
    this.#threads.push(new ScenarioThread(declaration, { world: this, space, task }));
    this.touched('threads', declaration.processor, 'write');
  }

  /** What a processor does for ever: runs a thread that is ready until it waits, moves or ends, or idles. */
  *#processor(cpu: number): ProcessorCode {
    const ready = (): ScenarioThread | undefined => {
      this.touched('threads', cpu, 'read');
      this.touched('signals', 0, 'read');
      return this.#threads.find((thread) => thread.processor === cpu && thread.ready);
    };
    for (;;) {
      const thread = this.kernel.online(cpu) ? ready() : undefined;
      this.settled(cpu, thread === undefined ? -1 : this.#threads.indexOf(thread), -1);
      if (thread !== undefined) {
        yield* this.kernel.context_switch(cpu, thread.task);
        yield* this.#turn(cpu, thread);
        continue;
      }
      if (this.kernel.current(cpu) !== this.kernel.idle(cpu))
        yield* this.kernel.context_switch(cpu, this.kernel.idle(cpu));
      yield { kind: 'idle', ready: () => this.kernel.online(cpu) && ready() !== undefined };
    }
  }

  *#turn(cpu: number, thread: ScenarioThread): ProcessorCode {
    thread.waitsFor = null;
    this.#running[cpu] = thread;
    let next = thread.code.next(0n);
    while (!next.done) {
      const action = next.value;
      if (action.kind === 'block') {
        thread.waitsFor = action.ready;
        break;
      }
      if (action.kind === 'move') {
        // The task must be off this processor before another one may run it.
        yield* this.kernel.context_switch(cpu, this.kernel.idle(cpu));
        thread.processor = action.processor;
        this.touched('threads', action.processor, 'write');
        break;
      }
      let result: bigint;
      try {
        result = yield action;
      } catch (error) {
        next = thread.code.throw(error);
        continue;
      }
      next = thread.code.next(result);
    }
    if (next.done) {
      thread.finished = true;
      thread.at = null;
    }
    this.#running[cpu] = null;
  }

  /** The thread is about to execute its next statement, the `count`-th that it executes at all. */
  reached(thread: ScenarioThread, count: number): void {
    this.settled(thread.processor, this.#threads.indexOf(thread), count);
  }

  /** What threads share outside of the machine. Disappointments are found news, not state. */
  tellState(sink: StateSink): void {
    for (const signal of [...this.signalled].sort()) sink.text(signal);
    for (const { name, mm, variables } of this.#spaces.values()) {
      sink.text(name);
      sink.number(mm.ctx_id);
      for (const [variable, { start, pages }] of variables) {
        sink.text(variable);
        sink.quad(start);
        sink.number(pages);
      }
    }
    for (const { finished, processor, executed, waitsFor, task } of this.#threads) {
      for (const value of [finished ? 1 : 0, processor, executed, waitsFor === null ? 0 : 1]) sink.number(value);
      tell_task(sink, task);
    }
    for (const { name } of this.#unborn) sink.text(name);
  }

  #locate(processor: number): string | null {
    const thread = this.#running[processor];
    if (thread === null || thread === undefined || thread.at === null) return null;
    const { place, kind } = thread.at;
    return `${this.file}:${place.line} (${thread.declaration.name}: ${kind})`;
  }

  /** The threads that have not ended, and where they stand. */
  whoWaits(): string {
    const waiting = this.#threads.filter(({ finished }) => !finished);
    assert(waiting.length > 0 || this.#unborn.length > 0, 'somebody waits');
    const names = waiting.map(({ declaration, at }) => `${declaration.name} at line ${at?.place.line ?? '?'}`);
    return `nothing can go on: waiting are ${[...names, ...this.#unborn.map(({ name }) => name)].join(', ')}`;
  }
}

/** Spaces that a `fork` statement makes: they do not exist at the start. */
function forkedSpaces(body: Scenario['threads'][number]['body']): Set<string> {
  const names = new Set<string>();
  for (const statement of body) {
    if (statement.kind === 'fork') names.add(statement.space);
    if (statement.kind === 'repeat') for (const name of forkedSpaces(statement.body)) names.add(name);
  }
  return names;
}
