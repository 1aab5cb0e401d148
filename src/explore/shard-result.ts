/**
 * The result of one shard as plain data that can be written to a file, and the merging of all of them. The merged counts,
 * outcomes and findings are those of the unsharded search with the same parts, if every shard ran to its end; when
 * shards stop at their first violation, the one in the lowest part is the unsharded search's.
 */
import { InputError } from '../base/errors.ts';
import type { Counts, Finding, LimitKind, Result, Verdict } from './verdict.ts';

export const SHARD_SCHEMA = 1;

export interface ShardResult {
  readonly schema: typeof SHARD_SCHEMA;
  /** Identifies workload, strategy and options: only equal ones can be merged. */
  readonly search: string;
  readonly index: number;
  readonly count: number;
  readonly result: Result;
}

/** Throws InputError if the shards are not all there, once each, and of one search. */
export function merge(shards: readonly ShardResult[]): Result {
  check(shards);
  return combine(shards.map(({ result }) => result));
}

/** One result of the results of several parts of a search. At least one. */
export function combine(results: readonly Result[]): Result {
  const findings = mergeFindings(results);
  const limit = results.map((result) => result.limit).find((kind) => kind !== null) ?? null;
  return {
    verdict: verdict(findings, limit),
    counts: results.map(({ counts }) => counts).reduce(add),
    limit,
    outcomes: mergeOutcomes(results),
    findings,
  };
}

function check(shards: readonly ShardResult[]): void {
  const place = { file: 'shards' };
  const first = shards[0];
  if (first === undefined) throw new InputError('there is nothing to merge', place);
  for (const { schema, search, count } of shards) {
    if (schema !== SHARD_SCHEMA) throw new InputError(`schema ${schema}, this program reads ${SHARD_SCHEMA}`, place);
    if (search !== first.search) throw new InputError(`of different searches: ${first.search}, ${search}`, place);
    if (count !== first.count) throw new InputError(`one of ${first.count} and one of ${count}`, place);
  }
  const seen = new Set<number>();
  for (const { index } of shards) {
    if (seen.has(index)) throw new InputError(`shard ${index} is there twice`, place);
    seen.add(index);
  }
  const missing = Array.from({ length: first.count }, (_, index) => index).filter((index) => !seen.has(index));
  if (missing.length > 0)
    throw new InputError(`missing of ${first.count}: ${missing.join(', ')}; run them again`, place);
}

function verdict(findings: readonly Finding[], limit: LimitKind | null): Verdict {
  if (findings.length > 0) return 'violation';
  return limit === null ? 'exhausted' : 'limit';
}

function add(a: Counts, b: Counts): Counts {
  return {
    complete: a.complete + b.complete,
    blocked: a.blocked + b.blocked,
    asleep: a.asleep + b.asleep,
    cached: a.cached + b.cached,
    truncated: a.truncated + b.truncated,
    steps: a.steps + b.steps,
    transitions: a.transitions + b.transitions,
    states: a.states + b.states,
    cut: a.cut + b.cut,
  };
}

function mergeOutcomes(results: readonly Result[]): Result['outcomes'] {
  const sums = new Map<string, number>();
  for (const { outcomes } of results) {
    for (const [outcome, executions] of outcomes) sums.set(outcome, (sums.get(outcome) ?? 0) + executions);
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Ordered as one search over all parts would have met them. */
function mergeFindings(results: readonly Result[]): Finding[] {
  const merged = new Map<string, Finding>();
  const all = results.flatMap(({ findings }) => findings.map((finding, order) => ({ finding, order })));
  all.sort((a, b) => a.finding.part - b.finding.part || a.order - b.order);
  for (const { finding } of all) {
    const known = merged.get(finding.violation.id);
    const executions = (known?.executions ?? 0) + finding.executions;
    merged.set(finding.violation.id, { ...(known ?? finding), executions });
  }
  return [...merged.values()];
}
