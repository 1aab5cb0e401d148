/** W1 to W11, each provoked in the eras that have it; that they are silent otherwise is held by every other test here. */
import { describe, expect, it } from 'vitest';
import { Cr4 } from '../../../src/arch/control-registers.ts';
import type { Kernel } from '../../../src/kernel/hardware.ts';
import { type flush_tlb_info, TlbE1 } from '../../../src/kernel/tlb/e1.ts';
import { TlbE2 } from '../../../src/kernel/tlb/e2.ts';
import { TlbE3 } from '../../../src/kernel/tlb/e3.ts';
import { TlbE4 } from '../../../src/kernel/tlb/e4.ts';
import { TlbE5 } from '../../../src/kernel/tlb/e5.ts';
import { TlbE6 } from '../../../src/kernel/tlb/e6.ts';
import { TlbE7 } from '../../../src/kernel/tlb/e7.ts';
import { TlbE8 } from '../../../src/kernel/tlb/e8.ts';
import { TlbE9 } from '../../../src/kernel/tlb/e9.ts';
import { TlbE10 } from '../../../src/kernel/tlb/e10.ts';
import { TlbE11 } from '../../../src/kernel/tlb/e11.ts';
import { TLB_FLUSH_ALL } from '../../../src/kernel/tlb/era.ts';
import { eraById } from '../../../src/kernel/tlb/eras.ts';
import { Rig } from './rig.ts';

/** What the kernel warned of while `provoke` ran, on a processor with a user of mm 0. */
function warnings(id: string, provoke: (rig: Rig) => void): readonly string[] {
  const rig = new Rig({ era: eraById(id), processors: 1 });
  rig.perform(0, rig.operation(0, { kind: 'user', mm: 0 }));
  expect(rig.failures).toEqual([]);
  provoke(rig);
  return rig.events.flatMap((event) => (event.kind === 'assertion' ? [event.id] : []));
}

const switchTo = (rig: Rig, mm: number): void => rig.perform(0, rig.operation(0, { kind: 'user', mm }));
const setMask = (rig: Rig, mm: number, mask: bigint): void => rig.driver.poke(rig.mm(mm).cpumask.address, mask);

const LATER_IDS = ['E4', 'E5', 'E6', 'E7', 'E8', 'E9', 'E10', 'E11'];

/** The recorded generation and owner of the context that mm 0 has on processor 0. */
function context({ tlb }: Rig): ReturnType<TlbE3['ctxs']> {
  if (tlb instanceof TlbE3) return tlb['ctxs'](0, 1);
  if (tlb instanceof TlbE4) return tlb['ctxs'](0, 1);
  if (tlb instanceof TlbE5) return tlb['ctxs'](0, 1);
  if (tlb instanceof TlbE6) return tlb['ctxs'](0, 1);
  if (tlb instanceof TlbE7) return tlb['ctxs'](0, 1);
  if (tlb instanceof TlbE8) return tlb['ctxs'](0, 1);
  if (tlb instanceof TlbE9) return tlb['ctxs'](0, 1);
  if (tlb instanceof TlbE10) return tlb['ctxs'](0, 1);
  if (tlb instanceof TlbE11) return tlb['ctxs'](0, 1);
  if (tlb instanceof TlbE1) return tlb['cpu_tlbstate'](0).ctxs[0];
  if (tlb instanceof TlbE2) return tlb['cpu_tlbstate'](0).ctxs[0];
  throw new Error('no contexts');
}

function remote({ tlb }: Rig, info: flush_tlb_info): Kernel<void> {
  if (tlb instanceof TlbE1) return tlb['flush_tlb_func_remote'](0, info);
  if (tlb instanceof TlbE2) return tlb['flush_tlb_func_remote'](0, info);
  if (tlb instanceof TlbE3) return tlb['flush_tlb_func_remote'](0, info);
  if (tlb instanceof TlbE4) return tlb['flush_tlb_func_remote'](0, info);
  const rest = { stride_shift: 12, freed_tables: false, initiating_cpu: 1, trim_cpumask: false };
  if (tlb instanceof TlbE5) return tlb['flush_tlb_func_remote'](0, { ...info, ...rest });
  if (tlb instanceof TlbE6) return tlb['flush_tlb_func'](0, { ...info, ...rest });
  if (tlb instanceof TlbE7) return tlb['flush_tlb_func'](0, { ...info, ...rest });
  if (tlb instanceof TlbE8) return tlb['flush_tlb_func'](0, { ...info, ...rest });
  if (tlb instanceof TlbE9) return tlb['flush_tlb_func'](0, { ...info, ...rest });
  if (tlb instanceof TlbE10) return tlb['flush_tlb_func'](0, { ...info, ...rest });
  if (tlb instanceof TlbE11) return tlb['flush_tlb_func'](0, { ...info, ...rest });
  throw new Error('no generations');
}

function handle(rig: Rig, new_tlb_gen: number): void {
  rig.perform(0, rig.core.local_irq_disable(0));
  rig.perform(0, remote(rig, { mm: rig.mm(0), start: 0n, end: TLB_FLUSH_ALL, new_tlb_gen, flush: 1 }));
}

describe('W1: interrupts are off in a switch', () => {
  it.each(['E1', 'E2', 'E3', ...LATER_IDS])('%s', (id) => {
    const provoke = (rig: Rig): void => rig.perform(0, rig.tlb.switch_mm_irqs_off(0, null, rig.mm(1)));
    expect(warnings(id, provoke)).toEqual(['W1']);
  });
});

describe('W2: CR3 is what loaded_mm says', () => {
  const strayCr3 = (rig: Rig): void => {
    rig.driver.cpu(0).cr3 ^= 0x1000n;
    switchTo(rig, 1);
  };

  it.each(['E2', 'E3', ...LATER_IDS])('%s', (id) => expect(warnings(id, strayCr3)).toEqual(['W2']));

  it('E3 then flushes everything and goes on', () => {
    const flushed = (rig: Rig): void => {
      rig.driver.invalidations.length = 0;
      strayCr3(rig);
      expect(rig.driver.invalidations.map(({ by }) => by)).toEqual(['invpcid', 'cr3']);
    };
    expect(warnings('E3', flushed)).toEqual(['W2']);
  });
});

describe('of the recorded generation', () => {
  describe.each(['E1', 'E2', 'E3', ...LATER_IDS])('%s', (id) => {
    it('W3: its context belongs to the loaded mm', () => {
      const stray = (rig: Rig): void => {
        rig.driver.poke(context(rig).ctx_id.address, 99n);
        handle(rig, 0);
      };
      expect(warnings(id, stray)).toEqual(['W3']);
    });

    it('W4: it is no newer than the mm', () => {
      const ahead = (rig: Rig): void => {
        rig.driver.poke(context(rig).tlb_gen.address, 7n);
        handle(rig, 0);
      };
      expect(warnings(id, ahead)).toEqual(['W4']);
    });

    it('W5: what is asked for is no newer than the mm', () => {
      const future = (rig: Rig): void => {
        rig.driver.poke(rig.mm(0).tlb_gen.address, 1n);
        handle(rig, 2);
      };
      expect(warnings(id, future)).toEqual(['W5']);
    });
  });

  it.each(['E3', ...LATER_IDS])('%s: W3 also on the way back to the same mm', (id) => {
    const stray = (rig: Rig): void => {
      rig.driver.poke(context(rig).ctx_id.address, 99n);
      switchTo(rig, 0);
    };
    expect(warnings(id, stray)).toEqual(['W3']);
  });
});

describe('of mm_cpumask', () => {
  it.each(['E0b', 'E1', 'E3', ...LATER_IDS])('%s: W6, it holds whoever runs the mm', (id) => {
    const leave = (to: number) => (rig: Rig) => {
      setMask(rig, 0, 0n);
      switchTo(rig, to);
    };
    expect(warnings(id, leave(0))).toEqual(['W6']);
    expect(warnings(id, leave(1))).toEqual(['W6']);
  });

  it.each(['E0b', 'E1', 'E2'])('%s: W7, it does not hold whoever is about to', (id) => {
    const early = (rig: Rig): void => {
      setMask(rig, 1, 1n);
      switchTo(rig, 1);
    };
    expect(warnings(id, early)).toEqual(['W7']);
  });
});

describe('W8: only a lazy processor leaves its mm', () => {
  it.each(['E0a', 'E0b', 'E1', 'E2', 'E3', ...LATER_IDS])('%s', (id) => {
    expect(warnings(id, (rig) => rig.perform(0, rig.tlb.leave_mm(0)))).toEqual(['W8']);
  });

  it.each(['E0a', 'E0b', 'E1', 'E2', 'E3', ...LATER_IDS])('%s: silent when it is', (id) => {
    const lazily = (rig: Rig): void => {
      rig.perform(0, rig.operation(0, { kind: 'kthread' }));
      rig.perform(0, rig.tlb.leave_mm(0));
    };
    expect(warnings(id, lazily)).toEqual([]);
  });
});

describe('W9: CR3 is built from a slot that exists', () => {
  class Probe extends TlbE3 {
    build(asid: number): bigint {
      return this.build_cr3(0, this.core.swapper_pg_dir, asid);
    }
    buildNoflush(asid: number): bigint {
      return this.build_cr3_noflush(0, this.core.swapper_pg_dir, asid);
    }
  }
  const rows = [
    { given: 'slot 4094', pcid: true, build: (probe: Probe) => probe.build(4094), expect: [] },
    { given: 'slot 4095', pcid: true, build: (probe: Probe) => probe.build(4095), expect: ['W9'] },
    { given: 'slot 1 without PCID', pcid: false, build: (probe: Probe) => probe.build(1), expect: ['W9'] },
    { given: 'NOFLUSH', pcid: true, build: (probe: Probe) => probe.buildNoflush(0), expect: [] },
    { given: 'NOFLUSH without PCID', pcid: false, build: (probe: Probe) => probe.buildNoflush(0), expect: ['W9'] },
  ];
  it.each(rows)('$given', ({ pcid, build, expect: ids }) => {
    const rig = new Rig({ era: eraById('E3'), processors: 1, features: { pcid } });
    build(new Probe(rig.core));
    expect(rig.events.flatMap((event) => (event.kind === 'assertion' ? [event.id] : []))).toEqual(ids);
  });
});

describe('W10: a processor comes up as the kernel left it', () => {
  const up = (change: (rig: Rig) => void, pcid = true): readonly string[] => {
    const rig = new Rig({ era: eraById('E3'), processors: 1, features: { pcid } });
    change(rig);
    rig.perform(0, rig.core.local_irq_disable(0));
    rig.perform(0, rig.tlb.initialize_tlbstate_and_flush(0));
    return rig.events.flatMap((event) => (event.kind === 'assertion' ? [event.id] : []));
  };

  it('silent when it does', () => expect(up(() => {})).toEqual([]));

  it('CR3 holds the tables of loaded_mm', () => {
    expect(up((rig) => (rig.driver.cpu(0).cr3 ^= 0x1000n))).toEqual(['W10']);
  });

  it('CR4.PCIDE is clear without PCID', () => {
    expect(up((rig) => (rig.driver.cpu(0).cr4 |= Cr4.PCIDE), false)).toEqual(['W10']);
  });
});

describe('W11: a processor has one flush_tlb_info', () => {
  it.each(LATER_IDS.slice(LATER_IDS.indexOf('E5')))('%s', (id) => {
    const rig = new Rig({ era: eraById(id), processors: 2 });
    for (const cpu of [0, 1]) rig.perform(cpu, rig.operation(cpu, { kind: 'user', mm: 0 }));
    const request = { start: 0n, end: TLB_FLUSH_ALL, stride_shift: 12, freed_tables: false, reason: 'test' };
    const flush = (): Kernel<void> => rig.tlb.flush_tlb_mm_range(0, rig.mm(0), request);
    rig.perform(0, flush());
    expect(rig.failures).toEqual([]);
    // While one waits for its target, another begins above it, as an interrupt handler would.
    rig.driver.start(0, flush());
    while (rig.driver.runnable(0)) rig.driver.take({ kind: 'run', cpu: 0 });
    rig.perform(0, flush());
    expect(rig.failures).toEqual(['W11: flush_tlb_info is in use already']);
  });
});
