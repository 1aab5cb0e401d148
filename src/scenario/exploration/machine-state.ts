/**
 * The state of the hardware, told piece by piece: what each processor has cached, its registers, its store buffer and its
 * local APIC, and what is on its way between processors. Times and serial numbers are not told; where translations of
 * several sizes, or global ones, could answer for one page, their order is, for the oldest answers.
 */
import { unreachable } from '../../base/assert.ts';
import type { CachedTranslation } from '../../event/cached-translation.ts';
import { Hash } from '../../explore/hash.ts';
import { printInvlpgb } from '../../arch/invlpgb.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Processor } from '../../machine/processor.ts';

export class MachineState {
  readonly #machine: Machine;
  readonly #entry = new Hash();
  readonly #words = new Uint32Array(2);

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  tellState(hash: Hash): void {
    for (const processor of this.#machine.processors) this.#processor(hash, processor);
    const { bus, broadcasts } = this.#machine;
    const flights = bus.inFlight.map(
      ({ sender, target, vector, delivery }) => `${sender} ${target} ${vector} ${delivery}`,
    );
    for (const flight of flights.sort()) hash.text(flight);
    const sent = broadcasts.inFlight.map(
      ({ sender, target, operand }) => `${sender} ${target} ${printInvlpgb(operand)}`,
    );
    for (const broadcast of sent.sort()) hash.text(broadcast);
  }

  #processor(hash: Hash, { mmu, storeBuffer, apic, interruptsEnabled }: Processor): void {
    const { cr0, cr3, cr4, efer, cpl, ac, pkru, pkrs } = mmu.control;
    for (const register of [cr0, cr3, cr4, efer]) hash.quad(register);
    for (const value of [cpl, ac ? 1 : 0, pkru, pkrs, interruptsEnabled ? 1 : 0]) hash.number(value);
    hash.number(storeBuffer.size);
    for (const { address, value } of storeBuffer.waiting) {
      hash.number(address);
      hash.quad(value);
    }
    apic.tellState(hash);
    this.#cached(hash, [...mmu.cached()]);
  }

  #cached(hash: Hash, cached: CachedTranslation[]): void {
    const ordered = cached.some((each) => each.kind === 'tlb' && (each.global || each.pages > 1));
    if (ordered) cached.sort((a, b) => a.serial - b.serial);
    let [low, high, position] = [0, 0, 0];
    for (const each of cached) {
      const entry = this.#entry;
      entry.reset();
      if (ordered && each.kind === 'tlb') entry.number(position++);
      tellEntry(entry, each);
      entry.finish(this.#words);
      low = (low + (this.#words[0] ?? 0)) | 0;
      high = (high + (this.#words[1] ?? 0)) | 0;
    }
    for (const word of [low, high, cached.length]) hash.word(word);
  }
}

function tellEntry(hash: Hash, cached: CachedTranslation): void {
  const { kind, pcid, root, page, pages, writable, user, executable, sources } = cached;
  hash.text(kind);
  for (const value of [pcid, root, page, pages]) hash.number(value);
  hash.word((writable ? 1 : 0) | (user ? 2 : 0) | (executable ? 4 : 0));
  for (const { level, address, entry } of sources) {
    hash.word(level);
    hash.number(address);
    hash.quad(entry);
  }
  switch (kind) {
    case 'tlb':
      for (const value of [cached.slotPage, cached.slotPages, cached.frame]) hash.number(value);
      hash.word((cached.global ? 1 : 0) | (cached.dirty ? 2 : 0));
      hash.word(cached.protectionKey);
      hash.word(cached.memoryTypeIndex);
      return;
    case 'pml5e':
    case 'pml4e':
    case 'pdpte':
    case 'pde':
      hash.number(cached.table);
      return;
    default:
      unreachable(kind);
  }
}
