/**
 * INVLPGB and TLBSYNC (APM 3): what arrives where, when, and in which order; and what each arrival takes from the TLB and
 * the paging-structure caches.
 */
import { describe, expect, it } from 'vitest';
import { linearAddress, pageOf } from '../../src/arch/address.ts';
import { Cr4, Efer } from '../../src/arch/control-registers.ts';
import type { InvlpgbOperand } from '../../src/arch/invlpgb.ts';
import { Vector } from '../../src/arch/page-fault.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { eraById } from '../../src/kernel/tlb/eras.ts';
import * as operations from '../../src/machine/operations.ts';
import { initialSwitches } from '../../src/machine/switches.ts';
import { System } from '../../src/scenario/system.ts';
import { type FixtureOptions, G, PagingFixture, USER_RW } from '../mmu/paging-fixture.ts';

const ALL: InvlpgbOperand = { pcid: null, pages: null, includeGlobals: true };
const range = (start: bigint, count: number, strideShift: 12 | 21 = 12): InvlpgbOperand['pages'] => ({
  start: linearAddress(start),
  count,
  strideShift,
});

/** A machine of three processors without any code, and what it tells. */
function machine(invlpgb = true): { readonly system: System; readonly events: MachineEvent[] } {
  const switches = { ...initialSwitches(), invlpgb };
  const options = {
    processors: 3,
    era: eraById('E1'),
    policy: 'worst',
    switches,
    seed: 1,
    frames: 1024,
    detect: false,
  };
  const system = new System(options);
  const events: MachineEvent[] = [];
  system.stream.observe((event) => events.push(event));
  return { system, events };
}

const arrivals = (events: readonly MachineEvent[]): readonly number[] =>
  events.flatMap((event) => (event.kind === 'invalidation' && event.by === 'INVLPGB' ? [event.processor] : []));

describe('INVLPGB', () => {
  it('only sends: to every processor, its own among them, each of which it reaches in a step of its own', () => {
    const { system, events } = machine();
    const { machine: m } = system;
    expect(operations.invlpgb(m, m.processor(1), ALL)).toBeNull();
    expect(arrivals(events)).toEqual([]);
    const steps = m.hardwareSteps();
    expect(steps.map((step) => (step.kind === 'invalidate' ? step.broadcast.target : -1))).toEqual([0, 1, 2]);
    for (const step of [...steps].reverse()) m.takeHardwareStep(step);
    expect(arrivals(events)).toEqual([2, 1, 0]);
    expect(m.hardwareSteps()).toEqual([]);
  });

  it('orders no store: what waits in the store buffer goes on waiting', () => {
    const { system } = machine();
    const { machine: m } = system;
    operations.store(m.processor(0), 0x8000 as never, 7n);
    operations.invlpgb(m, m.processor(0), ALL);
    expect(m.processor(0).storeBuffer.size).toBe(1);
    while (m.broadcasts.inFlight.length > 0) {
      const step = m.hardwareSteps().find(({ kind }) => kind === 'invalidate');
      if (step !== undefined) m.takeHardwareStep(step);
    }
    operations.tlbsync(m, m.processor(0));
    expect(m.processor(0).storeBuffer.size).toBe(0);
  });

  it('is no instruction of a part without it, and faults on more pages than the part allows', () => {
    const without = machine(false).system.machine;
    expect(operations.invlpgb(without, without.processor(0), ALL)).toEqual({ vector: Vector.UD });
    expect(operations.tlbsync(without, without.processor(0))).toEqual({ vector: Vector.UD });
    const { machine: m } = machine().system;
    const most = m.processor(0).mmu.part.invlpgbCountMax ?? 0;
    const pages = (count: number): InvlpgbOperand => ({ ...ALL, pages: range(0x1000n, count) });
    expect(operations.invlpgb(m, m.processor(0), pages(most))).toBeNull();
    expect(operations.invlpgb(m, m.processor(0), pages(most + 1))).toMatchObject({ vector: Vector.GP });
  });
});

describe('TLBSYNC', () => {
  it('waits for what its own processor has sent, everywhere, and for nothing else', () => {
    const { system } = machine();
    const { machine: m, execution } = system;
    operations.invlpgb(m, m.processor(0), ALL);
    for (const processor of [0, 1]) {
      execution.start(
        processor,
        (function* () {
          yield { kind: 'tlbsync' } as const;
        })(),
      );
    }
    const ready = (): readonly boolean[] => [0, 1].map((processor) => execution.runnable(processor));
    const seen = [ready()];
    for (const step of m.hardwareSteps()) {
      m.takeHardwareStep(step);
      seen.push(ready());
    }
    expect(seen).toEqual([
      [false, true],
      [false, true],
      [false, true],
      [true, true],
    ]);
  });
});

describe('an arrival', () => {
  const CR4 = Cr4.PGE | Cr4.PCIDE;
  /** PCIDs 1 and 2 with the same pages: 4 KBytes at 1000H and 2000H (global), 2 MBytes at 200000H. PCID 1 is loaded. */
  const cached = (options: FixtureOptions = {}): PagingFixture => {
    const fixture = new PagingFixture({ cr4: CR4, ...options });
    for (const [pcid, root] of [
      [2, fixture.frame()],
      [1, fixture.root],
    ] as const) {
      fixture.map(0x1000n, 100, { root });
      fixture.map(0x2000n, 101, { root, flags: USER_RW | G });
      fixture.map(0x20_0000n, 512, { root, level: 2 });
      fixture.mmu.writeCr3(fixture.cr3(root, pcid));
      for (const address of [0x1000n, 0x2000n, 0x20_0000n]) expect(fixture.outcome(address)).toBeTypeOf('number');
    }
    return fixture;
  };
  /** What is left, as PCID and page of TLB entries and PCID and kind of the others. */
  const left = ({ mmu }: PagingFixture): readonly string[] =>
    [...mmu.cached()]
      .map((each) => `${each.pcid} ${each.kind === 'tlb' ? `0x${(each.page * 4096).toString(16)}` : each.kind}`)
      .sort();
  const EVERYTHING = [
    '1 0x1000',
    '1 0x200000',
    '1 pde',
    '1 pdpte',
    '1 pml4e',
    '2 0x1000',
    '2 0x2000',
    '2 0x200000',
    '2 pde',
    '2 pdpte',
    '2 pml4e',
  ];
  const without = (...gone: readonly string[]): readonly string[] => EVERYTHING.filter((each) => !gone.includes(each));
  const STRUCTURES_OF_2 = ['2 pde', '2 pdpte', '2 pml4e'];

  const rows: readonly {
    readonly given: string;
    readonly operand: InvlpgbOperand;
    readonly expect: readonly string[];
  }[] = [
    { given: 'of everything', operand: ALL, expect: [] },
    {
      given: 'of everything but globals',
      operand: { ...ALL, includeGlobals: false },
      expect: ['2 0x2000'],
    },
    {
      given: 'of another PCID than the loaded one',
      operand: { pcid: 2, pages: null, includeGlobals: false },
      expect: without('2 0x1000', '2 0x200000', ...STRUCTURES_OF_2),
    },
    {
      given: 'of a page of a PCID: its paging-structure caches too, and no other page',
      operand: { pcid: 2, pages: range(0x1000n, 1), includeGlobals: false },
      expect: without('2 0x1000', ...STRUCTURES_OF_2),
    },
    {
      given: 'of two pages of every PCID with globals, as for a kernel range',
      operand: { pcid: null, pages: range(0x1000n, 2), includeGlobals: true },
      expect: ['1 0x200000', '2 0x200000'],
    },
    {
      given: 'of a page inside a large one',
      operand: { pcid: 1, pages: range(0x20_5000n, 1), includeGlobals: false },
      expect: without('1 0x200000', '1 pde', '1 pdpte', '1 pml4e'),
    },
    {
      given: 'with the stride of 2 MBytes: the second page named is 2 MBytes further',
      operand: { pcid: 1, pages: range(0x0n, 2, 21), includeGlobals: false },
      expect: without('1 0x200000', '1 pde', '1 pdpte', '1 pml4e'),
    },
  ];
  it('nothing to begin with', () => expect(left(cached())).toEqual(EVERYTHING));

  it.each(rows)('$given', ({ operand, expect: expected }) => {
    const fixture = cached();
    fixture.mmu.receiveInvlpgb(operand);
    expect(left(fixture)).toEqual(expected);
  });

  it('with EFER.TCE = 1 takes only the upper-level entries on the way to the page (APM 2 5.5.3)', () => {
    const fixture = cached({ part: { tce: true } });
    fixture.mmu.writeEfer(fixture.mmu.control.efer | Efer.TCE);
    fixture.map(0x4000_0000n, 102, { root: fixture.root });
    fixture.outcome(0x4000_0000n);
    const far = (): boolean =>
      [...fixture.mmu.cached()].some(
        ({ kind, page }) => kind === 'pde' && page === pageOf(linearAddress(0x4000_0000n)),
      );
    expect(far()).toBe(true);
    fixture.mmu.receiveInvlpgb({ pcid: 1, pages: range(0x1000n, 1), includeGlobals: false });
    expect(far()).toBe(true);
    fixture.mmu.receiveInvlpgb({ pcid: 1, pages: null, includeGlobals: false });
    expect(far()).toBe(false);
  });
});
