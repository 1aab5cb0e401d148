/** `tlbsan merge FILES`: one report of the reports of all shards of a search, as the whole search would have made it. */
import { readFileSync } from 'node:fs';
import type { Json } from '../coherence/report-json.ts';
import { InputError } from '../base/errors.ts';
import { merge, SHARD_SCHEMA, type ShardResult } from '../explore/shard-result.ts';
import type { Finding } from '../explore/verdict.ts';
import type { ExitStatus } from './exit-status.ts';
import { EXPLORE_SCHEMA, exploreStatus } from './explore-command.ts';
import { type ExploreReport, type FindingReport, printExploration } from './explore-text.ts';
import { type JsonFlag, openJson } from './json-output.ts';
import type { Streams } from './streams.ts';
import { paintFor } from './terminal-paint.ts';

/** Throws InputError for a file that is no report of a shard, and for shards that are missing, there twice, or another search's. */
export function mergeCommand(
  files: readonly string[],
  { json }: { readonly json?: JsonFlag },
  { out }: Streams,
): ExitStatus {
  const target = openJson(json, out, { keep: files });
  try {
    const report = mergeReports(files.map(readShard));
    // What the detector says is in JSON already, so the text leaves it to `replay`.
    const brief = { ...report, findings: report.findings.map((each) => ({ ...each, story: [], coherence: NOTHING })) };
    if (!target.replacesText) out.write(printExploration(brief, paintFor(out)));
    target.write(report as unknown as Json);
    return exploreStatus(report);
  } finally {
    target.close();
  }
}

const NOTHING = { violations: [], findings: [] };

export function mergeReports(reports: readonly ExploreReport[]): ExploreReport {
  const byId = new Map<string, FindingReport>();
  const lowestFirst = reports.flatMap(({ findings }) => findings).sort((a, b) => a.part - b.part);
  for (const finding of lowestFirst) if (!byId.has(finding.id)) byId.set(finding.id, finding);
  const { findings, ...sums } = merge(reports.map(shardResult));
  const [first] = reports;
  if (first === undefined) throw new InputError('there is nothing to merge', { file: 'shards' });
  return {
    ...first,
    ...sums,
    shard: { ...first.shard, index: 0, count: 1 },
    unmet: first.unmet?.filter((line) => reports.every(({ unmet }) => unmet?.includes(line))) ?? null,
    findings: findings.flatMap(({ violation, executions }) => {
      const known = byId.get(violation.id);
      return known === undefined ? [] : [{ ...known, executions }];
    }),
  };
}

function shardResult({ shard, verdict, counts, limit, outcomes, findings }: ExploreReport): ShardResult {
  const plain = findings.map(
    ({ id, message, executions, part }): Finding => ({ violation: { id, message }, schedule: [], executions, part }),
  );
  const { index, count, search } = shard;
  return { schema: SHARD_SCHEMA, search, index, count, result: { verdict, counts, limit, outcomes, findings: plain } };
}

function readShard(file: string): ExploreReport {
  const report = parse(file);
  if (report.schema !== EXPLORE_SCHEMA || typeof report.shard !== 'object' || !Array.isArray(report.findings)) {
    throw new InputError(`is no report of 'explore --json' with schema ${EXPLORE_SCHEMA}`, { file });
  }
  return report;
}

function parse(file: string): ExploreReport {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new InputError('cannot be read', { file });
  }
  try {
    const report = JSON.parse(text) as unknown;
    if (typeof report === 'object' && report !== null) return report as ExploreReport;
  } catch {
    throw new InputError('is no JSON: was its shard killed? run it again', { file });
  }
  throw new InputError('is no report', { file });
}
