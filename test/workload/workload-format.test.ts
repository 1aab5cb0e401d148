import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { workloadFormat } from '../../src/workload/workload-format.ts';

const rows = [
  { given: 'scenario "s"\n', expected: 'scenario' },
  { given: '# ==1== Lackey, really\r\n\n  # more\n  scenario "s"', expected: 'scenario' },
  { given: '==71== Lackey, an example Valgrind tool\n', expected: 'lackey' },
  { given: '==71== Memcheck, a memory error detector\n', expected: null },
  { given: 'program output\nI  0401000,3\n', expected: 'lackey' },
  { given: ' S 1ffeffe7e0,8\n', expected: 'lackey' },
  { given: '--71--   SCHED[1]:  acquired lock (x)\n', expected: 'lackey' },
  { given: 'SYSCALL[71,1](12) sys_brk ( 0x0 )', expected: 'lackey' },
  { given: 'scenarios are fun', expected: null },
  { given: '', expected: null },
  { given: '\x7fELF', expected: null },
] as const;

describe('formats', () => {
  it.each(rows)('$given is $expected', ({ given, expected }) => {
    expect(workloadFormat(Buffer.from(given, 'latin1'))).toBe(expected);
  });

  it('knows gzip, whatever is packed', () => {
    expect(workloadFormat(gzipSync('scenario "s"'))).toBe('gzip');
  });
});
