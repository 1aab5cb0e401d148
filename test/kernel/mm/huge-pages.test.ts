/** Mappings of 2-MByte pages: one entry with PS set (SDM 3A table 4-18), whole or not at all. */
import { describe, expect, test } from 'vitest';
import { EINVAL } from '../../../src/kernel/errno.ts';
import { HPAGE_ORDER } from '../../../src/kernel/page_alloc.ts';
import { readPageTables } from './page-tables.ts';
import { PAGE, READ, READ_WRITE, Rig, SEGFAULT } from './rig.ts';

const HUGE = 512n * PAGE;

function setUp(): {
  rig: Rig;
  task: ReturnType<Rig['process']>['task'];
  mm: ReturnType<Rig['process']>['mm'];
  start: bigint;
} {
  const rig = new Rig({ frames: 8192 });
  const { task, mm } = rig.process('huge');
  rig.run(0, task);
  const start = rig.mmap(0, 2, { huge: true });
  return { rig, task, mm, start };
}

describe('2-MByte pages', () => {
  test('one entry maps 512 frames, and every 4-KByte page of it reads back', () => {
    const { rig, task, mm, start } = setUp();
    expect(start % HUGE).toBe(0n);
    rig.write(0, start, 1n);
    rig.write(0, start + 511n * PAGE, 2n);
    expect(rig.read(0, start)).toBe(1n);
    expect(rig.read(0, start + 511n * PAGE)).toBe(2n);
    const { leaves } = readPageTables(rig.system, mm.pgd);
    expect(leaves.map(({ address, bytes }) => [address, bytes])).toEqual([[start, HUGE]]);
    rig.finish([task]);
    expect(rig.kernel.context.pages.allocated).toBe(rig.baseline);
    expect(rig.report).toBe('[]');
  });

  test('fork shares them until one side writes', () => {
    const { rig, task, start } = setUp();
    rig.write(0, start + PAGE, 1n);
    const child = rig.do(0, rig.kernel.fork(0, 'child'));
    const childTask = rig.kernel.createTask({ name: 'child', mm: child });
    rig.run(1, childTask);
    rig.write(0, start + PAGE, 2n);
    expect(rig.read(1, start + PAGE)).toBe(1n);
    rig.write(1, start + PAGE, 3n);
    expect(rig.read(0, start + PAGE)).toBe(2n);
    rig.finish([task, childTask]);
    expect(rig.kernel.context.pages.allocated).toBe(rig.baseline);
    expect(rig.report).toBe('[]');
  });

  test('mprotect, munmap and MADV_DONTNEED refuse to cut one', () => {
    const { rig, start } = setUp();
    const { kernel } = rig;
    expect(rig.do(0, kernel.sys_munmap(0, start + PAGE, PAGE))).toBe(-EINVAL);
    expect(rig.do(0, kernel.sys_mprotect(0, start, PAGE, READ))).toBe(-EINVAL);
    expect(rig.do(0, kernel.sys_madvise(0, start, PAGE, 'dontneed'))).toBe(-EINVAL);
    expect(rig.do(0, kernel.sys_mmap(0, { address: start, length: PAGE, prot: READ_WRITE, fixed: true }))).toBe(
      BigInt(-EINVAL),
    );
  });

  test('mprotect takes the right to write away from the whole of one, and leaves its neighbour', () => {
    const { rig, start } = setUp();
    rig.write(0, start, 1n);
    rig.write(0, start + HUGE, 1n);
    expect(rig.do(0, rig.kernel.sys_mprotect(0, start, HUGE, READ))).toBe(0);
    expect(rig.write(0, start + 100n * PAGE, 2n)).toBe(SEGFAULT);
    expect(rig.write(0, start + HUGE, 2n)).toBe(2n);
    expect(rig.report).toBe('[]');
  });

  test('blocks of frames are used again, and split only when nothing else is left', () => {
    const rig = new Rig({ frames: 2048 });
    const { pages } = rig.kernel.context;
    const blocks = [];
    for (
      let block = pages.alloc_pages('user', 0, HPAGE_ORDER);
      block !== null;
      block = pages.alloc_pages('user', 0, HPAGE_ORDER)
    ) {
      blocks.push(block);
    }
    expect(blocks.length).toBe(3);
    const [first] = blocks;
    if (first === undefined) return;
    pages.put_page(0, first);
    expect(pages.alloc_pages('user', 0, HPAGE_ORDER)?.frame).toBe(first.frame);
    const small = new Set<number>();
    for (let page = pages.alloc_pages('user', 0, 0); page !== null; page = pages.alloc_pages('user', 0, 0))
      small.add(page.frame);
    expect(small.size).toBe(2048 - rig.kernel.core.reservedFrames - 3 * 512 - rig.baseline);
  });
});
