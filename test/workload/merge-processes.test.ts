/** The recorder's join of several processes' traces: every line keeps its owner, and nobody acts before they exist. */

import { describe, expect, it } from 'vitest';
import { cutLines, mergeProcesses } from '../../tools/record/merge.ts';
import { readTrace } from './recording.ts';

function memoryLines(address: number, count: number): string[] {
  return Array.from({ length: count }, () => ` L ${address.toString(16)},8`);
}

const PARENT = [
  '==71== Lackey, an example Valgrind tool',
  '--71--   SCHED[1]:  acquired lock (x)',
  ...memoryLines(0x1000, 3),
  'SYSCALL[71,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x0, 0x0 )   clone(fork): process 71 created child 72',
  ' --> [pre-success] Success(0x48) --71--   SCHED[1]: releasing lock (VG_(vg_yield)) -> VgTs_Yielding',
  '--71--   SCHED[1]:  acquired lock (VG_(vg_yield))',
  ...memoryLines(0x1000, 900),
  'SYSCALL[71,1](61) sys_wait4 ( 72, 0x0, 0, 0x0 ) --> [async] ... ',
  '--71--   SCHED[1]:  acquired lock (VG_(client_syscall)[async])',
  'SYSCALL[71,1](61) ... [async] --> Success(0x48) ',
  ...memoryLines(0x1000, 5),
  '--71--   SCHED[1]: exiting VG_(scheduler)',
];
const CHILD = [
  '==72== Lackey, an example Valgrind tool',
  ' --> [pre-success] Success(0x0) ',
  ...memoryLines(0x2000, 1500),
  'SYSCALL[72,1](231) exit_group( 0 ) --> [pre-success] Success(0x0) ',
  '--72--   SCHED[1]: exiting VG_(scheduler)',
];

describe('joined processes', () => {
  const merged = mergeProcesses(
    71,
    new Map([
      [71, PARENT],
      [72, CHILD],
    ]),
  );
  const { reports } = readTrace([`${merged.join('\n')}\n`]);

  it('each access is made by the process whose trace it is in', () => {
    let owner = '';
    const accesses = new Map<string, number>();
    for (const report of reports) {
      owner = /^thread (\d+)/.exec(report)?.[1] ?? owner;
      if (!report.startsWith('L ')) continue;
      const key = `${owner} at ${report.split(' ')[1]}`;
      accesses.set(key, (accesses.get(key) ?? 0) + 1);
    }
    expect(Object.fromEntries(accesses)).toEqual({ '71 at 1': 908, '72 at 2': 1500 });
  });

  it('both run in turns', () => {
    expect(reports.filter((report) => report.startsWith('thread')).length).toBeGreaterThan(5);
  });

  it('the child comes after the fork, and the wait returns after the child has ended', () => {
    const order = ['fork 71 -> 72,1', 'thread 72,1', 'exit 72,1', 'exit 71,1'].map((report) => reports.indexOf(report));
    const wait = reports.findIndex((report) => report.includes('wait4('));
    expect(order).toEqual([...order].sort((one, other) => one - other));
    expect(order).not.toContain(-1);
    expect(wait).toBeGreaterThan(reports.indexOf('exit 72,1'));
    expect(wait).toBeLessThan(reports.indexOf('exit 71,1'));
  });

  it('one process alone is left as it is', () => {
    expect(mergeProcesses(72, new Map([[72, CHILD]]))).toEqual(CHILD);
  });

  it('processes that can never go on are refused', () => {
    const orphan = CHILD.filter((line) => line.startsWith(' L'));
    const lost = [...orphan, 'SYSCALL[72,1](61) ... [async] --> Success(0x47) '];
    const waiting = new Map([
      [71, PARENT],
      [72, lost],
    ]);
    expect(() => mergeProcesses(71, waiting)).toThrow('the processes 71, 72 wait for one another');
  });

  it('a cut keeps whole messages: it falls between two accesses', () => {
    for (let limit = 5; limit < merged.length; limit += 7) {
      const cut = cutLines(merged, limit);
      expect(cut.length).toBeLessThanOrEqual(limit);
      expect(cut.at(-1)).toMatch(/^ L /);
      expect(() => readTrace([`${cut.join('\n')}\n`])).not.toThrow();
    }
    expect(cutLines(merged, merged.length)).toEqual(merged);
  });
});
