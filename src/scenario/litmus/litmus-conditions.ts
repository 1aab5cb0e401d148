/** What a litmus test looks at in the end: the outcome in words, and which of its conditions hold. */
import type { PhysicalAddress } from '../../arch/address.ts';
import { unreachable } from '../../base/assert.ts';
import type { Condition, LitmusTest, Subject } from '../../workload/litmus-ast.ts';
import type { LitmusExecution } from './litmus-execution.ts';
import { BIT_MASKS, type LitmusLayout } from './litmus-layout.ts';
import type { RegisterValue } from './litmus-processor.ts';
import type { LitmusProgram } from './litmus-program.ts';
import { nameOfSubject } from './name-of-subject.ts';

export class LitmusConditions {
  readonly #test: LitmusTest;
  readonly #layout: LitmusLayout;
  readonly #program: LitmusProgram;
  /** Cells and entries that conditions mention, by what they are called. */
  readonly #memory: ReadonlyMap<string, Subject>;

  constructor(test: LitmusTest, layout: LitmusLayout, program: LitmusProgram) {
    this.#test = test;
    this.#layout = layout;
    this.#program = program;
    const memory = new Map<string, Subject>();
    for (const { condition } of test.expectations) {
      for (const subject of subjectsOf(condition)) {
        if (subject.kind !== 'register') memory.set(nameOfSubject(subject), subject);
      }
    }
    this.#memory = memory;
  }

  /** Every register that was written and all memory that conditions mention. */
  report(execution: LitmusExecution): string {
    const parts: string[] = [];
    for (const { index, registers } of execution.processors) {
      for (const [register, value] of [...registers].sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))) {
        const isEntry = this.#program.entryRegisters.has(`${index}:${register}`) && typeof value === 'bigint';
        parts.push(`P${index}:${register}=${isEntry ? this.#layout.describeEntry(value) : value}`);
      }
    }
    for (const [name, subject] of this.#memory) {
      const value = this.#valueOf(execution, subject);
      const isEntry = subject.kind === 'entry' && typeof value === 'bigint';
      parts.push(`${name}=${isEntry ? this.#layout.describeEntry(value) : value}`);
    }
    return parts.join(' ');
  }

  /** Which of the test's expectations have conditions that hold, in the order of the text. */
  holding(execution: LitmusExecution): boolean[] {
    return this.#test.expectations.map(({ condition }) => this.#holds(execution, condition));
  }

  #holds(execution: LitmusExecution, condition: Condition): boolean {
    switch (condition.kind) {
      case 'and':
        return condition.of.every((each) => this.#holds(execution, each));
      case 'or':
        return condition.of.some((each) => this.#holds(execution, each));
      case 'not':
        return !this.#holds(execution, condition.of);
      case 'equals':
        return this.#valueOf(execution, condition.subject) === condition.value;
      case 'faults': {
        const value = this.#valueOf(execution, condition.subject);
        if (condition.fault === 'fault') return typeof value === 'string' && value !== 'ok';
        return value === condition.fault;
      }
      case 'bit': {
        const value = this.#valueOf(execution, condition.subject);
        return typeof value === 'bigint' && ((value & BIT_MASKS[condition.bit]) !== 0n) === condition.set;
      }
      case 'refers': {
        const value = this.#valueOf(execution, condition.subject);
        if (typeof value !== 'bigint') return false;
        return condition.to === null ? (value & BIT_MASKS.P) === 0n : this.#layout.refersTo(value, condition.to);
      }
      default:
        return unreachable(condition);
    }
  }

  /** Undefined for a register that was never written. */
  #valueOf({ processors, machine }: LitmusExecution, subject: Subject): RegisterValue | undefined {
    if (subject.kind === 'register') return processors[subject.processor]?.registers.get(subject.register);
    return machine.memory.read64(this.#addressOf(subject));
  }

  #addressOf(subject: Exclude<Subject, { kind: 'register' }>): PhysicalAddress {
    return subject.kind === 'cell' ? this.#layout.cellAddress(subject.cell) : this.#layout.entryAddress(subject.entry);
  }
}

function subjectsOf(condition: Condition): Subject[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.of.flatMap(subjectsOf);
    case 'not':
      return subjectsOf(condition.of);
    default:
      return [condition.subject];
  }
}
