/**
 * Trouble on purpose: kernel threads that do to the memory of running programs what a busy machine would, at seeded moments.
 * A correct kernel hides all of it.
 */
import { InputError } from '../../base/errors.ts';
import type { Kernel } from '../../kernel/hardware.ts';
import type { user_mm } from '../../kernel/mm/mm_types.ts';
import { general, RSP } from '../../process/user-registers.ts';
import type { ThreadAction, ThreadCode } from '../../process/program-code.ts';
import type { ProgramWorld, Runner } from './program-world.ts';

/** Each takes the processor that it runs on, and a range of an address space that has users. */
const KINDS = {
  migrate: (world, cpu, mm, start, end) => world.system.kernel.migrate_pages(cpu, mm, start, end),
  reclaim: (world, cpu, mm, start, end) => world.system.kernel.reclaim(cpu, mm, start, end),
  protect: (world, cpu, mm, start, end) => world.system.kernel.write_protect(cpu, mm, start, end),
} as const satisfies Record<
  string,
  (world: ProgramWorld, cpu: number, mm: user_mm, start: bigint, end: bigint) => Kernel<number>
>;

export type StressKind = keyof typeof KINDS | 'move';

export const STRESS_KINDS: readonly StressKind[] = [...(Object.keys(KINDS) as (keyof typeof KINDS)[]), 'move'];

/** Names separated by commas; `all` is every one. Throws InputError naming those there are. */
export function parseStress(list: string): readonly StressKind[] {
  const words = list.split(',').filter((word) => word !== '');
  if (words.includes('all')) return STRESS_KINDS;
  return words.map((word) => {
    const kind = STRESS_KINDS.find((name) => name === word);
    if (kind === undefined) {
      throw new InputError(`unknown kind of stress '${word}'; there are all, ${STRESS_KINDS.join(', ')}`, {
        file: '--stress',
      });
    }
    return kind;
  });
}

/** Nanoseconds between two acts of one kind, at most. */
const PERIOD = 60_000;
const PAGES_AT_ONCE = 32;
const PAGE = 4096n;

export function startStress(world: ProgramWorld, kinds: readonly StressKind[]): void {
  for (const kind of kinds) {
    if (kind === 'move') world.moveOften();
    else world.kernelThreads.push(new StressThread(world, kind));
  }
}

class StressThread implements Runner {
  readonly task: Runner['task'];
  readonly code: ThreadCode<void>;
  readonly affinity = -1n;
  pending: ThreadAction | null = null;
  finished = false;
  processor = 0;
  readonly #world: ProgramWorld;

  constructor(world: ProgramWorld, kind: keyof typeof KINDS) {
    this.#world = world;
    this.task = world.system.kernel.createTask({ name: `k${kind}d`, mm: null });
    this.code = this.#work(kind);
  }

  get ready(): boolean {
    const { pending } = this;
    if (this.#world.over) return false;
    if (pending?.kind !== 'block') return true;
    return pending.deadline !== null && this.#world.userland.clock.now >= pending.deadline;
  }

  *#work(kind: keyof typeof KINDS): ThreadCode<void> {
    const { random, kernel } = this.#world.system;
    const { clock } = this.#world.userland;
    for (;;) {
      yield { kind: 'block', ready: () => false, deadline: clock.now + 1 + random.below(PERIOD) };
      const target = this.#choose();
      if (target === null) continue;
      const { mm, start, end } = target;
      const cpu = this.task.cpu;
      if (cpu === null || !kernel.mmget_not_zero(mm)) continue;
      yield* KINDS[kind](this.#world, cpu, mm, start, end);
      yield* kernel.mmput(cpu, mm);
    }
  }

  /** Some pages of some program's thread: of any of its mappings, or where it stands, or about its stack pointer. */
  #choose(): { mm: user_mm; start: bigint; end: bigint } | null {
    const { system, userland } = this.#world;
    const { random } = system;
    if (userland.threads.length === 0) return null;
    const { process, registers } = random.pick(userland.threads);
    const { mm } = process;
    const hot = [registers.rip, general(registers, RSP), null, null][random.below(4)] ?? null;
    const area = hot === null ? (mm.mmap[random.below(Math.max(1, mm.mmap.length))] ?? null) : areaOf(mm, hot);
    if (area === null) return null;
    const pages = Number((area.vm_end - area.vm_start) / PAGE);
    const start = hot === null ? area.vm_start + BigInt(random.below(pages)) * PAGE : hot - (hot % PAGE);
    const wanted = start + BigInt(1 + random.below(PAGES_AT_ONCE)) * PAGE;
    return { mm, start, end: wanted < area.vm_end ? wanted : area.vm_end };
  }
}

function areaOf({ mmap }: user_mm, address: bigint): user_mm['mmap'][number] | null {
  return mmap.find(({ vm_start, vm_end }) => vm_start <= address && address < vm_end) ?? null;
}
