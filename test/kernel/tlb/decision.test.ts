/**
 * The three-way decision of a flush, for every triple of recorded generation, requested generation and the mm's, in each
 * era that has generations. The expectation is worked out from what has been flushed, not from the eras' formula.
 */
import { describe, expect, it } from 'vitest';
import type { FlushAction } from '../../../src/event/event.ts';
import type { Cell } from '../../../src/kernel/cell.ts';
import type { Core } from '../../../src/kernel/core.ts';
import type { Kernel } from '../../../src/kernel/hardware.ts';
import { E1, type flush_tlb_info, TlbE1 } from '../../../src/kernel/tlb/e1.ts';
import { E2, TlbE2 } from '../../../src/kernel/tlb/e2.ts';
import { E3, TlbE3 } from '../../../src/kernel/tlb/e3.ts';
import { E5, TlbE5 } from '../../../src/kernel/tlb/e5.ts';
import { E6, TlbE6 } from '../../../src/kernel/tlb/e6.ts';
import { E7, TlbE7 } from '../../../src/kernel/tlb/e7.ts';
import { E8, TlbE8 } from '../../../src/kernel/tlb/e8.ts';
import { E9, TlbE9 } from '../../../src/kernel/tlb/e9.ts';
import { type Era, TLB_FLUSH_ALL } from '../../../src/kernel/tlb/era.ts';
import { eraById } from '../../../src/kernel/tlb/eras.ts';
import { pageAddress, Rig } from './rig.ts';

/** A request with all that any era asks for. */
interface Request extends flush_tlb_info {
  readonly stride_shift: number;
  readonly freed_tables: boolean;
  readonly initiating_cpu: number;
  readonly trim_cpumask: boolean;
}

interface Probe {
  handle(cpu: number, f: Request): Kernel<void>;
  recorded(cpu: number): Cell<number>;
}

class ProbeE1 extends TlbE1 implements Probe {
  handle(cpu: number, f: Request): Kernel<void> {
    return this.flush_tlb_func_remote(cpu, f);
  }
  recorded(cpu: number): Cell<number> {
    return this.cpu_tlbstate(cpu).ctxs[0].tlb_gen;
  }
}

class ProbeE2 extends TlbE2 implements Probe {
  handle(cpu: number, f: Request): Kernel<void> {
    return this.flush_tlb_func_remote(cpu, f);
  }
  recorded(cpu: number): Cell<number> {
    return this.cpu_tlbstate(cpu).ctxs[0].tlb_gen;
  }
}

class ProbeE3 extends TlbE3 implements Probe {
  handle(cpu: number, f: Request): Kernel<void> {
    return this.flush_tlb_func_remote(cpu, f);
  }
  recorded(cpu: number): Cell<number> {
    return this.ctxs(cpu, this.core.hardware.features.pcid ? 1 : 0).tlb_gen;
  }
}

class ProbeE5 extends TlbE5 implements Probe {
  handle(cpu: number, f: Request): Kernel<void> {
    return this.flush_tlb_func_remote(cpu, f);
  }
  recorded(cpu: number): Cell<number> {
    return this.ctxs(cpu, 1).tlb_gen;
  }
}

class ProbeE6 extends TlbE6 implements Probe {
  handle(cpu: number, f: Request): Kernel<void> {
    return this.flush_tlb_func(cpu, f);
  }
  recorded(cpu: number): Cell<number> {
    return this.ctxs(cpu, 1).tlb_gen;
  }
}

class ProbeE7 extends TlbE7 implements Probe {
  handle(cpu: number, f: Request): Kernel<void> {
    return this.flush_tlb_func(cpu, f);
  }
  recorded(cpu: number): Cell<number> {
    return this.ctxs(cpu, 1).tlb_gen;
  }
}

class ProbeE8 extends TlbE8 implements Probe {
  handle(cpu: number, f: Request): Kernel<void> {
    return this.flush_tlb_func(cpu, f);
  }
  recorded(cpu: number): Cell<number> {
    return this.ctxs(cpu, 1).tlb_gen;
  }
}

class ProbeE9 extends TlbE9 implements Probe {
  handle(cpu: number, f: Request): Kernel<void> {
    return this.flush_tlb_func(cpu, f);
  }
  recorded(cpu: number): Cell<number> {
    return this.ctxs(cpu, 1).tlb_gen;
  }
}

const PROBES: readonly {
  readonly era: Era;
  readonly make: (core: Core) => Probe & ReturnType<Era['tlb']>;
  /** Whether a request already reached is dropped before mm.tlb_gen is read. */
  readonly early?: boolean;
}[] = [
  { era: E1, make: (core) => new ProbeE1(core) },
  { era: E2, make: (core) => new ProbeE2(core) },
  { era: E3, make: (core) => new ProbeE3(core) },
  { era: E5, make: (core) => new ProbeE5(core) },
  { era: E6, make: (core) => new ProbeE6(core) },
  { era: E7, make: (core) => new ProbeE7(core), early: true },
  { era: E8, make: (core) => new ProbeE8(core), early: true },
  { era: E9, make: (core) => new ProbeE9(core), early: true },
];

const PARTIAL = { start: pageAddress(1), end: pageAddress(2) };
const FULL = { start: 0n, end: TLB_FLUSH_ALL };

/** A user of mm 0 at generation `local`, the mm at `mm`, about to handle a request for `requested`. */
function decide(
  { era, make }: (typeof PROBES)[number],
  generations: { readonly local: number; readonly requested: number; readonly mm: number; readonly all: boolean },
): { readonly action: FlushAction; readonly recorded: number; readonly invalidated: readonly string[] } {
  let probe: Probe | null = null;
  const rig = new Rig({
    era: {
      ...era,
      tlb: (core) => {
        const made = make(core);
        probe = made;
        return made;
      },
    },
    processors: 1,
  });
  const made = probe as unknown as Probe;
  rig.perform(0, rig.operation(0, { kind: 'user', mm: 0 }));
  const mm = rig.mm(0);
  rig.driver.poke(mm.tlb_gen.address, BigInt(generations.mm));
  rig.driver.poke(made.recorded(0).address, BigInt(generations.local));
  rig.driver.invalidations.length = 0;
  rig.events.length = 0;
  const info = {
    mm,
    ...(generations.all ? FULL : PARTIAL),
    new_tlb_gen: generations.requested,
    ...{ stride_shift: 12, freed_tables: false, initiating_cpu: 1, trim_cpumask: false },
    flush: 1,
  };
  rig.perform(0, inInterrupt(rig, made.handle(0, info)));
  const decisions = rig.events.flatMap((event) => (event.kind === 'flush-decision' ? [event.action] : []));
  expect(decisions).toHaveLength(1);
  expect(rig.failures).toEqual([]);
  return {
    action: decisions[0] ?? 'skip',
    recorded: Number(rig.driver.peek(made.recorded(0).address)),
    invalidated: rig.driver.invalidations.map(({ by }) => by),
  };
}

function* inInterrupt(rig: Rig, code: Kernel<void>): Kernel<void> {
  yield* rig.core.local_irq_disable(0);
  yield* code;
  yield* rig.core.local_irq_enable(0);
}

/** Generations local+1 to mm are owed; one INVLPG settles them when they are just this request's. */
function expected(local: number, requested: number, mm: number, all: boolean): FlushAction {
  const owed = Array.from({ length: mm - local }, (_, n) => local + 1 + n);
  if (owed.length === 0) return 'skip';
  return !all && owed.length === 1 && owed[0] === requested ? 'partial' : 'full';
}

const INVALIDATED = { skip: [], partial: ['invlpg'], full: ['cr3'] };
const NEWEST = 4;

describe.each(PROBES)('$era.id', (probe) => {
  it('decides every triple of generations', () => {
    let triples = 0;
    for (let mm = 0; mm <= NEWEST; mm++) {
      for (let local = 0; local <= mm; local++) {
        for (let requested = 0; requested <= mm; requested++) {
          for (const all of [false, true]) {
            const decision = decide(probe, { local, requested, mm, all });
            const reached = probe.early === true && requested !== 0 && requested <= local;
            const action = reached ? 'skip' : expected(local, requested, mm, all);
            expect(decision, `local ${local}, requested ${requested}, mm ${mm}, all ${all}`).toEqual({
              action,
              recorded: reached ? local : mm,
              invalidated: INVALIDATED[action],
            });
            triples++;
          }
        }
      }
    }
    expect(triples).toBe(110);
  });
});

describe('generations 2 and 3 in reverse', () => {
  const requests = (rig: Rig): readonly flush_tlb_info[] => [
    { mm: rig.mm(0), ...PARTIAL, new_tlb_gen: 3, flush: 3 },
    { mm: rig.mm(0), ...FULL, new_tlb_gen: 2, flush: 2 },
  ];

  function reversed(id: string): readonly string[] {
    const rig = new Rig({ era: eraById(id), processors: 1 });
    rig.perform(0, rig.operation(0, { kind: 'user', mm: 0 }));
    const tlb = rig.tlb;
    if (!(tlb instanceof TlbE1)) throw new Error('an E1');
    // Its slot is at 0, as after the switch; generation 1 is settled first, in order.
    rig.driver.poke(rig.mm(0).tlb_gen.address, 1n);
    const handle = (f: flush_tlb_info): void => rig.perform(0, inInterrupt(rig, tlb['flush_tlb_func_remote'](0, f)));
    handle({ mm: rig.mm(0), ...FULL, new_tlb_gen: 1, flush: 1 });
    rig.driver.poke(rig.mm(0).tlb_gen.address, 3n);
    rig.events.length = 0;
    for (const request of requests(rig)) handle(request);
    return rig.events.flatMap((event) => (event.kind === 'flush-decision' ? [`${event.flush}: ${event.action}`] : []));
  }

  it('E1 flushes all for 3, and has nothing left to do for 2', () => {
    expect(reversed('E1')).toEqual(['3: full', '2: skip']);
  });

  it('E1-M2 flushes a page for 3, and drops 2', () => {
    expect(reversed('E1-M2')).toEqual(['3: partial', '2: skip']);
  });
});
