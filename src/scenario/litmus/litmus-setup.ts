/** What every execution of a litmus test begins with: the machine, its memory, its registers, and what is looked at in the end. */
import { type LinearAddress, pageOf, type PhysicalAddress } from '../../arch/address.ts';
import { InputError } from '../../base/errors.ts';
import { EventStream } from '../../event/stream.ts';
import { partFor, policyForSearch } from '../../machine/hardware-choice.ts';
import { Machine } from '../../machine/machine.ts';
import { initialSwitches, setSwitch, type Switches } from '../../machine/switches.ts';
import type { CellRef, LitmusTest } from '../../workload/litmus-ast.ts';
import { LitmusConditions } from './litmus-conditions.ts';
import { describeStep } from './describe-step.ts';
import type { LitmusExecution } from './litmus-execution.ts';
import { LitmusLayout } from './litmus-layout.ts';
import { LitmusProgram } from './litmus-program.ts';
import type { LitmusStep } from './litmus-step.ts';
import { nameOfCell, nameOfEntry } from './name-of-subject.ts';

export interface LitmusOptions {
  /** `pcid=off`, after the test's own. */
  readonly switches?: readonly string[];
  /**
   * How many evictions an execution may have. They add no outcome, because what is cached may stay unused; a search that
   * has them shows that.
   */
  readonly evictions?: number;
}

export class LitmusSetup {
  readonly file: string;
  readonly test: LitmusTest;
  readonly switches: Switches;
  readonly evictions: number;
  readonly layout: LitmusLayout;
  readonly program: LitmusProgram;
  readonly conditions: LitmusConditions;
  /** All memory that the test's future may depend on. */
  readonly watched: readonly PhysicalAddress[];
  /** Told of every execution that ends. */
  ended: (execution: LitmusExecution) => void = () => {};
  readonly #words: readonly { readonly address: PhysicalAddress; readonly value: bigint }[];
  readonly #past: readonly {
    readonly address: PhysicalAddress;
    readonly value: bigint;
    readonly page: LinearAddress;
  }[];

  /** Throws InputError for a switch that there is not. */
  constructor(test: LitmusTest, file: string, { switches = [], evictions = 0 }: LitmusOptions = {}) {
    this.test = test;
    this.file = file;
    this.evictions = evictions;
    this.switches = switchesOf(test, file, switches);
    this.layout = new LitmusLayout(test);
    this.program = new LitmusProgram(test, this.layout);
    this.conditions = new LitmusConditions(test, this.layout, this.program);
    const { layout } = this;
    const words = [...layout.structures()];
    const past: { address: PhysicalAddress; value: bigint; page: LinearAddress }[] = [];
    for (const item of test.initial) {
      if (item.kind === 'cell') words.push({ address: layout.cellAddress(item.cell), value: item.value });
      if (item.kind === 'entry' || item.kind === 'past-entry') {
        const address = layout.entryAddress(item.entry);
        const value = layout.content(item.entry, item.content);
        if (item.kind === 'entry') words.push({ address, value });
        else past.push({ address, value, page: layout.pageAddress(item.entry.page.page) });
      }
    }
    this.#words = words;
    this.#past = past;
    this.watched = [
      ...new Set([...this.program.changing, ...this.#cells().map((cell) => layout.cellAddress(cell))]),
    ].sort((a, b) => a - b) as PhysicalAddress[];
  }

  createMachine(): Machine {
    const { switches, layout, program } = this;
    const machine = new Machine(
      {
        processors: program.processors.length,
        frames: layout.memoryFrames,
        // Speculation is the search's own.
        switches: { ...switches, speculation: false },
        part: partFor(switches),
        policy: policyForSearch(switches),
      },
      new EventStream(),
    );
    const write = ({ address, value }: { address: PhysicalAddress; value: bigint }): void =>
      machine.memory.write64(address, value);
    for (const word of this.#words) write(word);
    for (const past of this.#past) write(past);
    for (const [index, { cr3 }] of program.processors.entries()) this.#start(machine, index, cr3);
    for (const { page } of this.#past) {
      for (const { mmu } of machine.processors) mmu.speculate(page);
    }
    if (this.#past.length > 0) for (const word of this.#words) write(word);
    return machine;
  }

  /** What an execution came to, in words; it has ended. */
  report(execution: LitmusExecution): string {
    this.ended(execution);
    return this.conditions.report(execution);
  }

  describe(step: LitmusStep, text: string): string {
    const lines = text.split('\n');
    return describeStep(step, {
      instruction: ({ line, column }) =>
        (/^(?:[^|#]|\|->)*/.exec((lines[line - 1] ?? '').slice(column - 1))?.[0] ?? '').trim(),
      memory: (address) => this.#nameOfMemory(address),
      page: (number) =>
        [...this.layout.names.pages].find((page) => pageOf(this.layout.pageAddress(page)) === number) ??
        `page ${number}`,
    });
  }

  #start(machine: Machine, index: number, cr3: bigint): void {
    const processor = machine.processor(index);
    const { mmu } = processor;
    machine.enterLongMode(index, (Number(cr3) - (Number(cr3) % 4096)) as PhysicalAddress);
    const { set, clear } = this.program.initialCr4;
    const cr4 = (mmu.control.cr4 | set) & ~clear;
    // A PCID other than 0 can be loaded only once CR4.PCIDE is set.
    const faults = [mmu.writeCr4(cr4), mmu.writeCr3(cr3)];
    if (faults.some((fault) => fault !== null)) {
      throw new InputError('the initial CR4 and CR3 are not allowed with these switches', { file: this.file });
    }
    processor.setInterruptsEnabled(true);
  }

  #cells(): CellRef[] {
    const { frames, cells, large, pages } = this.layout.names;
    const place = { line: 1, column: 1 };
    const small = [...frames, ...cells].map((name) => ({ name, piece: null, place }));
    return [...small, ...[...large].flatMap((name) => [...pages].map((piece) => ({ name, piece, place })))];
  }

  #nameOfMemory(address: number): string {
    const cell = this.#cells().find((each) => this.layout.cellAddress(each) === address);
    if (cell !== undefined) return nameOfCell(cell);
    const entry = this.program.entries.find((each) => this.layout.entryAddress(each) === address);
    return entry === undefined ? `0x${address.toString(16)}` : nameOfEntry(entry);
  }
}

function switchesOf(test: LitmusTest, file: string, more: readonly string[]): Switches {
  // Tests speak of access rights only where they mention them.
  const switches = { ...initialSwitches(), smap: false, smep: false };
  for (const { name, value, place } of test.switches) setSwitch(switches, name, value, { file, ...place });
  for (const text of more) {
    const [name = '', value = ''] = text.split('=');
    setSwitch(switches, name, value, { file: '--set' });
  }
  if (switches.la57) throw new InputError('litmus tests have four levels of paging, so la57 is off', { file });
  return switches;
}
