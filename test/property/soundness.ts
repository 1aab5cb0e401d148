/** Runs random scenarios under every era, with and without a dropped flush, and compares detector and brute force. */
import { Random } from '../../src/base/random.ts';
import { UnsupportedError } from '../../src/base/errors.ts';
import { KernelPanic } from '../../src/kernel/bug.ts';
import { eraById } from '../../src/kernel/tlb/eras.ts';
import type { Era } from '../../src/kernel/tlb/era.ts';
import { ScenarioWorld } from '../../src/scenario/scenario-world.ts';
import { System } from '../../src/scenario/system.ts';
import { systemOptions } from '../../src/scenario/system-options.ts';
import { BruteForceJudge } from './brute-force.ts';
import { randomScenario } from './random-scenario.ts';

const CORRECT = ['E0a', 'E0b', 'E1', 'E2', 'E3', 'E4', 'E5', 'E6', 'E7', 'E8', 'E9-fixed', 'E11', 'E11-eager'] as const;
const SWITCHES = [
  'pcid',
  'store-buffers',
  'speculation',
  'global-pages',
  'paging-structure-caches',
  'invpcid',
] as const;
const STEPS = 2_000_000;

export interface Summary {
  runs: number;
  accesses: number;
  /** Runs of a kernel with a dropped flush in which a stale translation was used; and all of them. */
  caught: number;
  faulty: number;
  falseAlarms: string[];
  disagreements: string[];
}

interface Judged {
  readonly detected: number;
  readonly findings: number;
  readonly stale: number;
  readonly accesses: number;
  readonly died: boolean;
}

interface OneRun {
  readonly seed: number;
  readonly statements: number;
  readonly era: Era;
}

export function checkRuns({ runs, seed, statements }: { runs: number; seed: number; statements: number }): Summary {
  const summary: Summary = { runs, accesses: 0, caught: 0, faulty: 0, falseAlarms: [], disagreements: [] };
  for (let run = seed; run < seed + runs; run++) {
    for (const id of CORRECT) {
      const era = eraById(id);
      const sound = runOne({ seed: run, statements, era });
      summary.accesses += sound.accesses;
      if (sound.died || sound.detected > 0 || sound.findings > 0 || sound.stale > 0) {
        summary.falseAlarms.push(
          `seed ${run} ${id}: detector ${sound.detected}, findings ${sound.findings}, brute force ${sound.stale}`,
        );
      }
      const dropFlush = 1 + new Random(run).below(12);
      const faulty = runOne({ seed: run, statements, era: { ...era, mm: { dropFlush } } });
      summary.faulty++;
      if (faulty.stale > 0) summary.caught++;
      if (faulty.stale > 0 !== faulty.detected > 0) {
        summary.disagreements.push(
          `seed ${run} ${id} dropFlush ${dropFlush}: detector ${faulty.detected}, brute force ${faulty.stale}`,
        );
      }
    }
  }
  return summary;
}

/** `detected` leaves out walks of freed structures: brute force judges what accesses were answered with. */
export function runOne({ seed, statements, era }: OneRun): Judged {
  const scenario = randomScenario(seed, statements);
  const random = new Random(seed ^ 0x5eed);
  const off = SWITCHES.filter(() => random.chance(0.2)).map((name) => `${name}=off`);
  const switches = random.chance(0.2) ? [...off, 'la57=on'] : off;
  if (random.chance(0.7)) switches.push('invlpgb=on');
  if (random.chance(0.3)) switches.push('pti=on');
  if (random.chance(0.2)) switches.push('kvm=on');
  const wishes = { ...scenario, file: 'random', storeBuffers: true, memory: 4 };
  const options = systemOptions({ switches, seed, detect: true }, wishes);
  const system = new System({ ...options, era });
  system.boot();
  const judge = new BruteForceJudge(system);
  const world = new ScenarioWorld(system, scenario, 'random');
  const died = !endsInTime(world, era);
  const report = system.detector?.report();
  if (report === undefined) throw new Error('no detector');
  const detected = report.violations.filter(({ severity }) => severity !== 'freed-table-walked').length;
  const { staleUses, accesses } = judge;
  return { detected, findings: report.findings.length, stale: staleUses.length, accesses, died };
}

/** False when the guest died of it or hangs: a stale translation lets user code write page tables. */
function endsInTime(world: ScenarioWorld, era: Era): boolean {
  try {
    const hangs = world.advance(STEPS);
    if (hangs && era.mm === undefined) throw new Error(`${era.id}: not finished after ${STEPS} steps`);
    return !hangs;
  } catch (error) {
    if (error instanceof KernelPanic || error instanceof UnsupportedError) return false;
    throw error;
  }
}
