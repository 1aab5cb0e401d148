/** One action a step: what each does to machine and generator, and what comes in between: faults, interrupts, waiting. */
import { describe, expect, it } from 'vitest';
import { linearAddress, physicalAddress } from '../../src/arch/address.ts';
import { UnsupportedError } from '../../src/base/errors.ts';
import { EventStream } from '../../src/event/stream.ts';
import { type Action, type Kernel, Segfault } from '../../src/kernel/hardware.ts';
import { partFor, choosePolicy } from '../../src/machine/hardware-choice.ts';
import { Machine } from '../../src/machine/machine.ts';
import { initialSwitches } from '../../src/machine/switches.ts';
import { type EntryPoints, Execution } from '../../src/scenario/execution.ts';

const CELL = physicalAddress(0x5000);
const OTHER = physicalAddress(0x5008);
const VECTOR = 0xf0;

/** What the handlers saw, in order. */
interface Handled {
  readonly faults: { readonly address: bigint; readonly errorCode: number }[];
  readonly vectors: number[];
}

interface Setup {
  readonly machine: Machine;
  readonly execution: Execution;
  readonly handled: Handled;
}

/** Two processors in 64-bit mode on empty page tables at frame 1. A fault is resolved as `resolve` says. */
function setUp(resolve: (machine: Machine) => boolean = () => false, inHandler: readonly Action[] = []): Setup {
  const switches = initialSwitches();
  const options = {
    processors: 2,
    frames: 64,
    switches,
    part: partFor(switches),
    policy: choosePolicy('worst', switches),
  };
  const machine = new Machine(options, new EventStream());
  for (const { index } of machine.processors) {
    machine.enterLongMode(index, physicalAddress(0x1000));
    machine.processor(index).setInterruptsEnabled(true);
  }
  const handled: Handled = { faults: [], vectors: [] };
  const entry: EntryPoints = {
    *page_fault(_cpu: number, address: bigint, errorCode: number): Kernel<boolean> {
      handled.faults.push({ address, errorCode });
      yield { kind: 'load', address: OTHER };
      return resolve(machine);
    },
    *interrupt(_cpu: number, vector: number): Kernel<void> {
      handled.vectors.push(vector);
      yield { kind: 'end-of-interrupt' };
      for (const action of inHandler) yield action;
    },
  };
  return { machine, execution: new Execution(machine, entry), handled };
}

/** Runs the actions on processor 0, with their results. */
function results({ execution }: Setup, actions: readonly Action[]): bigint[] {
  const seen: bigint[] = [];
  function* code(): Kernel<void> {
    for (const action of actions) seen.push(yield action);
  }
  execution.start(0, code());
  while (execution.busy(0) && execution.runnable(0)) execution.step(0);
  return seen;
}

/** Maps the page of linear address 0x4000_0000 to frame 5, read/write, for user mode. */
function map(machine: Machine): boolean {
  const entries = [
    [0x1000, 0x2067n],
    [0x2008, 0x3067n],
    [0x3000, 0x4067n],
    [0x4000, 0x5067n],
  ] as const;
  for (const [address, entry] of entries) machine.memory.write64(physicalAddress(address), entry);
  return true;
}

const READ: Action = { kind: 'access', address: linearAddress(0x4000_0000n), access: { kind: 'read', user: true } };
const WRITE: Action = { ...READ, access: { kind: 'write', user: true }, value: 9n };

describe('actions and their results', () => {
  const locked = (operation: 'add' | 'or' | 'and' | 'exchange' | 'compare-exchange', operand: bigint): Action => ({
    kind: 'locked',
    address: CELL,
    operation,
    operand,
    expected: 5n,
  });
  const store = (value: bigint): Action => ({ kind: 'store', address: CELL, value });
  const load: Action = { kind: 'load', address: CELL };
  const rows: readonly {
    readonly given: string;
    readonly actions: readonly Action[];
    readonly expect: readonly bigint[];
  }[] = [
    { given: 'a load sees its own store at once', actions: [store(7n), load], expect: [0n, 7n] },
    { given: 'add gives the value before', actions: [store(7n), locked('add', 3n), load], expect: [0n, 7n, 10n] },
    {
      given: 'add wraps at 64 bits',
      actions: [store(1n), locked('add', 0xffff_ffff_ffff_ffffn), load],
      expect: [0n, 1n, 0n],
    },
    { given: 'or', actions: [store(0b1100n), locked('or', 0b1010n), load], expect: [0n, 0b1100n, 0b1110n] },
    { given: 'and', actions: [store(0b1100n), locked('and', 0b1010n), load], expect: [0n, 0b1100n, 0b1000n] },
    { given: 'exchange', actions: [store(1n), locked('exchange', 2n), load], expect: [0n, 1n, 2n] },
    {
      given: 'compare-exchange, equal',
      actions: [store(5n), locked('compare-exchange', 6n), load],
      expect: [0n, 5n, 6n],
    },
    {
      given: 'compare-exchange, not equal',
      actions: [store(4n), locked('compare-exchange', 6n), load],
      expect: [0n, 4n, 4n],
    },
    {
      given: 'interrupts gives what was before',
      actions: [
        { kind: 'interrupts', enabled: false },
        { kind: 'interrupts', enabled: true },
      ],
      expect: [1n, 0n],
    },
    { given: 'MOV from CR3', actions: [{ kind: 'mov-from-cr3' }], expect: [0x1000n] },
    { given: 'acquire takes the lock', actions: [{ kind: 'acquire', address: CELL }, load], expect: [0n, 1n] },
  ];
  it.each(rows)('$given', ({ actions, expect: expected }) => {
    expect(results(setUp(), actions)).toEqual(expected);
  });

  it('a #GP in a system instruction is the end of the kernel', () => {
    const reserved: Action = { kind: 'mov-to-cr4', value: 1n << 40n };
    expect(() => results(setUp(), [reserved])).toThrow(UnsupportedError);
  });
});

describe('what drains the store buffer', () => {
  const sizeAfter = (action: Action): number => {
    const setup = setUp(map);
    results(setup, [{ kind: 'store', address: CELL, value: 1n }, action]);
    return setup.machine.processor(0).storeBuffer.size;
  };
  const rows: readonly { readonly cite: string; readonly action: Action; readonly expect: number }[] = [
    { cite: '9.2.2', action: { kind: 'load', address: OTHER }, expect: 1 },
    { cite: '9.2.2', action: { kind: 'mov-from-cr3' }, expect: 1 },
    { cite: '9.2.3.9', action: { kind: 'locked', address: OTHER, operation: 'or', operand: 0n }, expect: 0 },
    { cite: '9.2.5', action: { kind: 'fence' }, expect: 0 },
    { cite: '9.3', action: { kind: 'mov-to-cr3', value: 0x1000n }, expect: 0 },
    { cite: '9.3', action: { kind: 'invlpg', address: linearAddress(0n) }, expect: 0 },
    { cite: '12.10, by a page fault', action: READ, expect: 0 },
  ];
  it.each(rows)('$cite: $action.kind leaves $expect', ({ action, expect: expected }) => {
    expect(sizeAfter(action)).toBe(expected);
  });

  it('12.10: an interrupt does, before its handler runs', () => {
    const setup = setUp();
    results(setup, [{ kind: 'store', address: CELL, value: 1n }]);
    setup.machine.processor(1).apic.sendFixed(VECTOR, [0]);
    expect(setup.machine.processor(0).storeBuffer.size).toBe(1);
    for (const ipi of setup.machine.bus.inFlight) setup.machine.takeHardwareStep({ kind: 'deliver', ipi });
    setup.execution.step(0);
    expect(setup.handled.vectors).toEqual([VECTOR]);
    expect(setup.machine.processor(0).storeBuffer.size).toBe(0);
  });
});

describe('an access by linear address', () => {
  it('that faults runs the handler, and is made again', () => {
    const setup = setUp(map);
    expect(results(setup, [WRITE, READ])).toEqual([9n, 9n]);
    expect(setup.handled.faults).toEqual([{ address: 0x4000_0000n, errorCode: 6 }]);
  });

  it('that nothing resolves is thrown into the code, which may go on', () => {
    const setup = setUp();
    const seen: unknown[] = [];
    function* code(): Kernel<void> {
      try {
        yield READ;
      } catch (error) {
        seen.push(error);
      }
      seen.push(yield { kind: 'load', address: CELL });
    }
    setup.execution.start(0, code());
    while (setup.execution.busy(0)) setup.execution.step(0);
    expect(seen[0]).toBeInstanceOf(Segfault);
    expect(seen[1]).toBe(0n);
  });

  it('to a non-canonical address is no page fault: #GP, without the handler', () => {
    const setup = setUp(map);
    const action: Action = { ...READ, address: linearAddress(0x8000_0000_0000_0000n) };
    expect(() => results(setup, [action])).toThrow(Segfault);
    expect(setup.handled.faults).toEqual([]);
  });
});

describe('waiting', () => {
  it('a wait is not runnable until another processor stores, and the store is visible', () => {
    const setup = setUp();
    const { execution, machine } = setup;
    const seen = results(setup, [{ kind: 'wait', address: CELL, until: (value) => value === 3n }]);
    expect([seen, execution.runnable(0)]).toEqual([[], false]);
    machine.processor(1).storeBuffer.push(CELL, 3n);
    expect(execution.runnable(0)).toBe(false);
    machine.takeHardwareStep({ kind: 'drain', processor: 1 });
    expect(execution.runnable(0)).toBe(true);
    execution.step(0);
    expect(seen).toEqual([3n]);
  });

  it('a lock that is held is waited for; an interrupt comes first', () => {
    const setup = setUp(undefined, [{ kind: 'store', address: CELL, value: 0n }]);
    const { execution, machine, handled } = setup;
    machine.memory.write64(CELL, 1n);
    results(setup, [{ kind: 'acquire', address: CELL }]);
    expect([execution.busy(0), execution.runnable(0)]).toEqual([true, false]);
    machine.processor(1).apic.sendFixed(VECTOR, [0]);
    for (const ipi of machine.bus.inFlight) machine.takeHardwareStep({ kind: 'deliver', ipi });
    expect([execution.runnable(0), execution.nextAction(0)]).toEqual([true, null]);
    while (execution.busy(0)) execution.step(0);
    expect(handled.vectors).toEqual([VECTOR]);
    expect(machine.processor(0).interruptsEnabled).toBe(true);
  });

  it('with interrupts off nothing is taken, and afterwards everything', () => {
    const setup = setUp();
    const { execution, machine, handled } = setup;
    results(setup, [{ kind: 'interrupts', enabled: false }]);
    machine.processor(1).apic.sendFixed(VECTOR, [0]);
    for (const ipi of machine.bus.inFlight) machine.takeHardwareStep({ kind: 'deliver', ipi });
    expect(execution.runnable(0)).toBe(false);
    results(setup, [{ kind: 'interrupts', enabled: true }]);
    while (execution.runnable(0)) execution.step(0);
    expect(handled.vectors).toEqual([VECTOR]);
  });
});
