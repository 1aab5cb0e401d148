/**
 * The local state of the code on each processor, without looking into it: code is a generator, and what it does next is a
 * function of how it began and of all that it has been told since - results of actions, and shared data outside of memory
 * that it has read. A running hash of these stands for its state. Where code begins anew, with nothing remembered but its
 * place in the workload, so does the hash: two executions that did the same things in another order meet again there.
 */
import { assert } from '../../base/assert.ts';
import { Hash } from '../../explore/hash.ts';
import type { MiniKernel } from '../../kernel/kernel.ts';
import { tell_mm } from '../../kernel/mm/mm_types.ts';
import type { ExecutionObserver, ProcessorAction } from '../execution.ts';

export class ThreadHistory implements ExecutionObserver {
  readonly #kernel: MiniKernel;
  /** By processor: the code that it runs, innermost last. */
  readonly #stacks: Hash[][];
  readonly #spare: Hash[] = [];

  constructor(kernel: MiniKernel, processors: number) {
    this.#kernel = kernel;
    this.#stacks = Array.from({ length: processors }, () => []);
  }

  began(processor: number, vector: number, address: bigint, errorCode: number): void {
    const hash = this.#spare.pop() ?? new Hash();
    hash.reset();
    hash.number(vector);
    hash.quad(address);
    hash.number(errorCode);
    this.#stacks[processor]?.push(hash);
  }

  resumed(processor: number, action: ProcessorAction, result: bigint | null): void {
    const hash = this.top(processor);
    hash.text(action.kind);
    if (result === null) hash.number(-1);
    else hash.quad(result);
    // Whoever holds mmap_lock has read what it protects, and may act upon it when it is gone.
    if (action.kind !== 'locked' || action.operation !== 'compare-exchange') return;
    for (const mm of this.#kernel.context.mms.all) if (mm.mmap_lock.address === action.address) tell_mm(hash, mm);
  }

  ended(processor: number): void {
    const hash = this.#stacks[processor]?.pop();
    assert(hash !== undefined, 'code that ends has begun');
    this.#spare.push(hash);
  }

  /** The workload's code on the processor begins anew, from this place. */
  settled(processor: number, thread: number, statements: number): void {
    const [bottom] = this.#stacks[processor] ?? [];
    if (bottom === undefined) return;
    bottom.reset();
    bottom.number(thread);
    bottom.number(statements);
  }

  /** Of the code that is running, to tell it what else it has read. */
  top(processor: number): Hash {
    const hash = this.#stacks[processor]?.at(-1);
    assert(hash !== undefined, `processor ${processor} runs code`);
    return hash;
  }

  runs(processor: number): boolean {
    return (this.#stacks[processor]?.length ?? 0) > 0;
  }

  tellState(hash: Hash): void {
    for (const stack of this.#stacks) {
      hash.number(stack.length);
      for (const each of stack) hash.hash(each);
    }
  }
}
