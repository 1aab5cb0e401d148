/** What the statements of a scenario do when they run, beyond what the kernel's own tests hold its operations to. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import type { RunReport } from '../../src/scenario/run-report.ts';
import { runScenario } from '../../tools/twins/run.ts';

const FILE = 'given.tlb';
/** In MiB. */
const MEMORY = 8;

function run(body: string, words: { seed?: number; era?: string; switches?: readonly string[] } = {}): RunReport {
  return runScenario(`scenario "given"\nprocessors 3\n${body}\n`, FILE, { memory: MEMORY, ...words }).report;
}

function unexpected(body: string, seeds = 1): string[] {
  return Array.from({ length: seeds }, (_, seed) => run(body, { seed }).unexpected).flat();
}

describe('outcomes of accesses', () => {
  const thread = (statements: string): string => `space A\nthread T in A on 0 {\n a = mmap 1 rw\n${statements}\n}`;
  const rows: readonly { readonly given: string; readonly statements: string; readonly expect: readonly string[] }[] = [
    { given: 'a value that is read', statements: 'write a[0] 7\nread a[0] -> 7', expect: [] },
    {
      given: 'another value',
      statements: 'write a[0] 7\nread a[0] -> 8',
      expect: ['given.tlb:7:1: T: read 7 from a[0], expected 8'],
    },
    {
      given: 'a fault where a value is stated',
      statements: 'munmap a\nread a[0] -> 8',
      expect: ['given.tlb:7:1: T: read of a[0] ended in SIGSEGV'],
    },
    { given: 'a fault that is stated', statements: 'munmap a\nread a[0]+8 -> fault', expect: [] },
    {
      given: 'no fault though one is stated',
      statements: 'write a[0]+16 1 -> fault',
      expect: ['given.tlb:6:1: T: write of a[0]+16 succeeded, expected a fault'],
    },
    { given: 'a fault where nothing is stated', statements: 'munmap a\nread a[0]', expect: [] },
    { given: 'after a fault the thread goes on', statements: 'mprotect a r\nwrite a[0] 1\nread a[0] -> 0', expect: [] },
  ];
  it.each(rows)('$given', ({ statements, expect: expected }) => {
    expect(unexpected(thread(statements))).toEqual(expected);
  });
});

describe('events', () => {
  it('whoever has seen a signal sees what was stored before it', () => {
    const body = `space A
thread T0 in A on 0 {
  a = mmap 1 rw
  repeat 5 { write a[0] 1 }
  write a[0] 2
  signal stored
}
thread T1 in A on 1 {
  await stored
  read a[0] -> 2
}`;
    expect(unexpected(body, 60)).toEqual([]);
  });

  it('a signal stays raised', () => {
    const body = 'space A\nthread T in A on 0 {\n signal s\n await s\n await s\n}';
    expect(run(body)).toMatchObject({ verdict: 'clean', stopped: null });
  });
});

describe('threads', () => {
  it('take their stores along when they move', () => {
    const body = `space A
thread T in A on 0 {
  a = mmap 1 rw
  repeat 6 {
    write a[0] 1
    run on 1
    read a[0] -> 1
    write a[0] 2
    run on 2
    read a[0] -> 2
    run on 0
  }
}`;
    expect(unexpected(body, 30)).toEqual([]);
  });

  it('share a processor, one after the other', () => {
    const thread = (name: string): string => `thread ${name} in A on 0 {\n await go\n repeat 3 { write a[0] 1 }\n}`;
    const body = `space A\nthread T in A on 0 {\n a = mmap 1 rw\n signal go\n}\n${thread('U')}\n${thread('V')}`;
    expect(run(body)).toMatchObject({ verdict: 'clean', stopped: null });
  });

  it('of a forked space start when it is there, with the variables of its parent', () => {
    const body = `space A
space B
thread P in A on 0 {
  a = mmap 1 rw
  write a[0] 5
  fork B
  write a[0] 6
}
thread C in B on 1 {
  read a[0] -> 5
}`;
    expect(unexpected(body, 30)).toEqual([]);
  });

  it('of the kernel see what another has mapped and written', () => {
    const body = `kernel K on 0 {
  v = vmalloc 2
  write v[1] 9
  signal made
}
kernel L on 1 {
  await made
  read v[1] -> 9
}`;
    expect(unexpected(body, 60)).toEqual([]);
  });
});

describe('what cannot be executed', () => {
  const place = (act: () => unknown): unknown => {
    try {
      return act();
    } catch (error) {
      return error instanceof InputError ? `${error.message}` : error;
    }
  };

  it('a variable that another thread has not bound yet', () => {
    const body = `space A
thread T0 in A on 0 {
  repeat 50 { signal s }
  a = mmap 1 rw
}
thread T1 in A on 1 {
  read a[0]
}`;
    expect(place(() => run(body))).toMatch(/given\.tlb:9:3: 'a' is not mapped yet/);
  });

  it('a space whose fork has not happened yet', () => {
    const body = `space A
space B
thread T in A on 0 {
  a = mmap 1 rw
  signal mapped
  repeat 50 { read a[0] }
  fork B
}
thread C in B on 1 {
  read a[0]
}
kernel K on 2 {
  await mapped
  reclaim a of B
}`;
    expect(place(() => run(body))).toMatch(/given\.tlb:16:3: space 'B' does not exist yet/);
  });

  it('threads that wait for each other: the run says who, and where', () => {
    const body = `space A
thread T in A on 0 {
  a = mmap 1 rw
  signal ready
}
kernel K on 1 {
  await ready
  offline 0
  offline 2
}
thread U in A on 2 {
  await ready
  run on 0
  read a[0]
}`;
    const { verdict, stopped, reason } = run(body);
    expect({ verdict, stopped }).toEqual({ verdict: 'died', stopped: 'guest died' });
    expect(reason).toMatch(/deadlock: nothing can go on: waiting are U at line 1\d/);
  });
});

describe('hardware steps on purpose', () => {
  it('speculate fills, evict empties', () => {
    const walks = (statement: string): number => {
      const body = `space A
thread T in A on 0 {
  a = mmap 2 rw
  write a[0] 1
  write a[1] 1
  ${statement}
  read a[1]
}`;
      const report = run(body, { switches: ['speculation=off'] });
      return report.mmu[0]?.walks ?? -1;
    };
    const plain = walks('read a[0]');
    expect(walks('evict a[1] of A on 0')).toBe(plain + 1);
    expect(walks('evict a[1] of A on 0\nspeculate a[1] of A on 0')).toBe(plain + 1);
  });
});
