/**
 * Random programs under random schedules, with store buffers and speculation: the eras and the harmless variants keep
 * every promise and every assertion; the faulty variants, under the same programs, do not.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { eraById } from '../../../src/kernel/tlb/eras.ts';
import { runAtRandom } from '../schedule.ts';
import { programs } from './operations.ts';
import { Rig, type RigOptions } from './rig.ts';

const SEED = 20170613;
const RUNS = 500;
const BOUNDS = { processors: 3, mms: 2, pages: 3, length: 10 };
/** More address spaces than slots. */
const CROWDED = { processors: 2, mms: 8, pages: 2, length: 30 };
/** Who comes back from lazy mode comes back to the same. */
const LONELY = { processors: 2, mms: 1, pages: 1, length: 12 };

const WITHOUT_SLOTS = ['E0a', 'E0b', 'E1', 'E2'];
const WITH_SLOTS = ['E3', 'E4', 'E5', 'E6', 'E7', 'E8', 'E9-fixed', 'E11'];

/** The failures of all runs; throws on a deadlock. */
function failures(id: string, bounds = BOUNDS, options: Partial<RigOptions> = {}, numRuns = RUNS): readonly string[] {
  const found: string[] = [];
  const run = fc.property(programs(bounds), fc.nat(), (operations, seed) => {
    const rig = new Rig({ era: eraById(id), ...bounds, storeBuffers: true, ...options });
    operations.forEach((list, cpu) => {
      rig.program(cpu, list);
    });
    runAtRandom(rig.driver, new Random(seed));
    found.push(...rig.failures);
  });
  fc.assert(run, { seed: SEED, numRuns });
  return found;
}

describe(`silent over ${RUNS} random programs (seed ${SEED})`, () => {
  it.each([...WITHOUT_SLOTS, ...WITH_SLOTS, 'E1-M3', 'E1-M22'])('%s', (id) => expect(failures(id)).toEqual([]));

  describe.each(WITH_SLOTS)('%s', (id) => {
    it('without PCID', () => expect(failures(id, BOUNDS, { features: { pcid: false } })).toEqual([]));

    it('with more mms than slots', () => expect(failures(id, CROWDED)).toEqual([]));

    it('with page-table isolation', () => {
      for (const features of [
        { meltdown: true },
        { meltdown: true, invpcid: false },
        { meltdown: true, pcid: false },
      ]) {
        expect(failures(id, BOUNDS, { features }, RUNS / 4)).toEqual([]);
      }
    });

    it('with one mm', () => expect(failures(id, LONELY)).toEqual([]));
  });

  it.each([BOUNDS, CROWDED, LONELY])('E11-eager with INVLPGB, %j', (bounds) => {
    expect(failures('E11-eager', bounds, { features: { invlpgbCountMax: 2 } })).toEqual([]);
  });
});

describe('found by the same programs', () => {
  it.each(['E1-no-remote', 'E1-no-wait', 'E1-M1', 'E1-M2', 'E3-M6', 'E7-B4'])('%s', (id) => {
    expect(failures(id)).not.toEqual([]);
  });

  it('E3-M10 with one mm, without PCID', () => {
    expect(failures('E3', LONELY, { features: { pcid: false } })).toEqual([]);
    expect(failures('E3-M10', LONELY, { features: { pcid: false } })).not.toEqual([]);
  });

  it('E3-M13 with more mms than slots', () => expect(failures('E3-M13', CROWDED)).not.toEqual([]));
});
