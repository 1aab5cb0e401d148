/**
 * One fault of the generic code at a time, in the one order of steps that shows it; and the same order without the fault.
 * Processor 0 changes mappings, processor 1 runs another thread of the process, processor 2 a kernel thread.
 */
import { describe, expect, test } from 'vitest';
import { present } from '../../../src/base/assert.ts';
import type { Severity } from '../../../src/coherence/significance.ts';
import type { FrameUse, MachineEvent } from '../../../src/event/event.ts';
import type { Kernel } from '../../../src/kernel/hardware.ts';
import type { user_mm } from '../../../src/kernel/mm/mm_types.ts';
import { E1 } from '../../../src/kernel/tlb/e1.ts';
import { E3 } from '../../../src/kernel/tlb/e3.ts';
import type { MmVariant } from '../../../src/kernel/tlb/era.ts';
import { access, PAGE, READ, Rig } from './rig.ts';

interface Bench {
  readonly rig: Rig;
  readonly mm: user_mm;
  /** Four pages, written by both threads. */
  readonly start: bigint;
}

function bench(era: typeof E3, mm: MmVariant): Bench {
  const rig = new Rig({ processors: 3, era: { ...era, mm } });
  const process = rig.process('process');
  rig.run(0, process.task);
  rig.run(1, rig.kernel.createTask({ name: 'thread', mm: process.mm }));
  rig.run(2, rig.kernel.createTask({ name: 'kthread', mm: null }));
  const start = rig.mmap(0, 4);
  for (let page = 0n; page < 3n; page++) {
    rig.write(0, start + page * PAGE, 1n);
    rig.write(1, start + page * PAGE, 2n);
  }
  return { rig, mm: process.mm, start };
}

const freed =
  (use: FrameUse) =>
  (event: MachineEvent): boolean =>
    event.kind === 'frame-free' && event.use === use;

interface Row {
  readonly name: string;
  readonly fault: MmVariant;
  readonly expected: Severity;
  readonly act: (bench: Bench) => void;
}

/** Runs `code` on processor 0 up to the event, then the access on processor 1, then the rest. */
function meet(
  { rig }: Bench,
  code: Kernel<unknown>,
  event: (event: MachineEvent) => boolean,
  use: Kernel<unknown>,
): void {
  rig.runUntil(0, code, rig.once(event));
  rig.runUntil(1, use);
  rig.resume(0);
}

const ROWS: readonly Row[] = [
  {
    name: 'M12: munmap frees a page before the flush, the other thread writes it then',
    fault: { freeBeforeFlush: true },
    expected: 'stale-frame',
    act: (on) => {
      const { kernel } = on.rig;
      meet(on, kernel.sys_munmap(0, on.start, PAGE), freed('user'), access(on.start, 'write', 3n));
    },
  },
  {
    name: 'M9: munmap flushes first, the other thread reads after it has returned',
    fault: { flushBeforeClear: true },
    expected: 'stale-frame',
    act: (on) => {
      on.rig.do(0, on.rig.kernel.sys_munmap(0, on.start, PAGE));
      on.rig.runUntil(1, access(on.start, 'read'));
    },
  },
  {
    name: 'M9: mprotect flushes first, the other thread writes after it has returned',
    fault: { flushBeforeClear: true },
    expected: 'stale-permission',
    act: (on) => {
      on.rig.do(0, on.rig.kernel.sys_mprotect(0, on.start, PAGE, READ));
      on.rig.runUntil(1, access(on.start, 'write', 3n));
    },
  },
  {
    name: 'BUGS 32: mprotect trusts a hole that reclaim has not flushed yet',
    fault: { ignoreBatchedPending: true },
    expected: 'stale-frame',
    act: ({ rig, mm, start }) => {
      const unmapped = rig.once(({ kind }) => kind === 'batch-add');
      rig.runUntil(2, rig.kernel.reclaim(2, mm, start, start + PAGE), unmapped);
      rig.runUntil(0, rig.kernel.sys_mprotect(0, start, PAGE, READ));
      rig.runUntil(1, access(start, 'write', 3n));
      rig.resume(2);
    },
  },
  {
    name: 'BUGS 7: a page table is free before the paging-structure caches are flushed',
    fault: { skipTableFlush: true },
    expected: 'freed-table-walked',
    act: (on) => {
      const { kernel } = on.rig;
      const neverRead = on.start + 3n * PAGE;
      meet(on, kernel.sys_munmap(0, on.start, 4n * PAGE), freed('page-table'), access(neverRead, 'read'));
    },
  },
  {
    name: 'a dropped flush: MADV_DONTNEED',
    fault: { dropFlush: 1 },
    expected: 'stale-frame',
    act: ({ rig, start }) => {
      rig.do(0, rig.kernel.sys_madvise(0, start, PAGE, 'dontneed'));
      rig.runUntil(1, access(start, 'read'));
    },
  },
  {
    name: 'a dropped flush: MADV_FREE, and a write that leaves no D behind',
    fault: { dropFlush: 1 },
    expected: 'lost-accessed-dirty',
    act: ({ rig, start }) => {
      rig.do(0, rig.kernel.sys_madvise(0, start, PAGE, 'free'));
      rig.runUntil(1, access(start, 'write', 3n));
    },
  },
  {
    name: 'a dropped flush: mremap',
    fault: { dropFlush: 1 },
    expected: 'stale-frame',
    act: ({ rig, start }) => {
      const request = { address: start, oldLength: PAGE, newLength: PAGE, mayMove: true, forceMove: true };
      rig.do(0, rig.kernel.sys_mremap(0, request));
      rig.runUntil(1, access(start, 'read'));
    },
  },
  {
    name: 'a dropped flush: fork, and a write by the parent that the child sees',
    fault: { dropFlush: 1 },
    expected: 'stale-permission',
    act: ({ rig, start }) => {
      rig.do(0, rig.kernel.fork(0, 'child'));
      rig.runUntil(1, access(start, 'write', 3n));
    },
  },
  {
    name: 'a dropped flush: copy on write, and a thread that goes on reading the old page',
    fault: { dropFlush: 2 },
    expected: 'stale-frame',
    act: ({ rig, start }) => {
      // The first flush is that of fork, the second that of the copy.
      rig.do(0, rig.kernel.fork(0, 'child'));
      rig.runUntil(1, access(start, 'read'));
      rig.do(0, access(start, 'write', 3n));
      rig.runUntil(1, access(start, 'read'));
    },
  },
  {
    name: 'a dropped flush: migration, and a write while the page is copied',
    fault: { dropFlush: 1 },
    expected: 'stale-frame',
    act: ({ rig, mm, start }) => {
      const promised = rig.once((event) => event.kind === 'promise' && event.why === 'migration');
      rig.runUntil(2, rig.kernel.migrate_pages(2, mm, start, start + PAGE), promised);
      rig.runUntil(1, access(start, 'write', 3n));
      rig.resume(2);
    },
  },
  {
    name: 'a dropped flush: vfree, and a kernel thread that still reads',
    fault: { dropFlush: 1 },
    expected: 'stale-frame',
    act: ({ rig }) => {
      const address = rig.do(0, rig.kernel.vmalloc(0, 2));
      rig.do(2, access(address, 'write', 1n, false));
      rig.do(0, rig.kernel.vfree(0, address));
      rig.runUntil(2, access(address, 'read', 0n, false));
    },
  },
];

for (const era of [E1, E3]) {
  describe(era.id, () => {
    for (const { name, fault, expected, act } of ROWS) {
      test(name, () => {
        const bad = bench(era, fault);
        act(bad);
        const { violations } = present(bad.rig.system.detector, 'detector').report();
        expect(violations.map(({ severity }) => severity)).toContain(expected);
      });

      test(`${name}: not with the flush in its place`, () => {
        const good = bench(era, {});
        act(good);
        expect(good.rig.report).toBe('[]');
      });
    }
  });
}
