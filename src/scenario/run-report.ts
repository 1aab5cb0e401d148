/** What a run comes to, as data: the report that the command line prints and writes as JSON. */
import type { CoherenceReport } from '../coherence/violation.ts';
import type { Processor } from '../machine/processor.ts';
import type { Ending } from '../process/process.ts';
import type { Disappointment } from './scenario-world.ts';
import type { System, SystemOptions } from './system.ts';

/** Advanced whenever a field changes its meaning or goes away; `docs/schema` has the schema of each. */
export const REPORT_SCHEMA = 1;

/**
 * `violation`: a stale translation was used, or the kernel's book-keeping was wrong, whatever came later. `died`: the
 * guest ended before its workload did, and nothing was found until then. `unexpected`: no violation, and yet not what the
 * workload states. `limit`: stopped early with nothing found, which is no pass.
 */
export type Verdict = 'clean' | 'violation' | 'died' | 'unexpected' | 'limit';

export interface WorkloadSummary {
  readonly file: string;
  readonly kind: 'scenario' | 'trace' | 'program';
  readonly title: string;
  readonly accesses: number;
  readonly pageFaults: number;
  readonly systemCalls: number;
  readonly migrations: number;
  /** Pages that the trace touches without having mapped them. */
  readonly implicitPages: number;
  /** Accesses that the program's own mappings forbid. */
  readonly forbiddenAccesses: number;
  /** Of a hosted program only. */
  readonly program?: ProgramSummary;
}

export interface ProgramSummary {
  readonly instructions: number;
  readonly processes: number;
  readonly threads: number;
  /** Taken by handlers. */
  readonly signals: number;
  /** How the first process ended; null: it has not. */
  readonly ending: Ending | null;
  /** System calls that answered ENOSYS, by name. */
  readonly missingCalls: Readonly<Record<string, number>>;
}

export interface RunReport {
  readonly schema: typeof REPORT_SCHEMA;
  readonly workload: WorkloadSummary;
  readonly configuration: {
    readonly processors: number;
    readonly era: string;
    readonly policy: string;
    readonly switches: SystemOptions['switches'];
    readonly seed: number;
  };
  readonly verdict: Verdict;
  /** Whether the run was stopped before its end, and by what. */
  readonly stopped: 'interrupted' | 'step limit' | 'guest died' | 'bad input' | null;
  /** What the guest died of, or what was wrong with the input. */
  readonly reason: string | null;
  readonly steps: number;
  readonly coherence: CoherenceReport | null;
  /** Where the run differs from what the workload states. */
  readonly unexpected: readonly string[];
  readonly mmu: readonly Processor['mmu']['counters'][];
}

export interface RunOutcome {
  readonly workload: WorkloadSummary;
  readonly stopped: RunReport['stopped'];
  readonly reason: string | null;
  readonly unexpected: readonly string[];
}

export function reportOn(system: System, outcome: RunOutcome): RunReport {
  const { processors, era, policy, switches, seed } = system.options;
  const coherence = system.detector?.report() ?? null;
  return {
    schema: REPORT_SCHEMA,
    workload: outcome.workload,
    configuration: { processors, era: era.id, policy, switches, seed },
    verdict: verdictOf(coherence, outcome),
    stopped: outcome.stopped,
    reason: outcome.reason,
    steps: system.stream.time,
    coherence,
    unexpected: outcome.unexpected,
    mmu: system.machine.processors.map(({ mmu }) => mmu.counters),
  };
}

function verdictOf(coherence: CoherenceReport | null, { unexpected, stopped }: RunOutcome): Verdict {
  if (coherence !== null && !coherence.clean) return 'violation';
  if (stopped === 'guest died') return 'died';
  if (unexpected.length > 0) return 'unexpected';
  return stopped === null ? 'clean' : 'limit';
}

export function printDisappointment(file: string, { thread, place, message }: Disappointment): string {
  return `${file}:${place.line}:${place.column}: ${thread}: ${message}`;
}
