/** `tlbsan check FILE`: says whether a workload can be read and run, and what it is, without running it. */
import { scenarioOptions } from '../scenario/scenario-run.ts';
import { printCount } from '../trace/table.ts';
import { LackeyReader } from '../workload/lackey-reader.ts';
import { parseScenario } from '../workload/scenario-parser.ts';
import { traceRecord } from '../workload/trace-record.ts';
import { ExitStatus } from './exit-status.ts';
import { type JsonFlag, openJson } from './json-output.ts';
import { type OpenWorkload, openWorkload } from './input-file.ts';
import type { Streams } from './streams.ts';

const CHECK_SCHEMA = 1;

/** What docs/schema/check-1.json describes, the file and the schema's number left out. */
type Facts =
  | {
      readonly kind: 'scenario';
      readonly title: string;
      readonly processors: number;
      readonly era: string;
      readonly policy: string;
      readonly spaces: number;
      readonly threads: number;
    }
  | {
      readonly kind: 'trace';
      readonly accesses: number;
      readonly systemCalls: number;
      readonly processes: number;
      readonly threads: number;
      /** Lines that say nothing of memory, threads or calls. */
      readonly otherLines: number;
    };

/** Throws InputError for whatever is wrong with the file. */
export async function checkCommand(
  file: string,
  { json }: { readonly json?: JsonFlag },
  { out }: Streams,
): Promise<ExitStatus> {
  const workload = await openWorkload(file);
  const facts =
    workload.format === 'scenario' ? describeScenario(await workload.text(), file) : await describeTrace(workload);
  const report = { schema: CHECK_SCHEMA, file, ...facts };
  const target = openJson(json, out, { keep: [file] });
  if (!target.replacesText) out.write(`${file}: ok: ${inWords(facts)}\n`);
  target.write(report);
  target.close();
  return ExitStatus.clean;
}

function inWords(facts: Facts): string {
  switch (facts.kind) {
    case 'scenario':
      return [
        `scenario "${facts.title}"`,
        counted(facts.processors, 'processor'),
        `era ${facts.era}`,
        `policy ${facts.policy}`,
        counted(facts.spaces, 'space'),
        counted(facts.threads, 'thread'),
      ].join(', ');
    case 'trace':
      return [
        `trace of ${counted(facts.processes, 'process', 'processes')}`,
        counted(facts.threads, 'thread'),
        counted(facts.accesses, 'access', 'accesses'),
        counted(facts.systemCalls, 'system call'),
        counted(facts.otherLines, 'other line'),
      ].join(', ');
  }
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${printCount(count)} ${count === 1 ? one : many}`;
}

function describeScenario(text: string, file: string): Facts {
  const scenario = parseScenario(text, file);
  const { processors, era, policy } = scenarioOptions(scenario, file, { detect: true });
  const { title, spaces, threads } = scenario;
  return {
    kind: 'scenario',
    title,
    processors,
    era: era.id,
    policy,
    spaces: spaces.length,
    threads: threads.length,
  };
}

async function describeTrace({ file, chunks }: OpenWorkload): Promise<Facts> {
  const threads = new Set<string>();
  const processes = new Set<number>();
  let systemCalls = 0;
  const reader = new LackeyReader(file, {
    access: () => {},
    thread: (pid, tid) => {
      threads.add(`${pid},${tid}`);
      processes.add(pid);
    },
    threadExit: () => {},
    blocked: () => {},
    fork: (_parent, child) => processes.add(child),
    systemCall: (record) => {
      systemCalls++;
      traceRecord(record, file);
    },
  });
  for await (const chunk of chunks()) reader.push(chunk);
  reader.end();
  const { accesses, noiseLines: otherLines } = reader;
  return { kind: 'trace', accesses, systemCalls, processes: processes.size, threads: threads.size, otherLines };
}
