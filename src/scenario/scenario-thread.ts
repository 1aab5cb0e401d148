/** One thread of a scenario: its statements, turned into actions on the processor that it runs on. */
import { addressInPage, linearAddress, type LinearAddress, PAGE_BYTES, pageNumber, pageOf } from '../arch/address.ts';
import type { AccessKind } from '../arch/page-fault.ts';
import { assert, unreachable } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import { Segfault } from '../kernel/hardware.ts';
import type { task_struct } from '../kernel/sched.ts';
import type {
  Location,
  Outcome,
  PageRange,
  Place,
  Protection,
  Statement,
  ThreadDeclaration,
} from '../workload/scenario-ast.ts';
import type { ProcessorAction } from './execution.ts';
import type { ScenarioWorld, Space } from './scenario-world.ts';

/** What a thread yields besides actions: it waits, or it asks for another processor. */
export type ThreadAction =
  | ProcessorAction
  | { readonly kind: 'block'; readonly ready: () => boolean }
  | { readonly kind: 'move'; readonly processor: number };

export type ThreadCode = Generator<ThreadAction, void, bigint>;

export const PROT: Readonly<Record<Protection, number>> = { none: 0, r: 1, rw: 3, rx: 5, rwx: 7 };

export class ScenarioThread {
  readonly declaration: ThreadDeclaration;
  readonly task: task_struct;
  readonly space: Space;
  processor: number;
  /** The statement it is at, for reports. */
  at: Statement | null = null;
  finished = false;
  /** Statements begun so far, of all rounds of all loops. */
  executed = 0;
  /** Why it cannot run now; null when it can. */
  waitsFor: (() => boolean) | null = null;
  readonly code: ThreadCode;
  readonly #world: ScenarioWorld;

  constructor(
    declaration: ThreadDeclaration,
    { world, space, task }: { world: ScenarioWorld; space: Space; task: task_struct },
  ) {
    this.declaration = declaration;
    this.#world = world;
    this.space = space;
    this.task = task;
    this.processor = declaration.processor;
    this.code = this.#run(declaration.body);
  }

  get ready(): boolean {
    return !this.finished && (this.waitsFor === null || this.waitsFor());
  }

  *#run(body: readonly Statement[]): ThreadCode {
    for (const statement of body) {
      this.at = statement;
      if (statement.kind === 'repeat') {
        for (let round = 0; round < statement.count; round++) yield* this.#run(statement.body);
        continue;
      }
      this.executed++;
      this.#world.reached(this, this.executed);
      yield* this.#statement(statement);
    }
  }

  *#statement(statement: Exclude<Statement, { kind: 'repeat' }>): ThreadCode {
    const { kernel } = this.#world;
    const cpu = this.processor;
    switch (statement.kind) {
      case 'mmap': {
        const start = yield* kernel.sys_mmap(cpu, {
          address: statement.at === null ? null : statement.at,
          length: BigInt(statement.pages) * BigInt(PAGE_BYTES) * (statement.size === '2M' ? 512n : 1n),
          prot: PROT[statement.protection],
          shared: statement.shared,
          fixed: statement.at !== null,
          huge: statement.size === '2M',
        });
        this.#bind(statement.variable, start, statement.pages * (statement.size === '2M' ? 512 : 1), statement.place);
        return;
      }
      case 'munmap': {
        const { start, bytes } = this.#range(statement.range, statement.place);
        yield* kernel.sys_munmap(cpu, start, bytes);
        return;
      }
      case 'mprotect': {
        const { start, bytes } = this.#range(statement.range, statement.place);
        yield* kernel.sys_mprotect(cpu, start, bytes, PROT[statement.protection]);
        return;
      }
      case 'mremap': {
        const { start, bytes } = this.#range(statement.range, statement.place);
        const length = BigInt(statement.pages * PAGE_BYTES);
        const moved = yield* kernel.sys_mremap(cpu, {
          address: start,
          oldLength: bytes,
          newLength: length,
          mayMove: true,
          forceMove: statement.move,
        });
        this.#bind(statement.to, moved, statement.pages, statement.place);
        return;
      }
      case 'madvise': {
        const { start, bytes } = this.#range(statement.range, statement.place);
        yield* kernel.sys_madvise(cpu, start, bytes, statement.advice);
        return;
      }
      case 'brk': {
        const start = yield* kernel.grow_brk(cpu, BigInt(statement.pages * PAGE_BYTES));
        this.#bind(statement.variable, start, statement.pages, statement.place);
        return;
      }
      case 'fork': {
        const mm = yield* kernel.fork(cpu, statement.space);
        yield* this.#release();
        this.#world.forked(statement.space, mm, this.space);
        return;
      }
      case 'read':
        yield* this.#access('read', statement.location, statement.place, statement.outcome);
        return;
      case 'fetch':
        yield* this.#access('fetch', statement.location, statement.place, statement.outcome);
        return;
      case 'write':
        yield* this.#access('write', statement.location, statement.place, statement.outcome, statement.value);
        return;
      case 'signal':
        yield* this.#release();
        this.#world.touched('signals', 0, 'write');
        this.#world.signalled.add(statement.event);
        return;
      case 'await': {
        const { signalled } = this.#world;
        this.#world.touched('signals', 0, 'read');
        if (!signalled.has(statement.event)) yield { kind: 'block', ready: () => signalled.has(statement.event) };
        return;
      }
      case 'run-on':
        if (statement.processor !== this.processor) yield { kind: 'move', processor: statement.processor };
        return;
      case 'reclaim': {
        const space = this.#world.space(statement.space, statement.place);
        const { start, bytes } = this.#range(statement.range, statement.place, space);
        yield* kernel.reclaim(cpu, space.mm, start, start + bytes);
        return;
      }
      case 'migrate-pages': {
        const space = this.#world.space(statement.space, statement.place);
        const { start, bytes } = this.#range(statement.range, statement.place, space);
        yield* kernel.migrate_pages(cpu, space.mm, start, start + bytes);
        return;
      }
      case 'vmalloc': {
        const start = yield* kernel.vmalloc(cpu, statement.pages);
        this.#bind(statement.variable, start, statement.pages, statement.place);
        return;
      }
      case 'vfree':
        yield* kernel.vfree(cpu, this.#variable(statement.variable, statement.place).start);
        return;
      case 'offline':
        yield* kernel.cpu_offline(cpu, statement.processor);
        return;
      case 'online':
        yield* kernel.cpu_online(cpu, statement.processor);
        return;
      case 'speculate': {
        const address = this.#address(
          statement.location,
          statement.place,
          this.#world.space(statement.space, statement.place),
        );
        yield { kind: 'hardware', act: (machine) => machine.processor(statement.processor).mmu.speculate(address) };
        return;
      }
      case 'evict': {
        const address = this.#address(
          statement.location,
          statement.place,
          this.#world.space(statement.space, statement.place),
        );
        yield { kind: 'hardware', act: (machine) => machine.processor(statement.processor).mmu.evict(address) };
        return;
      }
      case 'flush':
        if (statement.what === 'all') yield* kernel.flush_all(cpu, 'by hand');
        else yield* kernel.flush_mm(cpu, this.space.mm, 'by hand');
        return;
      default:
        unreachable(statement);
    }
  }

  /** Whoever is told something sees what the thread stored before it told: telling is itself a store (SDM 3A 9.2.2). */
  *#release(): ThreadCode {
    yield { kind: 'fence' };
  }

  *#access(kind: AccessKind, location: Location, place: Place, outcome: Outcome, value = 0n): ThreadCode {
    const address = this.#address(location, place);
    const user = this.declaration.space !== null;
    let seen: bigint | null;
    try {
      if (user) yield* this.#world.kernel.user_mode(this.processor);
      seen = yield { kind: 'access', address, access: { kind, user }, value };
    } catch (error) {
      if (!(error instanceof Segfault)) throw error;
      seen = null;
    }
    this.#world.accessed(this, place, seen);
    if (seen === null) {
      if (outcome.kind === 'value')
        this.#world.disappoint(this, place, `${kind} of ${printLocation(location)} ended in SIGSEGV`);
    } else if (outcome.kind === 'fault') {
      this.#world.disappoint(this, place, `${kind} of ${printLocation(location)} succeeded, expected a fault`);
    } else if (outcome.kind === 'value' && seen !== outcome.value) {
      this.#world.disappoint(this, place, `read ${seen} from ${printLocation(location)}, expected ${outcome.value}`);
    }
  }

  #bind(variable: string, start: bigint, pages: number, place: Place): void {
    if (start < 0n) throw this.#error(`no room for '${variable}': error ${-start}`, place);
    this.#world.touched('variables', this.space.mm.ctx_id, 'write');
    this.space.variables.set(variable, { start: linearAddress(start), pages });
  }

  #variable(name: string, place: Place, space = this.space): { start: LinearAddress; pages: number } {
    this.#world.touched('variables', space.mm.ctx_id, 'read');
    const variable = space.variables.get(name);
    if (variable === undefined) throw this.#error(`'${name}' is not mapped yet when this statement runs`, place);
    return variable;
  }

  #range(range: PageRange, place: Place, space = this.space): { start: LinearAddress; bytes: bigint } {
    const { start, pages } = this.#variable(range.variable, place, space);
    const { first, last } = range.pages ?? { first: 0, last: pages - 1 };
    if (last >= pages) throw this.#error(`'${range.variable}' has ${pages} pages, there is no page ${last}`, place);
    return { start: addressOfPage(start, first), bytes: BigInt((last - first + 1) * PAGE_BYTES) };
  }

  #address(location: Location, place: Place, space = this.space): LinearAddress {
    const { start } = this.#variable(location.variable, place, space);
    assert(location.offset % 8 === 0, 'offsets are multiples of eight');
    return addressInPage(pageOf(addressOfPage(start, location.page)), location.offset);
  }

  #error(message: string, { line, column }: Place): InputError {
    return new InputError(message, { file: this.#world.file, line, column });
  }
}

function addressOfPage(start: LinearAddress, page: number): LinearAddress {
  return addressInPage(pageNumber(pageOf(start) + page), 0);
}

function printLocation({ variable, page, offset }: Location): string {
  return offset === 0 ? `${variable}[${page}]` : `${variable}[${page}]+${offset}`;
}
