/** Tasks, borrowed address spaces, processors that come and go. */
import { describe, expect, test } from 'vitest';
import { ERAS } from '../../../src/kernel/tlb/eras.ts';
import { access, PAGE, Rig, SEGFAULT } from './rig.ts';

const REAL = ERAS.filter(({ variantOf }) => variantOf === undefined);

describe.each(REAL)('$id', (era) => {
  test('a top table lives as long as a kernel thread borrows it, and no longer', () => {
    const rig = new Rig({ era });
    const { kernel } = rig;
    const { task, mm } = rig.process('borrowed');
    const kthread = kernel.createTask({ name: 'kthread', mm: null });
    rig.run(1, task);
    rig.write(1, rig.mmap(1, 1), 1n);
    rig.run(1, kthread);
    rig.do(0, kernel.exit_task(0, task));
    expect(kernel.context.pages.pfn_to_page(mm.pgd).refcount).toBe(1);
    const other = rig.process('other');
    rig.run(1, other.task);
    expect(() => kernel.core.mmById(mm.ctx_id)).toThrow();
    rig.finish([other.task]);
    expect(kernel.context.pages.allocated).toBe(rig.baseline);
    expect(rig.report).toBe('[]');
  });

  test('a task takes its values along from processor to processor', () => {
    const rig = new Rig({ era, processors: 3 });
    const { task } = rig.process('traveller');
    rig.run(0, task);
    const start = rig.mmap(0, 2);
    for (let round = 0n; round < 12n; round++) {
      const cpu = Number(round % 3n);
      rig.run(cpu, task);
      if (round > 0n) expect(rig.read(cpu, start)).toBe(round - 1n);
      rig.write(cpu, start, round);
      if (round % 4n === 3n) {
        rig.do(cpu, rig.kernel.sys_madvise(cpu, start, PAGE, 'dontneed'));
        rig.write(cpu, start, round);
      }
    }
    rig.finish([task]);
    expect(rig.report).toBe('[]');
  });

  test('a processor that was offline missed flushes, and uses nothing old when it is back', () => {
    const rig = new Rig({ era });
    const { kernel } = rig;
    const { task, mm } = rig.process('process');
    const thread = kernel.createTask({ name: 'thread', mm });
    rig.run(0, task);
    rig.run(1, thread);
    const start = rig.mmap(0, 1);
    const before = kernel.context.pages.allocated;
    const area = rig.do(0, kernel.vmalloc(0, 1));
    const kernelTables = kernel.context.pages.allocated - before - 1;
    rig.write(1, start, 1n);
    rig.do(1, access(area, 'write', 1n, false));
    rig.do(1, kernel.context_switch(1, kernel.idle(1)));

    rig.do(0, kernel.cpu_offline(0, 1));
    expect(kernel.online(1)).toBe(false);
    rig.do(0, kernel.sys_madvise(0, start, PAGE, 'dontneed'));
    rig.do(0, kernel.vfree(0, area));
    rig.do(0, kernel.cpu_online(0, 1));
    expect(kernel.online(1)).toBe(true);

    rig.run(1, thread);
    expect(rig.read(1, start)).toBe(0n);
    expect(rig.do(1, access(area, 'read', 0n, false))).toBe(SEGFAULT);
    rig.finish([task, thread]);
    expect(kernel.context.pages.allocated).toBe(rig.baseline + kernelTables);
    expect(rig.report).toBe('[]');
  });

  test('execve and exit leave nothing behind', () => {
    const rig = new Rig({ era });
    const { kernel } = rig;
    const { task } = rig.process('old');
    rig.run(0, task);
    rig.write(0, rig.mmap(0, 3), 1n);
    rig.do(0, kernel.context_switch(0, kernel.idle(0)));
    const mm = kernel.createMm('new');
    rig.do(0, kernel.exec_mmap(0, task, mm));
    rig.run(0, task);
    const start = rig.mmap(0, 3);
    expect(rig.read(0, start)).toBe(0n);
    rig.do(0, kernel.exit_task(0, task));
    rig.finish([]);
    expect(kernel.context.pages.allocated).toBe(rig.baseline);
    expect(rig.report).toBe('[]');
  });
});
