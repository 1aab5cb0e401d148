/** `tlbsan check FILE`: says whether a workload can be read, and what it is, without running it. */
import { LackeyReader } from '../workload/lackey-reader.ts';
import { parseScenario } from '../workload/scenario-parser.ts';
import { traceRecord } from '../workload/trace-record.ts';
import { ExitStatus } from './exit-status.ts';
import { openWorkload } from './input-file.ts';

/** Throws InputError for whatever is wrong with the file. */
export async function checkCommand(file: string, { json }: { readonly json: boolean }): Promise<ExitStatus> {
  const workload = await openWorkload(file);
  const facts =
    workload.format === 'scenario' ? describeScenario(await workload.text(), file) : await describeTrace(workload);
  if (json) process.stdout.write(`${JSON.stringify({ schema: 1, file, ...facts }, null, 2)}\n`);
  else {
    const words = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
    process.stdout.write(`${file}: ok: ${words.join(', ')}\n`);
  }
  return ExitStatus.clean;
}

type Facts = Readonly<Record<string, string | number>>;

function describeScenario(text: string, file: string): Facts {
  const { title, processors, threads, spaces } = parseScenario(text, file);
  return { kind: 'scenario', title, processors, spaces: spaces.length, threads: threads.length };
}

async function describeTrace(workload: Awaited<ReturnType<typeof openWorkload>>): Promise<Facts> {
  const { file } = workload;
  const threads = new Set<string>();
  const processes = new Set<number>();
  let calls = 0;
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
      calls++;
      traceRecord(record, file);
    },
  });
  for await (const chunk of workload.chunks()) reader.push(chunk);
  reader.end();
  return {
    kind: 'trace',
    accesses: reader.accesses,
    'system calls': calls,
    processes: processes.size,
    threads: threads.size,
  };
}
