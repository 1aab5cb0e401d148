/** The stream of a lackey trace: memory lines from bytes, messages from text, chunks cut anywhere. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import { LINE_BYTES_LIMIT } from '../../src/workload/lackey-reader.ts';
import { readTrace } from './recording.ts';

const RUNS = '--71--   SCHED[1]:  acquired lock (x)\n';

/** What is reported of lines that one thread makes. */
function reportsOf(text: string): readonly string[] {
  return readTrace([RUNS, text]).reports.slice(1);
}

function errorOf(...pieces: string[]): string {
  try {
    readTrace(pieces);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('memory lines', () => {
  const rows = [
    { given: 'I  0401000,3', expected: 'I 401 0 3' },
    { given: ' S 1ffeffe7e0,8', expected: 'S 1ffeffe 7e0 8' },
    { given: ' L 00,1', expected: 'L 0 0 1' },
    { given: ' M 4A2b7fF,16', expected: 'M 4a2b 7ff 16' },
    { given: ' L 7fffffffffff,1', expected: 'L 7ffffffff fff 1' },
    { given: ' L ffffffffff600fff,1', expected: 'L ffffffffff600 fff 1' },
    { given: ' L 80000000,4', expected: 'L 80000 0 4' },
    { given: ' L 8000000080000008,4', expected: 'L 8000000080000 8 4' },
    { given: ' S 0000000000001ffc,4096', expected: 'S 1 ffc 4096' },
    { given: ' L fffffffffffffff8,8', expected: 'L fffffffffffff ff8 8' },
  ];
  it.each(rows)('$given', ({ given, expected }) => {
    expect(reportsOf(`${given}\n`)).toEqual([expected]);
  });

  const malformed = [
    'I  ',
    'I  ,3',
    'I  0401000',
    'I  0401000,',
    'I  0401000,0',
    'I  0401000,4097',
    'I  0401000,00001',
    'I  0401000,3 ',
    'I  0401000,3\r',
    'I  0401000,-3',
    'I  0x401000,3',
    'I  think so',
    ' S 1ffeffe7e0;8',
    ' L 00000000000401000,8',
    ' M 401000,8,8',
    ' S fffffffffffffff9,8',
  ];
  it.each(malformed)('%j is an error', (line) => {
    const message = `t:3: malformed memory line ${JSON.stringify(line)}: expected a code, a hexadecimal address, a comma and a size`;
    expect(errorOf(`${RUNS}I  0401000,3\n${line}\nI  0401000,3\n`)).toBe(message);
    expect(errorOf(`${RUNS}I  0401000,3\n${line}\n`)).toBe(message);
  });

  it('a line cut off at the end is an error, wherever it is cut', () => {
    const text = 'I  0401000,3\n S 1ffeffe7e0,8\n';
    for (let length = 1; length < text.length; length++) {
      if (text[length - 1] === '\n') continue;
      expect(errorOf(RUNS + text.slice(0, length))).toBe(
        `t:${length > 13 ? 3 : 2}: the last line is cut off: the trace is incomplete`,
      );
    }
    expect(errorOf(RUNS + text)).toBe('no error');
  });

  it('other lines are noise and counted, blank ones are not', () => {
    const noise = ['==7== Lackey', 'I am here', 'I ', ' Sum 4,5', ' -', 'hello, SCHED[1]', '--7-- warning'];
    expect(readTrace([`${noise.join('\n')}\n\n\n`])).toEqual({ reports: [], calls: [], noiseLines: noise.length });
  });

  it('a line is held up to its bound and no further, in one piece or in many', () => {
    const longest = 'x'.repeat(LINE_BYTES_LIMIT - 1);
    const message = `t:2: line of more than ${LINE_BYTES_LIMIT} bytes: record with --log-file to keep program output out`;
    expect(errorOf(`\n${longest}\n`)).toBe('no error');
    expect(errorOf('\nx', `${longest.slice(1)}\n`)).toBe('no error');
    expect(errorOf(`\n${longest}x\n`)).toBe(message);
    expect(errorOf(`\nI  ${longest}\n`)).toBe(message);
    expect(errorOf('\nI  ', `${longest}\n`)).toBe(message);
    expect(errorOf(`\n${longest}`, 'xx')).toBe(message);
  });
});

/** Pieces of real recordings, one for each way that messages share lines. */
const RECORDED = {
  'calls, results on their lines': {
    text: `==71== Lackey, an example Valgrind tool
--71--   SCHED[1]:  acquired lock (thread_wrapper(starting new thread))
--71--   SCHED[1]: entering VG_(scheduler)
I  04001000,3
SYSCALL[71,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4035000)${' '}
SYSCALL[71,1](10) sys_mprotect ( 0x4a14000, 16384, 1 )[sync] --> Success(0x0)${' '}
SYSCALL[71,1](9) sys_mmap ( 0x1, 5, 3, 16, 4294967295, 0 ) --> [pre-fail] Failure(0x16)${' '}
SYSCALL[71,1](158) arch_prctl ( 4098, 4000380 ) --> [pre-success] Success(0x0)${' '}
`,
    reports: [
      'thread 71,1',
      'I 4001 0 3',
      '5: 71,1 brk(0) [12] = 0x4035000',
      '6: 71,1 mprotect(77676544, 16384, 1) [10] = 0x0',
      '7: 71,1 mmap(1, 5, 3, 16, 4294967295, 0) [9] = errno 22',
      '8: 71,1 arch_prctl(4098, 67109760) [158] = 0x0',
    ],
    noiseLines: 1,
  },
  'the result on the next line': {
    text: `SYSCALL[71,1](334) unimplemented (by the kernel) syscall: 334! (ni_syscall)
 --> [pre-fail] Failure(0x26)${' '}
 L 4000,8
`,
    reports: ['thread 71,1', '1: 71,1 unimplemented() [334] = errno 38', 'L 4 0 8'],
    noiseLines: 0,
  },
  'a new thread, on the line of the result': {
    text: `SYSCALL[71,1](56) sys_clone ( 3d0f00, 0x5229f70, 0x522a990, 0x522a990, 0x522a6c0 ) --> [pre-success] Success(0x48) --71--   SCHED[1]: releasing lock (VG_(vg_yield)) -> VgTs_Yielding
--71--   SCHED[2]:  acquired lock (thread_wrapper(starting new thread))

I  04001000,3
`,
    reports: [
      'thread 71,1',
      '1: 71,1 clone(4001536, 86155120, 86157712, 86157712, 86156992) [56] = 0x48',
      'thread 71,2',
      'I 4001 0 3',
    ],
    noiseLines: 0,
  },
  'a call that blocks while another thread runs': {
    text: `SYSCALL[71,1](202) sys_futex ( 0x4020, 128, 2, 0x0, 0x0 ) --> [async] ...${' '}
--71--   SCHED[1]: releasing lock (VG_(client_syscall)[async]) -> VgTs_WaitSys
--71--   SCHED[2]:  acquired lock (VG_(client_syscall)[async])
SYSCALL[71,2](28) sys_madvise ( 0x5000, 4096, 4 ) --> [async] ...${' '}
--71--   SCHED[1]:  acquired lock (VG_(client_syscall)[async])
SYSCALL[71,1](202) ... [async] --> Failure(0xb)${' '}
 S 5000,8
--71--   SCHED[2]:  acquired lock (VG_(client_syscall)[async])
SYSCALL[71,2](28) ... [async] --> Success(0x0)${' '}
--71--   SCHED[2]: exiting VG_(scheduler)
--71--   SCHED[2]: release lock in VG_(exit_thread)
`,
    reports: [
      'thread 71,1',
      'blocked 71,1 in futex',
      'thread 71,2',
      'blocked 71,2 in madvise',
      'thread 71,1',
      '1: 71,1 futex(16416, 128, 2, 0, 0) [202] = errno 11',
      'S 5 0 8',
      'thread 71,2',
      '4: 71,2 madvise(20480, 4096, 4) [28] = 0x0',
      'exit 71,2',
    ],
    noiseLines: 0,
  },
  'strings among the arguments': {
    text: `SYSCALL[71,1](257) sys_openat ( 4294967196, 0x40290b1(/a (b), c ) d), 524288 )[sync] --> Success(0x4)${' '}
SYSCALL[71,1](262) sys_newfstatat ( 4, 0x4029c99(), 0x1ffefff760 )[sync] --> Success(0x0)${' '}
SYSCALL[71,1](24) sched_yield()[sync] --> Success(0x0)${' '}
SYSCALL[71,1](231) exit_group( 3 ) --> [pre-success] Success(0x0)${' '}
`,
    reports: [
      'thread 71,1',
      '1: 71,1 openat(4294967196, 67276977, 524288) [257] = 0x4',
      '2: 71,1 newfstatat(4, 67280025, 137422174048) [262] = 0x0',
      '3: 71,1 sched_yield() [24] = 0x0',
      '4: 71,1 exit_group(3) [231] = 0x0',
    ],
    noiseLines: 0,
  },
  'a fork, the child speaking first by its own result': {
    text: `SYSCALL[71,3](56) sys_clone ( 1200011, 0x0, 0x0, 0x4a27a10, 0x0 )   clone(fork): process 71 created child 72
 --> [pre-success] Success(0x48) --71--   SCHED[3]: releasing lock (VG_(vg_yield)) -> VgTs_Yielding
--71--   SCHED[3]:  acquired lock (VG_(vg_yield))
SYSCALL[71,3](61) sys_wait4 ( 72, 0x0, 0, 0x0 ) --> [async] ...${' '}
 --> [pre-success] Success(0x0)${' '}
 S 4000,8
SYSCALL[72,3](231) exit_group( 3 ) --> [pre-success] Success(0x0)${' '}
--72--   SCHED[3]: exiting VG_(scheduler)
--71--   SCHED[3]:  acquired lock (VG_(client_syscall)[async])
SYSCALL[71,3](61) ... [async] --> Success(0x48)${' '}
`,
    reports: [
      'thread 71,3',
      'fork 71 -> 72,3',
      '1: 71,3 clone(18874385, 0, 0, 77756944, 0) [56] = 0x48',
      'blocked 71,3 in wait4',
      'thread 72,3',
      'S 4 0 8',
      '7: 72,3 exit_group(3) [231] = 0x0',
      'exit 72,3',
      'thread 71,3',
      '4: 71,3 wait4(72, 0, 0, 0) [61] = 0x48',
    ],
    noiseLines: 0,
  },
  'a child that speaks before its parent has said so': {
    text: `SYSCALL[71,1](58) sys_fork ( ) --> [pre-success] Success(0x0)${' '}
SYSCALL[72,1](59) sys_execve ( 0x48e1b3(/bin/sh), 0x1fff000180, 0x1fff0006b8 )   fork: process 71 created child 72
 --> [pre-success] Success(0x48)${' '}
`,
    reports: [
      'thread 71,1',
      'fork 71 -> 72,1',
      'thread 72,1',
      '2: 72,1 execve(4776371, 137422176640, 137422177976) [59] = 0x0',
      '1: 71,1 fork() [58] = 0x48',
    ],
    noiseLines: 0,
  },
  'execve: a failure, then one that never returns': {
    text: `SYSCALL[71,1](59) sys_execve ( 0x48d004(/none), 0x0, 0x0 ) --> [pre-fail] Failure(0x2)${' '}
SYSCALL[71,1](59) sys_execve ( 0x48d004(/bin/true), 0x0, 0x0 )
`,
    reports: [
      'thread 71,1',
      '1: 71,1 execve(4771844, 0, 0) [59] = errno 2',
      '2: 71,1 execve(4771844, 0, 0) [59] = 0x0',
    ],
    noiseLines: 0,
  },
  'a signal: the call has no result, and neither has the return from the handler': {
    text: `SYSCALL[71,1](34) sys_pause ( ) --> [async] ...${' '}
--71--   SCHED[1]:  acquired lock (async_signalhandler)
SCHEDSETJMP(line 1211) tid 1, jumped=1476724588
SYSCALL[71,1](15) sys_rt_sigreturn ( ) --> [pre-success] NoWriteResult${' '}
`,
    reports: ['thread 71,1', 'blocked 71,1 in pause', 'thread 71,1'],
    noiseLines: 1,
  },
  'program output without a line end before a message': {
    text: `--71--   SCHED[1]:  acquired lock (x)
no newline--71--   SCHED[2]:  acquired lock (VG_(client_syscall)[async])
moreSYSCALL[71,1](11) sys_munmap ( 0x4000, 4096 )[sync] --> Success(0x0)${' '}
`,
    reports: ['thread 71,1', 'thread 71,2', 'thread 71,1', '3: 71,1 munmap(16384, 4096) [11] = 0x0'],
    noiseLines: 0,
  },
};

describe('messages', () => {
  it.each(Object.entries(RECORDED))('%s', (_, { text, reports, noiseLines }) => {
    const read = readTrace([text]);
    expect(read.reports).toEqual(reports);
    expect(read.noiseLines).toBe(noiseLines);
  });

  const wrong = [
    {
      text: 'SYSCALL[71,1](28) ... [async] --> Success(0x0) \n',
      message: 't:1: result of call 28, which thread 71,1 has not made',
    },
    {
      text: 'SYSCALL[71,1](28) sys_madvise ( 0x0, 1, 4 ) --> [async] ... \nSYSCALL[71,1](29) ... [async] --> Success(0x0) \n',
      message: 't:2: result of call 29, which thread 71,1 has not made',
    },
    {
      text: '--71--   SCHED[1]:  acquired lock (x)\n\n--72--   SCHED[1]:  acquired lock (x)\n',
      message: 't:3: process 72 appears, and no process of the trace created it',
    },
    {
      text: '--71--   SCHED[1]:  acquired lock (x)\n  fork: process 71 created child 72\n',
      message: 't:2: process 71 created process 72 without a call that forks',
    },
  ];
  const NOBODY =
    'an access, and no thread is known to run: record with --trace-sched=yes, and a program that forks with one log for each process';
  it.each([
    { when: 'before anybody has spoken', text: ' L 4000,8\n', line: 1 },
    {
      when: 'after a thread has blocked',
      text: 'SYSCALL[71,1](34) sys_pause ( ) --> [async] ... \n L 4000,8\n',
      line: 2,
    },
    { when: 'after a thread has ended', text: '--71--   SCHED[1]: exiting VG_(scheduler)\n L 4000,8\n', line: 2 },
  ])('an access $when is an error', ({ text, line }) => {
    expect(errorOf(text)).toBe(`t:${line}: ${NOBODY}`);
    expect(errorOf(text.replace(' L 4000,8', `${RUNS} L 4000,8`))).toBe('no error');
  });

  it.each(wrong)('$message', ({ text, message }) => {
    expect(errorOf(text)).toBe(message);
  });
});

describe('chunks', () => {
  const whole = Object.values(RECORDED)
    .map(({ text }) => text)
    .filter((text) => !text.includes('72'))
    .join(`${RUNS} S 1ffeffe7e0,8\nI  ffffffffff600fff,1\nnoise\n`);
  const expected = readTrace([whole]);

  it('the trace has something to lose', () => {
    expect(expected.reports.length).toBeGreaterThan(30);
  });

  it('cut in two at every byte, the reports are the same', () => {
    for (let cut = 0; cut <= whole.length; cut++) {
      expect(readTrace([whole.slice(0, cut), whole.slice(cut)])).toEqual(expected);
    }
  });

  it('byte by byte, and in pieces of every size up to 200, the reports are the same', () => {
    for (let size = 1; size <= 200; size++) {
      const pieces: string[] = [];
      for (let start = 0; start < whole.length; start += size) pieces.push(whole.slice(start, start + size));
      expect(readTrace(pieces)).toEqual(expected);
    }
  });

  it('cut at random, with empty pieces among them, the reports are the same', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 40 }), (cuts) => {
        const edges = [0, ...cuts.sort((one, other) => one - other), whole.length];
        const pieces = edges.slice(1).map((edge, index) => whole.slice(edges[index], edge));
        expect(readTrace(pieces)).toEqual(expected);
      }),
      { seed: 20261122, numRuns: 300 },
    );
  });

  it('memory lines written by hand are read back, whatever the cuts', () => {
    const access = fc.record({
      kind: fc.constantFrom('I ', ' L', ' S', ' M'),
      address: fc.bigInt(0n, 2n ** 64n - 4097n),
      size: fc.integer({ min: 1, max: 4096 }),
      zeros: fc.constantFrom(0, 8, 16),
    });
    fc.assert(
      fc.property(fc.array(access, { minLength: 1 }), fc.integer({ min: 1, max: 64 }), (accesses, size) => {
        const text = accesses
          .map(
            ({ kind, address, size: bytes, zeros }) =>
              `${kind} ${address.toString(16).padStart(zeros, '0')},${bytes}\n`,
          )
          .join('');
        const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
        const reports = accesses.map(({ kind, address, size: bytes }) => {
          return `${kind.trim()} ${(address >> 12n).toString(16)} ${(address & 0xfffn).toString(16)} ${bytes}`;
        });
        expect(readTrace([RUNS, ...pieces]).reports.slice(1)).toEqual(reports);
      }),
      { seed: 20261122, numRuns: 300 },
    );
  });
});
