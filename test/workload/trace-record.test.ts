/** System calls of a trace, decoded: what each did to memory and tasks. */

import { describe, expect, it } from 'vitest';
import { linearAddress } from '../../src/arch/address.ts';
import { InputError } from '../../src/base/errors.ts';
import { type TraceCall, traceRecord } from '../../src/workload/trace-record.ts';
import { readTrace } from './recording.ts';

const at = linearAddress;

const rows: readonly { call: string; expected: TraceCall }[] = [
  {
    call: '(9) sys_mmap ( 0x0, 8392704, 0, 131106, 4294967295, 0 ) --> [pre-success] Success(0x4a2a000) ',
    expected: { kind: 'mmap', address: at(0x4a2a000n), bytes: 8392704n, protection: 0, flags: 0x20022 },
  },
  {
    call: '(9) sys_mmap ( 0x1, 5, 3, 16, 4294967295, 0 ) --> [pre-fail] Failure(0x16) ',
    expected: { kind: 'other', name: 'mmap' },
  },
  {
    call: '(11) sys_munmap ( 0x483c000, 34547 )[sync] --> Success(0x0) ',
    expected: { kind: 'munmap', address: at(0x483c000n), bytes: 34547n },
  },
  {
    call: '(10) sys_mprotect ( 0x4a14000, 16384, 1 )[sync] --> Success(0x0) ',
    expected: { kind: 'mprotect', address: at(0x4a14000n), bytes: 16384n, protection: 1 },
  },
  {
    call: '(25) sys_mremap ( 0x4800000, 81920, 90112, 0x3, 0x4814000 ) --> [pre-success] Success(0x4814000) ',
    expected: {
      kind: 'mremap',
      from: at(0x4800000n),
      fromBytes: 81920n,
      to: at(0x4814000n),
      toBytes: 90112n,
      flags: 3,
    },
  },
  {
    call: '(12) sys_brk ( 0x4056000 ) --> [pre-success] Success(0x4035000) ',
    expected: { kind: 'brk', requested: at(0x4056000n), end: at(0x4035000n) },
  },
  {
    call: '(28) sys_madvise ( 0x4a2a000, 8368128, 4 )[sync] --> Success(0x0) ',
    expected: { kind: 'madvise', address: at(0x4a2a000n), bytes: 8368128n, advice: 4 },
  },
  {
    call: '(56) sys_clone ( 3d0f00, 0x1, 0x2, 0x3, 0x4 ) --> [pre-success] Success(0x48) ',
    expected: { kind: 'clone-thread', kernelTid: 0x48 },
  },
  {
    call: '(56) sys_clone ( 1200011, 0x0, 0x0, 0x3, 0x0 )   clone(fork): process 71 created child 72\n --> [pre-success] Success(0x48) ',
    expected: { kind: 'fork', child: 72 },
  },
  {
    call: '(58) sys_fork ( )   fork: process 71 created child 72\n --> [pre-success] Success(0x48) ',
    expected: { kind: 'fork', child: 72 },
  },
  { call: '(59) sys_execve ( 0x48d004(/bin/true), 0x0, 0x0 )', expected: { kind: 'execve' } },
  { call: '(60) exit( 3 ) --> [pre-success] Success(0x0) ', expected: { kind: 'exit', status: 3 } },
  { call: '(231) exit_group( 0 ) --> [pre-success] Success(0x0) ', expected: { kind: 'exit-group', status: 0 } },
  { call: '(3) sys_close ( 4 )[sync] --> Success(0x0) ', expected: { kind: 'other', name: 'close' } },
];

function recordOf(call: string): ReturnType<typeof traceRecord> {
  const [record] = readTrace([`SYSCALL[71,4]${call}\n`]).calls;
  if (record === undefined) throw new Error('no call was read');
  return traceRecord(record, 't');
}

describe('system calls', () => {
  it.each(rows)('$call', ({ call, expected }) => {
    expect(recordOf(call)).toEqual({ pid: 71, tid: 4, line: 1, ...expected });
  });

  it('a call without an argument that it must have is an error', () => {
    const call = '(10) sys_mprotect ( 0x4a14000, 16384 )[sync] --> Success(0x0) ';
    expect(() => recordOf(call)).toThrow(new InputError('mprotect has no argument 3', { file: 't', line: 1 }));
  });
});
