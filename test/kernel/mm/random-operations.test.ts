/**
 * Random sequences of operations by several processes on several processors, one operation at a time, against a model
 * that knows only what programs can see; at the end, against the page tables in memory, and for leaks.
 */
import { expect, test } from 'vitest';
import { addressInFrame, frameNumber } from '../../../src/arch/address.ts';
import { present } from '../../../src/base/assert.ts';
import { Random } from '../../../src/base/random.ts';
import type { user_mm } from '../../../src/kernel/mm/mm_types.ts';
import type { task_struct } from '../../../src/kernel/sched.ts';
import { ERAS } from '../../../src/kernel/tlb/eras.ts';
import { FreeOrder } from './free-order.ts';
import { ModelSpace } from './model.ts';
import { readPageTables } from './page-tables.ts';
import { PAGE, Rig, type RigOptions, SEGFAULT } from './rig.ts';

const BASE = 0x10_0000_0000n;
/** Across the border between two page tables. */
const ARENA = BASE - 8n * PAGE;
const ARENA_PAGES = 24;
const PROCESSORS = 3;

interface Process {
  readonly mm: user_mm;
  readonly task: task_struct;
  readonly model: ModelSpace;
}

class Run {
  readonly rig: Rig;
  readonly random: Random;
  readonly processes: Process[] = [];
  #value = 0n;

  constructor(seed: number, options: RigOptions) {
    this.random = new Random(seed);
    this.rig = new Rig({ processors: PROCESSORS, seed, ...options });
    this.processes.push({ ...this.rig.process('first'), model: new ModelSpace() });
  }

  step(): void {
    const { rig, random } = this;
    const process = random.pick(this.processes);
    const { task, mm, model } = process;
    if (task.cpu === null || random.chance(0.1)) rig.run(this.#freeProcessor(task), task);
    const cpu = present(task.cpu, 'a processor');
    const other = random.below(PROCESSORS);
    const pages = 1 + random.below(6);
    const start = ARENA + BigInt(random.below(ARENA_PAGES - pages)) * PAGE;
    const end = start + BigInt(pages) * PAGE;
    const prot = random.pick([0, 1, 3, 3, 3, 5]);
    const { kernel } = rig;
    switch (random.below(16)) {
      case 0:
      case 1: {
        const shared = random.chance(0.3);
        rig.mmap(cpu, pages, { address: start, prot, shared });
        model.map(start, pages, prot, shared);
        return;
      }
      case 2:
        expect(rig.do(cpu, kernel.sys_munmap(cpu, start, BigInt(pages) * PAGE))).toBe(0);
        model.unmap(start, pages);
        return;
      case 3:
        if (rig.do(cpu, kernel.sys_mprotect(cpu, start, BigInt(pages) * PAGE, prot)) === 0) {
          expect(model.covers(start, pages)).toBe(true);
          model.protect(start, pages, prot);
        } else expect(model.covers(start, pages)).toBe(false);
        return;
      case 4: {
        const to = ARENA + BigInt(random.below(ARENA_PAGES - pages)) * PAGE;
        const length = BigInt(pages) * PAGE;
        const request = { address: start, oldLength: length, newLength: length, mayMove: true, newAddress: to };
        if (rig.do(cpu, kernel.sys_mremap(cpu, request)) < 0n) return;
        model.unmap(to, pages);
        model.move(start, to, pages);
        return;
      }
      case 5:
        rig.do(cpu, kernel.sys_madvise(cpu, start, BigInt(pages) * PAGE, 'dontneed'));
        model.dontneed(start, pages);
        return;
      case 6:
        rig.do(cpu, kernel.sys_madvise(cpu, start, BigInt(pages) * PAGE, 'free'));
        model.free(start, pages);
        return;
      case 7: {
        if (this.processes.length > 3) return;
        const child = rig.do(cpu, kernel.fork(cpu, `child${this.processes.length}`));
        const childTask = kernel.createTask({ name: child.name, mm: child });
        this.processes.push({ mm: child, task: childTask, model: model.fork() });
        return;
      }
      case 8:
        rig.do(other, kernel.reclaim(other, mm, start, end));
        return;
      case 9:
        rig.do(other, kernel.migrate_pages(other, mm, start, end));
        return;
      case 10:
        if (this.processes.length > 1 && random.chance(0.3)) {
          this.processes.splice(this.processes.indexOf(process), 1);
          this.check(process);
          rig.do(cpu, kernel.context_switch(cpu, kernel.idle(cpu)));
          rig.do(other, kernel.exit_task(other, task));
        }
        return;
      default:
        this.access(process, cpu, start, pages);
    }
  }

  access({ model }: Process, cpu: number, start: bigint, pages: number): void {
    for (let index = 0n; index < pages; index++) {
      const address = start + index * PAGE;
      if (this.random.chance(0.5)) {
        const value = ++this.#value;
        const written = this.rig.write(cpu, address, value);
        // Others that share the page may be asked next.
        this.rig.drain();
        expect(written).toBe(model.write(address, value) ? value : SEGFAULT);
      } else {
        const seen = this.rig.read(cpu, address);
        expect(model.read(address) ?? [SEGFAULT]).toContain(seen);
      }
    }
  }

  /** The page tables in memory against the model. */
  check({ mm, model }: Process): void {
    const { system } = this.rig;
    const { leaves, tables } = readPageTables(system, mm.pgd);
    for (const leaf of leaves) {
      const page = present(model.pages.get(leaf.address), `a mapping at 0x${leaf.address.toString(16)}`);
      expect(leaf.user).toBe(true);
      expect(page.prot).not.toBe(0);
      expect(leaf.writable && (page.prot & 2) === 0).toBe(false);
      expect(leaf.executable).toBe((page.prot & 4) !== 0);
      const value = system.machine.memory.read64(addressInFrame(frameNumber(leaf.frame), 0));
      expect(present(model.read(leaf.address), 'a readable page')).toContain(value);
    }
    const mapped = [...model.pages.keys()];
    for (const { address, bytes } of tables) {
      expect(mapped.some((page) => page >= address && page < address + bytes)).toBe(true);
    }
  }

  #freeProcessor(task: task_struct): number {
    const cpu = this.random.below(PROCESSORS);
    const current = this.rig.kernel.current(cpu);
    if (current !== task && current !== this.rig.kernel.idle(cpu)) {
      this.rig.do(cpu, this.rig.kernel.context_switch(cpu, this.rig.kernel.idle(cpu)));
    }
    return cpu;
  }
}

/** References as the page tables, caches and the swap device account for them. */
function checkReferences({ rig, processes }: Run): void {
  const { pages, zero_page } = rig.kernel.context;
  const mappings = new Map<number, number>();
  for (const { mm } of processes) {
    for (const { frame } of readPageTables(rig.system, mm.pgd).leaves)
      mappings.set(frame, (mappings.get(frame) ?? 0) + 1);
  }
  for (const page of pages.inUse) {
    if (page === zero_page || page.use !== 'user') continue;
    const caches = (page.object === null ? 0 : 1) + (page.swap === null ? 0 : 1);
    expect(page.refcount).toBe(page.rmap.length + caches);
    expect(page.lock).toBeNull();
    // The tables show only accessible mappings; the reverse map has the others too.
    expect(mappings.get(page.frame) ?? 0).toBeLessThanOrEqual(page.rmap.length);
  }
}

const SEQUENCES = Number(process.env['TLBSAN_MM_SEQUENCES'] ?? 2);
const STEPS = 400;
const RIGS: readonly (RigOptions & { readonly name: string })[] = [
  ...ERAS.filter(({ variantOf }) => variantOf === undefined).map((era) => ({ name: era.id, era })),
  { name: '5 levels', switches: { la57: true } },
  { name: 'no PCIDs, no store buffers', switches: { pcid: false, 'store-buffers': false } },
];

for (const { name, ...options } of RIGS) {
  for (let seed = 1; seed <= SEQUENCES; seed++) {
    test(`${name}: ${STEPS} operations, seed ${seed}, leave what the model says`, () => {
      const run = new Run(seed, options);
      const order = new FreeOrder();
      run.rig.system.stream.observe((event, time) => order.observe(event, time));
      for (let step = 0; step < STEPS; step++) run.step();
      for (const process of run.processes) run.check(process);
      checkReferences(run);
      run.rig.finish(run.processes.map(({ task }) => task));
      expect(run.rig.kernel.context.swap.size).toBe(0);
      expect(run.rig.kernel.context.pages.allocated).toBe(run.rig.baseline);
      expect(order.early).toEqual([]);
      expect(order.checked).toBeGreaterThan(30);
      expect(run.rig.report).toBe('[]');
    });
  }
}
