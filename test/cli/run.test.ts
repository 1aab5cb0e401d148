import type { ChildProcess } from 'node:child_process';
import { gunzipSync, gzipSync } from 'node:zlib';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Finished, FROM_SOURCES, REPOSITORY, spawned, temporaryFolder, tlbsan } from './command.ts';

const folder = temporaryFolder();
const MUNMAP = 'fixtures/workloads/munmap.tlb';
const FORKS = 'fixtures/traces/forks.trace.gz';

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Ends in a deadlock: T2 waits for an event that comes only if T1's read is let through. */
const HANGS = file(
  'hangs.tlb',
  `scenario "two threads that wait for each other's processor"
processors 2
space A
thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 1
  offline 1
  await done
}
thread T1 in A on 1 {
  await go
  signal done
}
kernel K on 0 {
  signal go
}
`,
);

/** T1 keeps a translation of frames that come back as page tables, and writes through it what no kernel put there. */
const SCRIBBLES = file(
  'scribbles.tlb',
  `scenario "a stale write into page tables"
processors 2
space A
thread T0 in A on 0 {
  a = mmap 4 rw
  signal mapped
  await seen
  munmap a
  b = mmap 1 rw at 0x40000000
  write b[0] 1
  c = mmap 1 rw at 0x80000000
  write c[0] 1
  d = mmap 1 rw at 0x8000000000
  write d[0] 1
  signal go
  await scribbled
  munmap b
  munmap c
  munmap d
}
thread T1 in A on 1 {
  await mapped
${stores(1)}
  signal seen
  await go
${stores('0xffff_ffff_ffff_ffff')}
  signal scribbled
}
`,
);

function stores(value: number | string): string {
  return [0, 1, 2, 3].map((page) => `  write a[${page}] ${value}`).join('\n');
}

describe('tlbsan run ends with', () => {
  it('the same status as a process of its own', async () => {
    const args = ['run', MUNMAP, '--era', 'E1-no-remote'];
    expect(await spawned([...FROM_SOURCES, ...args])).toEqual(await tlbsan(args));
  });

  it('0 when nothing was found', async () => {
    const { status, stdout, stderr } = await tlbsan(['run', MUNMAP]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^verdict {3}clean/);
  });

  it('1 when a stale translation was used', async () => {
    const { status, stdout } = await tlbsan(['run', MUNMAP, '--era', 'E1-no-remote']);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^verdict {3}VIOLATION: 2 distinct, 2 uses of stale translations\n/);
    expect(stdout).toContain('violation 1: stale-frame');
  });

  it('1 when the workload states something else', async () => {
    const text = readFileSync(join(REPOSITORY, MUNMAP), 'utf8').replace('read a[0] -> 17', 'read a[0] -> 18');
    const wrong = file('wrong.tlb', text);
    const { status, stdout } = await tlbsan(['run', wrong]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^verdict {3}UNEXPECTED/);
    expect(stdout).toContain(`${wrong}:22:3: T1: read 17 from a[0], expected 18`);
  });

  it('3 when it was stopped with nothing found', async () => {
    const { status, stdout } = await tlbsan(['run', MUNMAP, '--max-steps', '100']);
    expect(status).toBe(3);
    expect(stdout).toMatch(/^verdict {3}LIMIT: stopped early \(step limit\)/);
  });

  it('4 when the guest died with nothing found, and the report is printed all the same', async () => {
    const { status, stdout } = await tlbsan(['run', HANGS]);
    expect(status).toBe(4);
    expect(stdout).toMatch(/^verdict {3}GUEST DIED: deadlock: /);
    expect(stdout).toContain('flush decisions');
  });

  it('1 when the guest died of the violation that was found, 4 when nobody looked', async () => {
    const judged = await tlbsan(['run', SCRIBBLES, '--era', 'E1-no-remote']);
    expect(judged.stdout).toMatch(/^verdict {3}VIOLATION: 4 distinct, .*; then stopped \(guest died: kernel panic: /);
    expect(judged.status).toBe(1);
    const unjudged = await tlbsan(['run', SCRIBBLES, '--era', 'E1-no-remote', '--no-detect']);
    expect(unjudged.stdout).toMatch(/^verdict {3}GUEST DIED: kernel panic: /);
    expect(unjudged.status).toBe(4);
  });

  it('0 for the same program under a kernel that flushes: the writes fault', async () => {
    expect((await tlbsan(['run', SCRIBBLES, '--era', 'E1'])).status).toBe(0);
  });

  it('4 when the machine has too little memory', async () => {
    const { status, stdout } = await tlbsan(['run', FORKS, '--memory', '1']);
    expect(status).toBe(4);
    expect(stdout).toMatch(
      /^verdict {3}GUEST DIED: not supported: out of memory.* \(at fixtures\/traces\/forks\.trace\.gz:\d+\)/,
    );
  });

  it('2 when the trace turns out bad on the way, after a report of what came before', async () => {
    const lines = gunzipSync(readFileSync(join(REPOSITORY, FORKS)))
      .toString('latin1')
      .split('\n');
    lines[150_000] = ' S zzz,8';
    const damaged = file('damaged.trace', lines.join('\n'));
    const { status, stdout, stderr } = await tlbsan(['run', damaged]);
    expect(status).toBe(2);
    expect(stdout).toMatch(/^verdict {3}LIMIT: stopped early \(bad input: /);
    expect(stdout).toMatch(/^accesses +1[0-9]{2},[0-9]{3} /m);
    expect(stderr).toBe(`tlbsan: ${damaged}:150001: ${malformed}\n`);
  });

  it('2 when the trace is a gzip file that ends too early', async () => {
    const packed = readFileSync(join(REPOSITORY, FORKS));
    const half = packed.subarray(0, Math.floor(packed.length / 2));
    const cut = file('cut.trace.gz', half);
    const { status, stdout, stderr } = await tlbsan(['run', cut]);
    expect(status).toBe(2);
    expect(stdout).toMatch(/^verdict {3}LIMIT: stopped early \(bad input: /);
    expect(stderr).toBe(`tlbsan: ${cut} at byte ${half.length}: the gzip data ends too early\n`);
  });
});

const malformed = 'malformed memory line " S zzz,8": expected a code, a hexadecimal address, a comma and a size';

interface BadUse {
  readonly given: string;
  readonly args: readonly string[];
  /** Of standard error. */
  readonly expect: RegExp;
}

mkdirSync(join(folder, 'folder'));
const BAD_USES: readonly BadUse[] = [
  { given: 'no file of that name', args: ['run', 'nowhere.tlb'], expect: /^tlbsan: nowhere\.tlb: no such file\n$/ },
  { given: 'a folder', args: ['run', folder], expect: /: is a directory\n$/ },
  { given: 'an empty file', args: ['run', file('empty', '')], expect: /: is empty\n$/ },
  {
    given: 'binary garbage',
    args: ['run', file('garbage', Buffer.from([0, 255, 128, 7]))],
    expect: /neither a scenario nor a trace/,
  },
  {
    given: 'packed garbage',
    args: ['run', file('garbage.gz', gzipSync('garbage'))],
    expect: /neither a scenario nor a trace/,
  },
  { given: 'an empty gzip file', args: ['run', file('empty.gz', gzipSync(''))], expect: /: is empty\n$/ },
  {
    given: 'gzip twice',
    args: ['run', file('twice.gz', gzipSync(gzipSync('scenario "x"')))],
    expect: /neither a scenario nor/,
  },
  {
    given: 'the head of a gzip file alone',
    args: ['run', file('head.gz', Buffer.from([31, 139, 8, 0]))],
    expect: / at byte \d+: the gzip data ends too early\n$/,
  },
  {
    given: 'damaged gzip data',
    args: ['run', file('damaged.gz', damage(gzipSync('scenario "x"\n'.repeat(50))))],
    expect: / at byte \d+: damaged gzip data/,
  },
  {
    given: 'a scenario that is not UTF-8',
    args: ['run', file('latin1.tlb', Buffer.from('scenario "\xe9"\n', 'latin1'))],
    expect: /not UTF-8 text\n$/,
  },
  {
    given: 'a syntax error',
    args: ['run', file('syntax.tlb', 'scenario "x"\nprocessors two\n')],
    expect: /syntax\.tlb:2:12: /,
  },
  {
    given: 'an absurd number',
    args: ['run', file('absurd.tlb', 'scenario "x"\nprocessors 99999999999999999999\n')],
    expect: /absurd\.tlb:2:12: /,
  },
  {
    given: 'an unknown era in the scenario',
    args: ['run', file('era.tlb', 'scenario "x"\nprocessors 1\nera E99\n')],
    expect: /era\.tlb: no era 'E99'; there are E0a, /,
  },
  {
    given: 'an unknown switch in the scenario',
    args: ['run', file('switch.tlb', 'scenario "x"\nprocessors 1\nset frob=on\n')],
    expect: /switch\.tlb:3:\d+: unknown switch 'frob'/,
  },
  {
    given: 'an unknown policy in the scenario',
    args: ['run', file('policy.tlb', 'scenario "x"\nprocessors 1\npolicy best\n')],
    expect: /policy\.tlb: unknown policy 'best'/,
  },
  { given: 'an unknown era', args: ['run', MUNMAP, '--era', 'E99'], expect: /^tlbsan: --era: no era 'E99'/ },
  {
    given: 'an unknown switch',
    args: ['run', MUNMAP, '--set', 'frob=on'],
    expect: /^tlbsan: --set: unknown switch 'frob'/,
  },
  {
    given: 'a switch without a value',
    args: ['run', MUNMAP, '--set', 'pcid'],
    expect: /^tlbsan: --set: expected NAME=on or NAME=off/,
  },
  {
    given: 'a switch with an unknown value',
    args: ['run', MUNMAP, '--set', 'pcid=maybe'],
    expect: /^tlbsan: --set: switch 'pcid' is 'on' or 'off'/,
  },
  {
    given: 'a switch with two values',
    args: ['run', MUNMAP, '--set', 'pcid=on=off'],
    expect: /^tlbsan: --set: switch 'pcid' is 'on' or 'off', not 'on=off'/,
  },
  {
    given: 'an unknown policy',
    args: ['run', MUNMAP, '--policy', 'best'],
    expect: /^tlbsan: --policy: unknown policy 'best'/,
  },
  {
    given: 'no processor',
    args: ['run', MUNMAP, '--cpus', '0'],
    expect: /^tlbsan: --cpus: 0 is not a whole number from 1 to 32\n$/,
  },
  { given: 'too many processors', args: ['run', MUNMAP, '--cpus', '33'], expect: /^tlbsan: --cpus: 33 is not/ },
  {
    given: 'half a processor',
    args: ['run', MUNMAP, '--cpus', '1.5'],
    expect: /^error: .*'--cpus <n>'.*no whole number/,
  },
  { given: 'a negative seed', args: ['run', MUNMAP, '--seed', '-1'], expect: /^error: .*'--seed <n>'/ },
  {
    given: 'a seed that is too large',
    args: ['run', MUNMAP, '--seed', '4294967296'],
    expect: /^tlbsan: --seed: 4294967296 is not/,
  },
  {
    given: 'more memory than there may be',
    args: ['run', MUNMAP, '--memory', '4097'],
    expect: /^tlbsan: --memory: 4097 is not/,
  },
  {
    given: 'no step at all',
    args: ['run', MUNMAP, '--max-steps', '0'],
    expect: /^error: .*'--max-steps <n>'.*at least 1/,
  },
  {
    given: 'a bound on the steps of a trace',
    args: ['run', FORKS, '--max-steps', '9'],
    expect: /^tlbsan: --max-steps: is for scenarios/,
  },
  {
    given: 'an option that there is not',
    args: ['run', MUNMAP, '--frob'],
    expect: /^error: unknown option '--frob'\n/,
  },
  { given: 'a command that there is not', args: ['frob'], expect: /^error: unknown command 'frob'/ },
  {
    given: 'two files',
    args: ['run', MUNMAP, MUNMAP],
    expect: /munmap\.tlb: takes no arguments: it is no program\n$/,
  },
  {
    given: 'an option of programs',
    args: ['run', MUNMAP, '--engine', 'golden'],
    expect: /^tlbsan: --engine: is for programs; .*munmap\.tlb is none\n$/,
  },
  { given: 'no file', args: ['run'], expect: /^error: missing required argument 'file'/ },
  {
    given: 'a report that cannot be written',
    args: ['run', MUNMAP, '--json', join(folder, 'none', 'x')],
    expect: /: cannot be written: no such folder\n$/,
  },
  {
    given: 'a trace that cannot be written',
    args: ['run', MUNMAP, '--trace', folder],
    expect: /: cannot be written: is a directory\n$/,
  },
  {
    given: 'a trace in place of the workload',
    args: ['run', file('kept.tlb', 'scenario "x"\nprocessors 1\n'), '--trace', join(folder, 'kept.tlb')],
    expect: /: is already read or written here\n$/,
  },
];

function damage(bytes: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, 10), Buffer.from([0xff, 0xff, 0xff, 0xff]), bytes.subarray(14)]);
}

describe('bad input and usage end with 2, and a line that says what is wrong', () => {
  it.each(BAD_USES)('$given', async ({ args, expect: message }) => {
    const { status, stdout, stderr } = await tlbsan(args);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it('and leave the workload as it was', () => {
    expect(readFileSync(join(folder, 'kept.tlb'), 'utf8')).toBe('scenario "x"\nprocessors 1\n');
  });
});

describe('Ctrl-C', () => {
  const long = file(
    'long.tlb',
    `scenario "goes on for long"
processors 1
space A
thread T in A on 0 {
  a = mmap 8 rw
  repeat 200000 {
    mprotect a r
    mprotect a rw
    write a[3] 1
  }
}
`,
  );

  it('prints what was found so far', async () => {
    const { status, stdout, stderr } = await interrupted(['run', long]);
    expect(stdout).toMatch(/^verdict {3}LIMIT: stopped early \(interrupted\)/);
    expect(stdout).toContain('flush decisions');
    expect({ status, stderr }).toEqual({ status: 3, stderr: '' });
  });

  function interrupted(args: readonly string[]): Promise<Finished> {
    const output = join(folder, 'interrupted.perfetto-trace');
    // The trace grows once the run has begun, and by then Ctrl-C is listened for.
    const whileRunning = (child: ChildProcess): void => {
      const timer = setInterval(() => {
        if (!grown(output)) return;
        clearInterval(timer);
        child.kill('SIGINT');
      }, 50);
      child.on('close', () => clearInterval(timer));
    };
    return spawned([...FROM_SOURCES, ...args, '--trace', output], { whileRunning });
  }

  function grown(output: string): boolean {
    try {
      return readFileSync(output).length > 0;
    } catch {
      return false;
    }
  }
});
