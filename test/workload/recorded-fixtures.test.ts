/** The recorded traces hold what fixtures/README.md says: real programs, many threads, many changes of the mappings. */

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { PageNumber } from '../../src/arch/address.ts';
import type { AccessKind, LackeyHandler, SystemCallRecord } from '../../src/workload/lackey-handler.ts';
import { LackeyReader } from '../../src/workload/lackey-reader.ts';
import { type TraceCall, traceRecord } from '../../src/workload/trace-record.ts';
import { workloadFormat } from '../../src/workload/workload-format.ts';

class Census implements LackeyHandler {
  readonly accesses: [number, number, number, number] = [0, 0, 0, 0];
  readonly calls: { [Kind in TraceCall['kind']]?: number } = {};
  readonly threads = new Set<string>();
  readonly processes = new Set<number>();
  changes = 0;
  exits = 0;

  access(kind: AccessKind, _page: PageNumber, _offset: number, _size: number): void {
    this.accesses[kind]++;
  }
  thread(pid: number, tid: number): void {
    this.changes++;
    this.threads.add(`${pid},${tid}`);
    this.processes.add(pid);
  }
  blocked(): void {}
  threadExit(): void {
    this.exits++;
  }
  fork(_parent: number, child: number): void {
    expect(this.processes.has(child)).toBe(false);
  }
  systemCall(record: SystemCallRecord): void {
    const { kind } = traceRecord(record, 'fixture');
    this.calls[kind] = (this.calls[kind] ?? 0) + 1;
  }
}

const rows = [
  {
    file: 'threads.trace.gz',
    lines: 1_497_649,
    processes: 1,
    threads: 7,
    calls: { mmap: 192, munmap: 251, mprotect: 395, mremap: 83, madvise: 84, 'clone-thread': 6, 'exit-group': 1 },
  },
  {
    file: 'forks.trace.gz',
    lines: 171_760,
    processes: 21,
    threads: 21,
    calls: { mmap: 2, munmap: 10, mprotect: 11, fork: 20, 'exit-group': 21 },
  },
  {
    file: 'sort.trace.gz',
    lines: 1_500_625,
    processes: 1,
    threads: 1,
    calls: { mmap: 3, munmap: 2, mprotect: 1, mremap: 1, madvise: 12, brk: 6, 'exit-group': 1 },
  },
  {
    file: 'ls.trace.gz',
    lines: 506_225,
    processes: 1,
    threads: 1,
    calls: { mmap: 21, munmap: 1, mprotect: 6, brk: 3, 'exit-group': 1 },
  },
];

describe.each(rows)('$file', ({ file, lines, processes, threads, calls }) => {
  const packed = readFileSync(new URL(`../../fixtures/traces/${file}`, import.meta.url));
  const bytes = gunzipSync(packed);
  const census = new Census();
  const reader = new LackeyReader(file, census);
  for (let start = 0; start < bytes.length; start += 65_536) reader.push(bytes.subarray(start, start + 65_536));
  reader.end();

  it('is a packed lackey trace, small enough to keep', () => {
    expect(workloadFormat(packed)).toBe('gzip');
    expect(workloadFormat(bytes)).toBe('lackey');
    expect(packed.length).toBeLessThan(1_600_000);
  });

  it('is read whole', () => {
    expect(reader.line).toBe(lines);
    const sum = census.accesses.reduce((one, other) => one + other);
    expect(reader.accesses).toBe(sum);
    expect(Math.min(...census.accesses)).toBeGreaterThan(0);
    expect(sum / lines).toBeGreaterThan(0.99);
  });

  it('has its processes, threads and calls, and every thread ends', () => {
    expect(census.processes.size).toBe(processes);
    expect(census.threads.size).toBe(threads);
    expect(census.exits).toBe(threads);
    for (const [kind, count] of Object.entries(calls)) {
      expect([kind, census.calls[kind as TraceCall['kind']] ?? 0]).toEqual([kind, count]);
    }
    if (threads > 1) expect(census.changes).toBeGreaterThan(300);
  });
});
