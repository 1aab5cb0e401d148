/** What recorded lines make of address spaces, tasks and processors. The traces here are written by hand. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import type { RunOutcome } from '../../src/scenario/run-report.ts';
import type { SystemWords } from '../../src/scenario/system-options.ts';
import { TraceRun } from '../../src/scenario/trace-run.ts';

interface Replayed {
  readonly run: TraceRun;
  readonly outcome: RunOutcome;
  readonly events: readonly MachineEvent[];
  readonly violations: readonly string[];
}

function replay(lines: readonly string[], words: Partial<SystemWords> = {}): Replayed {
  const run = new TraceRun('given.trace', { detect: true, memory: 16, processors: 2, ...words });
  const events: MachineEvent[] = [];
  run.system.stream.observe((event) => events.push(event));
  run.push(new TextEncoder().encode(lines.map((line) => `${line}\n`).join('')));
  run.end();
  const violations = run.system.detector?.report().violations.map(({ severity }) => severity) ?? [];
  return { run, outcome: run.outcome(), events, violations };
}

const runs = (thread: number, process = 71): string => `--${process}--   SCHED[${thread}]:  acquired lock (x)`;
const call = (number: number, name: string, values: string, result: string, thread = 1): string =>
  `SYSCALL[71,${thread}](${number}) sys_${name} ( ${values} ) --> [pre-success] Success(${result}) `;
const mmap = (address: string, bytes: number, protection = 3): string =>
  call(9, 'mmap', `0x0, ${bytes}, ${protection}, 34, 4294967295, 0`, address);
const munmap = (address: string, bytes: number): string => call(11, 'munmap', `${address}, ${bytes}`, '0x0');
const mprotect = (address: string, bytes: number, protection: number): string =>
  call(10, 'mprotect', `${address}, ${bytes}, ${protection}`, '0x0');
/** No spurious faults: nobody fetches a translation just before it gains rights. */
const EXACT = { switches: ['speculation=off'] };

const EXIT = 'SYSCALL[71,1](231) exit_group( 0 ) --> [pre-success] Success(0x0) ';

const PAGE = '0x4800000';
const STORE = ' S 4800000,8';
const LOAD = ' L 4800000,8';

describe('accesses', () => {
  const rows: readonly { readonly given: string; readonly lines: readonly string[]; readonly expect: object }[] = [
    {
      given: 'a mapped page faults once',
      lines: [mmap(PAGE, 4096), STORE, LOAD, ' M 4800010,8'],
      expect: { accesses: 3, pageFaults: 1, implicitPages: 0 },
    },
    {
      given: 'a page that was there before recording began is mapped when it is first touched',
      lines: [LOAD, STORE, 'I  0401000,3'],
      // Each page faults once for want of a mapping and once to be filled; the write then copies the zero page.
      expect: { accesses: 3, pageFaults: 5, implicitPages: 2, forbiddenAccesses: 0 },
    },
    {
      given: 'an access across a page boundary touches both',
      lines: [mmap(PAGE, 8192), ' S 4800ffc,8'],
      expect: { accesses: 1, pageFaults: 2, implicitPages: 0 },
    },
    {
      given: 'what the mapping forbids is the program’s own signal',
      lines: [mmap(PAGE, 4096, 0), LOAD, mprotect(PAGE, 4096, 1), LOAD, STORE],
      expect: { accesses: 3, forbiddenAccesses: 2, implicitPages: 0 },
    },
    {
      given: 'a page that was unmapped and is touched again is mapped implicitly',
      lines: [mmap(PAGE, 4096), STORE, munmap(PAGE, 4096), LOAD],
      expect: { accesses: 2, pageFaults: 3, implicitPages: 1 },
    },
    {
      given: 'the break grows from where the trace first tells it',
      lines: [
        call(12, 'brk', '0x0', '0x4035000'),
        call(12, 'brk', '0x4037000', '0x4037000'),
        ' S 4036000,8',
        call(12, 'brk', '0x4035000', '0x4035000'),
        ' L 4036000,8',
      ],
      expect: { accesses: 2, pageFaults: 3, implicitPages: 1 },
    },
  ];
  it.each(rows)('$given', ({ lines, expect: expected }) => {
    const { outcome, violations } = replay([runs(1), ...lines, EXIT], EXACT);
    expect(outcome.workload).toMatchObject(expected);
    expect([outcome.stopped, violations]).toEqual([null, []]);
  });
});

describe('threads', () => {
  // Whoever comes next goes to the next processor; the scheduler moves one now and then, so the seed is one that does not.
  const shared = [
    runs(1),
    mmap(PAGE, 4096),
    STORE,
    runs(2),
    LOAD,
    runs(1),
    munmap(PAGE, 4096),
    runs(2),
    LOAD,
    runs(1),
    EXIT,
  ];
  const stays = (words: Partial<SystemWords>): Replayed => {
    for (let seed = 1; seed < 50; seed++) {
      const replayed = replay(shared, { ...words, seed });
      if (replayed.outcome.workload.migrations === 0) return replayed;
    }
    throw new Error('every seed moves a thread');
  };

  it('spread over processors: a munmap of one interrupts the other', () => {
    const { events, violations } = stays({ era: 'E1' });
    const begun = events.find((event) => event.kind === 'flush-begin' && event.reason === 'munmap');
    const flush = begun?.kind === 'flush-begin' ? begun.flush : -1;
    const decided = events.filter((event) => event.kind === 'flush-decision' && event.flush === flush);
    // Thread 1 unmaps on processor 0; thread 2 still stands on processor 1.
    expect(decided).toMatchObject([
      { processor: 0, action: 'partial' },
      { processor: 1, action: 'partial' },
    ]);
    expect(violations).toEqual([]);
  });

  it('and if it does not, the other uses what is gone', () => {
    expect(stays({ era: 'E1-no-remote' }).violations).toEqual(['stale-frame']);
  });

  it('are moved by the scheduler, some seeds more than others', () => {
    const hops = Array.from({ length: 40 }, (_, index) => runs(1 + (index % 2)));
    const migrations = [1, 2, 3, 4].map((seed) => replay([...hops, EXIT], { seed }).outcome.workload.migrations);
    expect(Math.max(...migrations)).toBeGreaterThan(0);
    expect(new Set(migrations).size).toBeGreaterThan(1);
  });
});

describe('processes', () => {
  const fork = [
    'SYSCALL[71,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x4a27a10, 0x0 )   clone(fork): process 71 created child 72',
    ` --> [pre-success] Success(0x48) ${runs(1)}`,
  ];

  it('a child has its parent’s pages until one of them writes', () => {
    const { outcome, violations } = replay(
      [runs(1), mmap(PAGE, 4096), STORE, ...fork, runs(1, 72), LOAD, STORE, runs(1), STORE],
      EXACT,
    );
    // The parent's first write, the child's copy, and the parent's right to write that fork has taken.
    expect(outcome.workload).toMatchObject({ pageFaults: 3, implicitPages: 0, forbiddenAccesses: 0 });
    expect(violations).toEqual([]);
  });

  it('give all memory back when they end', () => {
    const left = (lines: readonly string[]): number =>
      replay(lines, { processors: 1 }).run.system.kernel.context.pages.allocated;
    const without = left([runs(1), EXIT]);
    expect(left([runs(1), mmap(PAGE, 1 << 16), STORE, LOAD, ...fork, runs(1, 72), STORE, runs(1), EXIT])).toBe(without);
  });
});

describe('what is not replayed', () => {
  it('MREMAP_DONTUNMAP is refused, with the line', () => {
    const lines = [runs(1), mmap(PAGE, 4096), call(25, 'mremap', `${PAGE}, 4096, 4096, 0x5, 0x5000000`, '0x5000000')];
    expect(() => replay(lines)).toThrow(InputError);
    expect(() => replay(lines)).toThrow(/given\.trace:3: mremap with MREMAP_DONTUNMAP/);
  });

  it('a machine that is too small ends the guest, and says where', () => {
    const lines = [
      runs(1),
      mmap(PAGE, 1 << 23),
      ...Array.from({ length: 2000 }, (_, page) => ` S ${(0x4800000 + page * 4096).toString(16)},8`),
    ];
    const { outcome } = replay(lines, { memory: 4 });
    expect(outcome.stopped).toBe('guest died');
    expect(outcome.reason).toMatch(/^not supported: out of memory: .*\(at given\.trace:\d+\)$/);
  });
});
