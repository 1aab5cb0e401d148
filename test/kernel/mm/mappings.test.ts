/** What single operations do, where random sequences would not say why. */
import { describe, expect, test } from 'vitest';
import { UnsupportedError } from '../../../src/base/errors.ts';
import { EFAULT, EINVAL, ENOMEM } from '../../../src/kernel/errno.ts';
import { PAGE, READ, READ_WRITE, Rig, SEGFAULT } from './rig.ts';

const FILE = { file: 'data', offset: 0n };

describe('files', () => {
  test('two processes that map a file shared see each other', () => {
    const rig = new Rig({ switches: { 'store-buffers': false } });
    const [one, two] = [rig.process('one'), rig.process('two')];
    rig.run(0, one.task);
    rig.run(1, two.task);
    const request = { address: null, length: 2n * PAGE, prot: READ_WRITE, shared: true };
    const at0 = rig.do(0, rig.kernel.sys_mmap(0, { ...request, object: FILE }));
    const at1 = rig.do(1, rig.kernel.sys_mmap(1, { ...request, object: { ...FILE, offset: PAGE } }));
    rig.write(0, at0 + PAGE, 5n);
    expect(rig.read(1, at1)).toBe(5n);
    rig.do(0, rig.kernel.reclaim(0, one.mm, at0, at0 + 2n * PAGE));
    rig.do(0, rig.kernel.migrate_pages(0, two.mm, at1, at1 + PAGE));
    expect(rig.read(1, at1)).toBe(5n);
    rig.write(1, at1, 6n);
    expect(rig.read(0, at0 + PAGE)).toBe(6n);
    expect(rig.report).toBe('[]');
  });

  test('a private mapping starts from the file, and keeps its own writes', () => {
    const rig = new Rig();
    const { task } = rig.process('one');
    rig.run(0, task);
    const request = { address: null, length: PAGE, prot: READ_WRITE, object: FILE };
    const shared = rig.do(0, rig.kernel.sys_mmap(0, { ...request, shared: true }));
    const own = rig.do(0, rig.kernel.sys_mmap(0, request));
    const late = rig.do(0, rig.kernel.sys_mmap(0, request));
    rig.write(0, shared, 1n);
    expect(rig.read(0, own)).toBe(1n);
    rig.write(0, own, 2n);
    rig.write(0, late, 3n);
    expect([shared, own, late].map((address) => rig.read(0, address))).toEqual([1n, 2n, 3n]);
    expect(rig.report).toBe('[]');
  });

  test('a dirty page of a file is flushed before the page-table lock goes', () => {
    const rig = new Rig();
    const { task, mm } = rig.process('one');
    rig.run(0, task);
    const request = { address: null, length: 2n * PAGE, prot: READ_WRITE, shared: true, object: FILE };
    const start = rig.do(0, rig.kernel.sys_mmap(0, request));
    rig.write(0, start, 1n);
    const flushing = rig.once(({ kind }) => kind === 'flush-begin');
    rig.runUntil(0, rig.kernel.sys_munmap(0, start, 2n * PAGE), flushing);
    expect(rig.system.machine.memory.read64(mm.page_table_lock.address)).toBe(1n);
    rig.resume(0);
  });
});

describe('growing and shrinking', () => {
  test('the break moves up and down; what it leaves is gone', () => {
    const rig = new Rig();
    const { task } = rig.process('one');
    rig.run(0, task);
    const start = rig.do(0, rig.kernel.grow_brk(0, 3n * PAGE));
    rig.write(0, start + 2n * PAGE, 1n);
    expect(rig.do(0, rig.kernel.sys_brk(0, start + PAGE))).toBe(start + PAGE);
    expect(rig.read(0, start + 2n * PAGE)).toBe(SEGFAULT);
    expect(rig.do(0, rig.kernel.sys_brk(0, start + 3n * PAGE))).toBe(start + 3n * PAGE);
    expect(rig.read(0, start + 2n * PAGE)).toBe(0n);
    expect(rig.do(0, rig.kernel.sys_brk(0, 0n))).toBe(start + 3n * PAGE);
  });

  test('mremap grows in place where it can, else moves, else refuses', () => {
    const rig = new Rig();
    const { task } = rig.process('one');
    rig.run(0, task);
    const { kernel } = rig;
    const base = 0x4000_0000n;
    rig.mmap(0, 2, { address: base });
    rig.write(0, base + PAGE, 7n);
    const grow = { address: base, oldLength: 2n * PAGE, newLength: 4n * PAGE };
    expect(rig.do(0, kernel.sys_mremap(0, { ...grow, mayMove: true }))).toBe(base);
    rig.mmap(0, 1, { address: base + 4n * PAGE, prot: READ });
    const more = { address: base, oldLength: 4n * PAGE, newLength: 5n * PAGE };
    expect(rig.do(0, kernel.sys_mremap(0, { ...more, mayMove: false }))).toBe(BigInt(-ENOMEM));
    const moved = rig.do(0, kernel.sys_mremap(0, { ...more, mayMove: true }));
    expect(moved).not.toBe(base);
    expect(rig.read(0, moved + PAGE)).toBe(7n);
    expect(rig.read(0, base + PAGE)).toBe(SEGFAULT);
    expect(rig.do(0, kernel.sys_mremap(0, { ...more, mayMove: true }))).toBe(BigInt(-EFAULT));
    const overlapping = { ...more, address: moved, oldLength: 5n * PAGE, mayMove: true, newAddress: moved + PAGE };
    expect(rig.do(0, kernel.sys_mremap(0, overlapping))).toBe(BigInt(-EINVAL));
    expect(rig.report).toBe('[]');
  });

  test('mmap goes down from the top, into the first hole that fits, and takes a free hint', () => {
    const rig = new Rig();
    const { task } = rig.process('one');
    rig.run(0, task);
    const [first, second, third] = [rig.mmap(0, 2), rig.mmap(0, 3, { prot: READ }), rig.mmap(0, 1)];
    expect([second, third]).toEqual([first - 3n * PAGE, first - 4n * PAGE]);
    rig.do(0, rig.kernel.sys_munmap(0, second, 3n * PAGE));
    expect(rig.mmap(0, 4)).toBe(third - 4n * PAGE);
    expect(rig.mmap(0, 2)).toBe(first - 2n * PAGE);
    const hint = { address: 0x1234_5000n, length: PAGE, prot: READ };
    expect(rig.do(0, rig.kernel.sys_mmap(0, hint))).toBe(0x1234_5000n);
    expect(rig.do(0, rig.kernel.sys_mmap(0, hint))).not.toBe(0x1234_5000n);
  });

  test('neighbours that differ in nothing become one area, and are cut again', () => {
    const rig = new Rig();
    const { task, mm } = rig.process('one');
    rig.run(0, task);
    const base = 0x4000_0000n;
    for (const index of [0n, 2n, 1n]) rig.mmap(0, 1, { address: base + index * PAGE });
    expect(mm.mmap.map(({ vm_start, vm_end }) => [vm_start, vm_end])).toEqual([[base, base + 3n * PAGE]]);
    rig.do(0, rig.kernel.sys_mprotect(0, base + PAGE, PAGE, READ));
    expect(mm.mmap.length).toBe(3);
    rig.do(0, rig.kernel.sys_mprotect(0, base + PAGE, PAGE, READ_WRITE));
    expect(mm.mmap.length).toBe(1);
  });
});

describe('memory runs out', () => {
  test('a fault ends the run with a word on what to do', () => {
    const rig = new Rig({ frames: 64 });
    const { task } = rig.process('one');
    rig.run(0, task);
    const start = rig.mmap(0, 64);
    const fill = (): void => {
      for (let page = 0n; page < 64n; page++) rig.write(0, start + page * PAGE, 1n);
    };
    expect(fill).toThrow(UnsupportedError);
    expect(fill).toThrow(/more memory/);
  });

  test('vmalloc says so, and gives back what it had taken', () => {
    const rig = new Rig({ frames: 64 });
    const before = rig.kernel.context.pages.allocated;
    expect(rig.do(0, rig.kernel.vmalloc(0, 100))).toBe(BigInt(-ENOMEM));
    expect(rig.kernel.context.pages.allocated).toBe(before);
    const area = rig.do(0, rig.kernel.vmalloc(0, 1));
    expect(rig.do(0, rig.kernel.vfree(0, area))).toBe(0);
    expect(rig.do(0, rig.kernel.vfree(0, area))).toBe(-EINVAL);
  });
});

describe('the zero page', () => {
  test('is what reads of fresh memory see, and no frame is spent on them', () => {
    const rig = new Rig();
    const { task, mm } = rig.process('one');
    rig.run(0, task);
    const start = rig.mmap(0, 8);
    rig.read(0, start);
    const before = rig.kernel.context.pages.allocated;
    for (let page = 1n; page < 8n; page++) expect(rig.read(0, start + page * PAGE)).toBe(0n);
    expect(rig.kernel.context.pages.allocated).toBe(before);
    expect(rig.do(0, rig.kernel.reclaim(0, mm, start, start + 8n * PAGE))).toBe(0);
    rig.write(0, start, 1n);
    expect(rig.read(0, start + PAGE)).toBe(0n);
    expect(rig.kernel.context.pages.allocated).toBe(before + 1);
    expect(rig.report).toBe('[]');
  });
});
