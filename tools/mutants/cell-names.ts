/** Finds the names of an era's variables: the fields that lead from a processor's tlb_state, or from an mm, to a cell. */
import type { Tlb } from '../../src/kernel/tlb/era.ts';

export class NamedCells {
  readonly names = new Map<number, string>();
  readonly #seen = new Set<object>();

  /** The protected method by which every era finds a processor's variables. */
  learnProcessors(tlb: Tlb, processors: number): void {
    const find: unknown = Reflect.get(tlb, 'cpu_tlbstate');
    if (typeof find !== 'function') throw new Error('the era has no cpu_tlbstate');
    for (let cpu = 0; cpu < processors; cpu++) this.#learn(Reflect.apply(find, tlb, [cpu]), '');
  }

  /** An argument of a method: if it is an mm, its cells. */
  learnArgument(argument: unknown): void {
    if (!isObject(argument) || this.#seen.has(argument) || !('ctx_id' in argument && 'cpumask' in argument)) return;
    this.#seen.add(argument);
    for (const [field, value] of Object.entries(argument)) {
      if (isCell(value)) this.names.set(value.address, `mm.${field}`);
    }
  }

  #learn(value: unknown, name: string): void {
    if (isCell(value)) this.names.set(value.address, name);
    else if (Array.isArray(value)) for (const each of value) this.#learn(each, `${name}[]`);
    else if (isObject(value)) {
      for (const [field, each] of Object.entries(value)) this.#learn(each, name === '' ? field : `${name}.${field}`);
    }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isCell(value: unknown): value is { readonly address: number } {
  return isObject(value) && 'address' in value && 'encode' in value && typeof value.address === 'number';
}
