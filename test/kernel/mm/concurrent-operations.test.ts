/**
 * Threads of one process on all processors at once, steps interleaved at random, store buffers and speculation on. Each
 * thread changes and checks an area of its own; kernel threads reclaim and migrate everybody's pages meanwhile, and one
 * thread forks. Values must be right at every read, no stale translation may be used, nothing may leak.
 */
import { expect, test } from 'vitest';
import { assert } from '../../../src/base/assert.ts';
import { Random } from '../../../src/base/random.ts';
import { KernelPanic } from '../../../src/kernel/bug.ts';
import type { Kernel } from '../../../src/kernel/hardware.ts';
import type { user_mm } from '../../../src/kernel/mm/mm_types.ts';
import type { task_struct } from '../../../src/kernel/sched.ts';
import { E3 } from '../../../src/kernel/tlb/e3.ts';
import type { Era, MmVariant } from '../../../src/kernel/tlb/era.ts';
import { ERAS } from '../../../src/kernel/tlb/eras.ts';
import { stepAtRandom } from '../../../src/scenario/scheduler.ts';
import { FreeOrder } from './free-order.ts';
import { ModelSpace } from './model.ts';
import { access, PAGE, Rig, type RigOptions, SEGFAULT } from './rig.ts';

const AREAS = 0x20_0000_0000n;
const AREA_PAGES = 6;
/** In one page table, so that freeing it depends on the neighbour; or in one each. */
const DISTANCES = [BigInt(AREA_PAGES) * PAGE, 512n * PAGE] as const;

class Concurrent {
  readonly rig: Rig;
  readonly mm: user_mm;
  readonly tasks: task_struct[] = [];
  readonly wrong: string[] = [];
  readonly #random: Random;
  readonly #distance: bigint;
  #value = 0n;

  constructor(seed: number, options: RigOptions) {
    this.#random = new Random(seed);
    this.#distance = this.#random.pick(DISTANCES);
    this.rig = new Rig({ processors: 3, seed, ...options });
    const { mm, task } = this.rig.process('threads');
    this.mm = mm;
    this.tasks.push(task);
  }

  /** Processors 0 and 1 run threads, the last one a kernel thread or a thread that forks. */
  run(rounds: number): void {
    const { rig, mm } = this;
    const { kernel, system } = rig;
    const second = kernel.createTask({ name: 'second', mm });
    const third = kernel.createTask({ name: 'third', mm });
    const kswapd = kernel.createTask({ name: 'kswapd', mm: null });
    this.tasks.push(second, third);
    const code = [
      this.#thread(0, this.tasks[0] as task_struct, rounds),
      this.#thread(1, second, rounds),
      this.#disturber(2, third, kswapd, rounds),
    ];
    for (const [cpu, each] of code.entries()) system.execution.start(cpu, each);
    for (let step = 0; code.some((_, cpu) => system.execution.busy(cpu)); step++) {
      assert(step < 4_000_000, 'no end in sight');
      assert(stepAtRandom(system.execution, this.#random), 'deadlock');
    }
  }

  #area(thread: number): bigint {
    return AREAS + BigInt(thread) * this.#distance;
  }

  *#thread(cpu: number, task: task_struct, rounds: number): Kernel<void> {
    const { kernel } = this.rig;
    const model = new ModelSpace();
    yield* kernel.context_switch(cpu, task);
    for (let round = 0; round < rounds; round++) yield* this.#round(cpu, model, this.#area(cpu));
    yield* kernel.context_switch(cpu, kernel.idle(cpu));
  }

  *#round(cpu: number, model: ModelSpace, base: bigint): Kernel<void> {
    const { kernel } = this.rig;
    const random = this.#random;
    const pages = 1 + random.below(3);
    const length = BigInt(pages) * PAGE;
    const start = base + BigInt(random.below(AREA_PAGES - pages + 1)) * PAGE;
    const prot = random.pick([1, 3, 3]);
    switch (random.below(14)) {
      case 0:
      case 1: {
        const shared = random.chance(0.3);
        yield* kernel.sys_mmap(cpu, { address: start, length, prot, shared, fixed: true });
        model.map(start, pages, prot, shared);
        return;
      }
      case 2:
        yield* kernel.sys_munmap(cpu, start, length);
        model.unmap(start, pages);
        return;
      case 3:
        if ((yield* kernel.sys_mprotect(cpu, start, length, prot)) === 0) model.protect(start, pages, prot);
        return;
      case 4: {
        const to = base + BigInt(random.below(AREA_PAGES - pages + 1)) * PAGE;
        const request = { address: start, oldLength: length, newLength: length, mayMove: true, newAddress: to };
        if ((yield* kernel.sys_mremap(cpu, request)) < 0n) return;
        model.unmap(to, pages);
        model.move(start, to, pages);
        return;
      }
      case 5:
        yield* kernel.sys_madvise(cpu, start, length, 'dontneed');
        model.dontneed(start, pages);
        return;
      case 6:
        yield* kernel.sys_madvise(cpu, start, length, 'free');
        model.free(start, pages);
        return;
      case 7:
      case 8:
      case 9:
      case 10:
        for (let index = 0; index < pages; index++) yield* this.#trespass();
        return;
      default:
        for (let index = 0n; index < pages; index++) yield* this.#access(model, start + index * PAGE);
    }
  }

  /** Touches anybody's page beside the value that its owner checks. */
  *#trespass(): Kernel<void> {
    const page = this.#area(this.#random.below(2)) + BigInt(this.#random.below(AREA_PAGES)) * PAGE;
    yield* access(page + 8n, this.#random.chance(0.5) ? 'read' : 'write', 1n);
  }

  *#access(model: ModelSpace, address: bigint): Kernel<void> {
    const value = ++this.#value;
    const writes = this.#random.chance(0.5);
    const seen: bigint | typeof SEGFAULT = yield* access(address, writes ? 'write' : 'read', value);
    const allowed = writes ? [model.write(address, value) ? value : SEGFAULT] : (model.read(address) ?? [SEGFAULT]);
    if (!new Set<unknown>(allowed).has(seen)) {
      this.wrong.push(`0x${address.toString(16)}: ${writes ? 'wrote' : 'read'} ${seen}, not ${allowed.join(' or ')}`);
    }
  }

  *#disturber(cpu: number, task: task_struct, kswapd: task_struct, rounds: number): Kernel<void> {
    const { kernel } = this.rig;
    const random = this.#random;
    const range = [AREAS, this.#area(2)] as const;
    for (let round = 0; round < rounds; round++) {
      const choice = random.below(8);
      if (choice < 6) {
        yield* kernel.context_switch(cpu, kswapd);
        if (choice < 3) yield* kernel.reclaim(cpu, this.mm, ...range);
        else yield* kernel.migrate_pages(cpu, this.mm, ...range);
      } else {
        yield* kernel.context_switch(cpu, task);
        const mm = yield* kernel.fork(cpu, `child${round}`);
        const child = kernel.createTask({ name: mm.name, mm });
        yield* kernel.context_switch(cpu, child);
        for (let index = 0; index < 4; index++) {
          yield* this.#trespass();
        }
        yield* kernel.exit_task(cpu, child);
      }
      yield* kernel.context_switch(cpu, kernel.idle(cpu));
    }
  }
}

const SEQUENCES = Number(process.env['TLBSAN_MM_SEQUENCES'] ?? 2);
const ROUNDS = 40;
const RIGS: readonly (RigOptions & { readonly name: string })[] = [
  ...ERAS.filter(({ variantOf }) => variantOf === undefined).map((era) => ({ name: era.id, era })),
  { name: 'no store buffers', switches: { 'store-buffers': false } },
  { name: 'small batches', tuning: { gatherBatch: 2, reclaimBatch: 2 } },
];

for (const { name, ...options } of RIGS) {
  for (let seed = 1; seed <= SEQUENCES; seed++) {
    test(`${name}: threads on three processors, seed ${seed}, see only their own values`, () => {
      const concurrent = new Concurrent(seed, options);
      const { rig } = concurrent;
      const order = new FreeOrder();
      rig.system.stream.observe((event, time) => order.observe(event, time));
      concurrent.run(ROUNDS);
      expect(concurrent.wrong).toEqual([]);
      rig.finish(concurrent.tasks);
      expect(rig.kernel.context.swap.size).toBe(0);
      expect(rig.kernel.context.pages.allocated).toBe(rig.baseline);
      expect(order.early).toEqual([]);
      expect(order.checked).toBeGreaterThan(0);
      expect(rig.report).toBe('[]');
    });
  }
}

/** The same threads under faults of the generic code: the machinery that stays silent above reports here. */
const FAULTS: readonly MmVariant[] = [{ flushBeforeClear: true }, { dropFlush: 3 }];
const FAULT_SEEDS = 8;

for (const mm of FAULTS) {
  test(`${JSON.stringify(mm)} is reported under some seed up to ${FAULT_SEEDS}`, () => {
    const era: Era = { ...E3, mm };
    const reported = (seed: number): boolean => {
      const concurrent = new Concurrent(seed, { era });
      try {
        concurrent.run(ROUNDS);
      } catch (error) {
        // Stale writes may hit page tables; what the kernel then finds is its end.
        if (!(error instanceof KernelPanic)) throw error;
      }
      return !concurrent.rig.clean;
    };
    expect(Array.from({ length: FAULT_SEEDS }, (_, index) => index + 1).find(reported)).toBeDefined();
  });
}
