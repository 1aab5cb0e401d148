/**
 * The sieve that mutates eras: watched and unchanged, an era does what it did; changed at a site, it is found or not as the
 * change deserves. A slice of what tools/mutants/run.ts tries.
 */
import { describe, expect, it } from 'vitest';
import { eraById } from '../../src/kernel/tlb/eras.ts';
import type { Change } from '../../tools/mutants/action-site.ts';
import { ENDLESS, hunt } from '../../tools/mutants/hunt.ts';
import { mutatedEra } from '../../tools/mutants/mutated-era.ts';
import { OCCASIONS } from '../../tools/mutants/occasions.ts';
import { baselineOf, tryMutant } from '../../tools/mutants/survey.ts';

const E1 = { era: eraById('E1'), switches: [] };
const MOST = 5000;
const USED = ['visitor', 'user', 'returner', 'kernel pages'];
const FEW = OCCASIONS.filter(({ name }) => USED.includes(name));
const { sites, unfit } = baselineOf(E1, FEW, MOST);

describe('an era that is watched', () => {
  it('is clean, as it is', () => {
    expect(FEW).toHaveLength(USED.length);
    expect(unfit).toEqual([]);
  });

  it('takes the same schedules', () => {
    for (const occasion of FEW) {
      expect(hunt({ ...E1, era: mutatedEra(E1.era, null) }, occasion, MOST)).toEqual(hunt(E1, occasion, MOST));
    }
  });

  it('comes by the places that its source has', () => {
    expect(sites.map(({ site: { method, what } }) => `${method}: ${what}`).sort()).toEqual([
      'do_kernel_range_flush: invlpg',
      'flush_tlb_func_common: invlpg',
      'inc_mm_tlb_gen: locked add mm.tlb_gen',
      'initialize_tlbstate_and_flush: mov-to-cr3',
      'initialize_tlbstate_and_flush: store ctxs[].ctx_id',
      'initialize_tlbstate_and_flush: store ctxs[].tlb_gen',
      'initialize_tlbstate_and_flush: store loaded_mm',
      'initialize_tlbstate_and_flush: store state',
      'record_tlb_gen: store ctxs[].tlb_gen',
      'set_state: store state',
      'switch_mm_irqs_off: locked and mm.cpumask',
      'switch_mm_irqs_off: locked or mm.cpumask',
      'switch_mm_irqs_off: mov-to-cr3',
      'switch_mm_irqs_off: store ctxs[].ctx_id',
      'switch_mm_irqs_off: store ctxs[].tlb_gen',
      'switch_mm_irqs_off: store loaded_mm',
    ]);
  });
});

describe('a mutant', () => {
  const rows: readonly { method: string; what: string; change: Change; by: RegExp }[] = [
    { method: 'switch_mm_irqs_off', what: 'store loaded_mm', change: 'drop', by: /^assertion W7$/ },
    { method: 'switch_mm_irqs_off', what: 'store ctxs[].ctx_id', change: 'drop', by: /^assertion W3$/ },
    { method: 'switch_mm_irqs_off', what: 'locked or mm.cpumask', change: 'drop', by: /^assertion W6$/ },
    { method: 'switch_mm_irqs_off', what: 'locked or mm.cpumask', change: 'late', by: /^stale-frame/ },
    { method: 'switch_mm_irqs_off', what: 'mov-to-cr3', change: 'drop', by: new RegExp(`^${ENDLESS}$`) },
    { method: 'switch_mm_irqs_off', what: 'mov-to-cr3', change: 'keep', by: /^died: .*MOV to CR3 raised exception 13/ },
    { method: 'inc_mm_tlb_gen', what: 'locked add mm.tlb_gen', change: 'drop', by: /^stale-frame/ },
    { method: 'flush_tlb_func_common', what: 'invlpg', change: 'drop', by: /^generation-invariant/ },
    { method: 'do_kernel_range_flush', what: 'invlpg', change: 'drop', by: /^stale-frame/ },
  ];
  it.each(rows)('$method: $what, $change: is killed', ({ by, ...mutation }) => {
    const site = sites.find(({ site: { method, what } }) => method === mutation.method && what === mutation.what);
    const { fate } = tryMutant(E1, mutation, site?.occasions ?? [], MOST);
    expect(fate.kind === 'killed' ? fate.by : fate.kind).toMatch(by);
  });

  it('that only costs flushes is silent', () => {
    const mutation = { method: 'record_tlb_gen', what: 'store ctxs[].tlb_gen', change: 'drop' } as const;
    expect(tryMutant(E1, mutation, FEW, MOST).fate).toEqual({ kind: 'silent', occasions: FEW.length });
  });
});
