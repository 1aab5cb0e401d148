/**
 * Page-table isolation: what a flush does about the user's PCID, what the way back to user mode does, and that each of its
 * parts is needed. By a whole system besides, for kernel mappings, which the small machine does not have.
 */
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import type { Core } from '../../../src/kernel/core.ts';
import type { HardwareFeatures, Kernel } from '../../../src/kernel/hardware.ts';
import { E4, TlbE4 } from '../../../src/kernel/tlb/e4.ts';
import type { Era } from '../../../src/kernel/tlb/era.ts';
import { eraById } from '../../../src/kernel/tlb/eras.ts';
import { PageTableIsolation } from '../../../src/kernel/tlb/pti.ts';
import { parseScenario } from '../../../src/workload/scenario-parser.ts';
import { scenarioOptions } from '../../../src/scenario/scenario-run.ts';
import { ScenarioWorld } from '../../../src/scenario/scenario-world.ts';
import { System } from '../../../src/scenario/system.ts';
import { runAtRandom } from '../schedule.ts';
import { type Operation, Rig } from './rig.ts';

const user = (mm: number): Operation => ({ kind: 'user', mm });
const touch: Operation = { kind: 'touch', page: 0 };
const change: Operation = { kind: 'change', mm: 0, page: 0, pages: 1, all: false };
const changeAll: Operation = { ...change, all: true };
const kernelRange: Operation = { kind: 'kernel-range' };
const PTI = { meltdown: true };
const ISOLATING = ['E4', 'E5', 'E6', 'E7', 'E8', 'E9', 'E10', 'E11'];

function rigOf(era: Era, features: Partial<HardwareFeatures>): Rig {
  return new Rig({ era, processors: 2, features: { ...PTI, ...features } });
}

/** What processor 0 does to its TLB while it runs the operations. */
function done(rig: Rig, ...operations: readonly Operation[]): readonly string[] {
  rig.driver.invalidations.length = 0;
  for (const operation of operations) rig.perform(0, rig.operation(0, operation));
  expect(rig.failures).toEqual([]);
  return rig.driver.invalidations.flatMap(({ cpu, by }) => (cpu === 0 ? [by] : []));
}

describe.each(ISOLATING)('%s', (id) => {
  const ENTRY = 'cr3-noflush';
  const BACK = 'cr3-noflush';
  const rows: readonly {
    readonly given: string;
    readonly features?: Partial<HardwareFeatures>;
    readonly operation: Operation;
    readonly flush: readonly string[];
    readonly back: string;
  }[] = [
    { given: 'one page', operation: change, flush: ['invlpg', 'invpcid'], back: BACK },
    {
      given: 'one page without INVPCID: put off to the way back',
      features: { invpcid: false },
      operation: change,
      flush: ['invlpg'],
      back: 'cr3',
    },
    { given: 'all pages: put off to the way back', operation: changeAll, flush: ['cr3'], back: 'cr3' },
    {
      given: 'two kernel pages',
      operation: kernelRange,
      flush: ['invlpg', 'invpcid', 'invlpg', 'invpcid'],
      back: BACK,
    },
  ];
  it.each(rows)('flushes $given', ({ features = {}, operation, flush, back }) => {
    const rig = rigOf(eraById(id), features);
    // Slot 1 is new to both PCIDs.
    expect(done(rig, user(0), touch)).toEqual(['cr3', 'cr3']);
    expect(done(rig, operation, touch)).toEqual([ENTRY, ...flush, back]);
    expect(done(rig, touch)).toEqual([]);
  });

  it('without PCIDs flushes on every way in and out', () => {
    const rig = rigOf(eraById(id), { pcid: false });
    expect(done(rig, user(0), touch)).toEqual(['cr3', 'cr3']);
    expect(done(rig, change, touch)).toEqual(['cr3', 'invlpg', 'cr3']);
  });

  it('after a flush of kernel pages empties the slots that were not loaded, once', () => {
    const rig = rigOf(eraById(id), {});
    done(rig, user(0), touch, user(1), touch);
    expect(done(rig, user(0), touch, user(1), touch).filter((by) => by === 'cr3')).toEqual([]);
    done(rig, kernelRange);
    const there = done(rig, user(0), touch);
    expect(there.filter((by) => by === 'cr3')).toEqual(['cr3', 'cr3']);
    expect(done(rig, user(1), touch, user(0), touch).filter((by) => by === 'cr3')).toEqual([]);
  });

  it('takes an interrupt in user mode to the kernel and back', () => {
    const rig = rigOf(eraById(id), {});
    done(rig, user(0), touch);
    const cr3 = rig.driver.cpu(0).cr3;
    expect(cr3 & 0x1fffn).toBe(0x1802n);
    rig.driver.invalidations.length = 0;
    rig.perform(1, rig.operation(1, { kind: 'flush-all' }));
    while (rig.driver.runnable(0)) rig.driver.take({ kind: 'run', cpu: 0 });
    expect(rig.driver.invalidations.flatMap(({ cpu, by }) => (cpu === 0 ? [by] : []))).toEqual([
      'cr3-noflush',
      'invpcid',
      'cr3-noflush',
    ]);
    expect(rig.driver.cpu(0).cr3).toBe(cr3);
  });
});

/** M5: a full flush leaves the user's PCID alone. */
class KernelHalfOnly extends PageTableIsolation {
  override *invalidate_user_asid(): Kernel<void> {}
}

/** M15: so does INVLPG. */
class InvlpgAlone extends PageTableIsolation {
  protected override *flush_tlb_one_user(_cpu: number, _asid: number, address: bigint): Kernel<void> {
    yield { kind: 'invlpg', address: address as never };
  }
}

/** The bit is cleared, and then what it stood for is not done. */
class ForgetsWhatItOwes extends PageTableIsolation {
  override *switch_to_user_cr3(): Kernel<void> {
    const cr3 = yield { kind: 'mov-from-cr3' };
    yield { kind: 'mov-to-cr3', value: cr3 | 0x1800n | (1n << 63n) };
  }
}

/** Other slots keep what they hold of the kernel. */
class OthersStay extends PageTableIsolation {
  // biome-ignore lint/correctness/useYield: it asks nothing
  override *invalidate_other(): Kernel<boolean> {
    return false;
  }
}

const with4 = (Isolation: typeof PageTableIsolation): Era => ({
  ...E4,
  tlb: (core: Core) => new TlbE4(core, Isolation),
});

describe('each part is needed', () => {
  const failures = (era: Era, features: Partial<HardwareFeatures>): number => {
    let count = 0;
    for (let seed = 0; seed < 200; seed++) {
      const rig = rigOf(era, features);
      rig.program(0, [user(0), touch, user(1), touch, change, user(0), touch, changeAll, touch, touch]);
      rig.program(1, [user(0), touch, change, touch, touch, changeAll, user(1), touch, user(0), touch]);
      runAtRandom(rig.driver, new Random(seed));
      count += rig.failures.length;
    }
    return count;
  };

  it('as it is: silent', () => {
    for (const invpcid of [true, false]) expect(failures(with4(PageTableIsolation), { invpcid })).toBe(0);
  });

  it('M5, no invalidate_user_asid: found', () => {
    for (const invpcid of [true, false]) expect(failures(with4(KernelHalfOnly), { invpcid })).toBeGreaterThan(0);
  });

  it('M15, no INVPCID beside INVLPG: found', () => {
    expect(failures(with4(InvlpgAlone), { invpcid: true })).toBeGreaterThan(0);
  });

  it('a return to user mode that never flushes: found', () => {
    expect(failures(with4(ForgetsWhatItOwes), { invpcid: true })).toBeGreaterThan(0);
  });

  it('but without isolation, none of it', () => {
    for (const Isolation of [KernelHalfOnly, InvlpgAlone, OthersStay]) {
      expect(failures(with4(Isolation), { meltdown: false })).toBe(0);
    }
  });
});

describe('kernel mappings under isolation', () => {
  /** Processor 1 reads a kernel page under the PCID of init_mm; the page goes while B runs there; then it reads again. */
  const TEXT = `scenario "a kernel page under another PCID"
processors 2
set pti=on
space B

thread InB in B on 1 {
  await read
  b = mmap 1 rw
  write b[0] 1
  signal b
  repeat 300 {
    write b[0] 1
  }
}

kernel K0 on 0 {
  v = vmalloc 1
  write v[0] 100
  signal made
  await b
  vfree v
  signal freed
}

kernel K1 on 1 {
  await made
  read v[0] -> 100
  signal read
  await freed
  read v[0] -> fault
}
`;

  const violations = (era: Era): readonly string[] => {
    const scenario = parseScenario(TEXT, 'kernel-page');
    const options = scenarioOptions(scenario, 'kernel-page', { detect: true });
    const system = new System({ ...options, era });
    system.boot();
    const world = new ScenarioWorld(system, scenario, 'kernel-page');
    expect(world.advance(1_000_000)).toBe(false);
    return system.detector?.report().violations.map(({ severity }) => severity) ?? [];
  };

  it.each(ISOLATING)('%s: no stale one is used', (id) => expect(violations(eraById(id))).toEqual([]));

  it('found, if other slots keep theirs', () => expect(violations(with4(OthersStay))).toEqual(['stale-frame']));
});
