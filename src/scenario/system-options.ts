/**
 * From what a workload asks for and what a user sets, in words, to the options of a system. The user goes before the
 * workload, the workload before the defaults.
 */
import { InputError } from '../base/errors.ts';
import { eraById } from '../kernel/tlb/eras.ts';
import { choosePolicy } from '../machine/hardware-choice.ts';
import { initialSwitches, setSwitch } from '../machine/switches.ts';
import type { Switch } from '../workload/scenario-ast.ts';
import type { SystemOptions } from './system.ts';

/** What a user sets; undefined where nothing was said. */
export interface SystemWords {
  readonly processors?: number | undefined;
  readonly era?: string | undefined;
  readonly policy?: string | undefined;
  /** `NAME=on` or `NAME=off`. */
  readonly switches?: readonly string[] | undefined;
  readonly seed?: number | undefined;
  /** In MiB. */
  readonly memory?: number | undefined;
  readonly detect: boolean;
}

/** What a workload asks for. */
export interface WorkloadWishes {
  readonly file: string;
  readonly processors: number;
  readonly era?: string | undefined;
  readonly policy?: string | undefined;
  readonly seed?: number | undefined;
  readonly switches: readonly Switch[];
  /** Where this kind of workload starts from: scenarios have store buffers, traces drain at once. */
  readonly storeBuffers: boolean;
  /** In MiB. */
  readonly memory: number;
}

export const DEFAULT_ERA = 'E3';
const DEFAULT_POLICY = 'worst';
const DEFAULT_SEED = 1;
const FRAMES_PER_MEBIBYTE = 256;
const PROCESSORS_LIMIT = 32;
const MEMORY_LIMIT_MEBIBYTES = 4096;
const SEED_LIMIT = 2 ** 32 - 1;

/** Throws InputError for a value that is not one of those there are. */
export function systemOptions(words: SystemWords, wishes: WorkloadWishes): SystemOptions {
  const { file } = wishes;
  const switches = initialSwitches();
  switches['store-buffers'] = wishes.storeBuffers;
  for (const { name, value, place } of wishes.switches) setSwitch(switches, name, value, { file, ...place });
  for (const assignment of words.switches ?? []) {
    const equals = assignment.indexOf('=');
    if (equals < 0) throw new InputError(`expected NAME=on or NAME=off, not '${assignment}'`, { file: '--set' });
    setSwitch(switches, assignment.slice(0, equals), assignment.slice(equals + 1), { file: '--set' });
  }
  const policy = words.policy ?? wishes.policy ?? DEFAULT_POLICY;
  choosePolicy(policy, switches, { file: words.policy === undefined ? file : '--policy' });
  const memory = within(words.memory ?? wishes.memory, { name: '--memory', most: MEMORY_LIMIT_MEBIBYTES });
  return {
    processors: within(words.processors ?? wishes.processors, { name: '--cpus', most: PROCESSORS_LIMIT }),
    era: eraById(words.era ?? wishes.era ?? DEFAULT_ERA, { file: words.era === undefined ? file : '--era' }),
    policy,
    switches,
    seed: within(words.seed ?? wishes.seed ?? DEFAULT_SEED, { name: '--seed', least: 0, most: SEED_LIMIT }),
    frames: memory * FRAMES_PER_MEBIBYTE,
    detect: words.detect,
  };
}

interface Bounds {
  readonly name: string;
  readonly least?: number;
  readonly most: number;
}

function within(value: number, { name, least = 1, most }: Bounds): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InputError(`${value} is not a whole number from ${least} to ${most}`, { file: name });
}
