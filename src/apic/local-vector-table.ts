/** The local vector table: how interrupts of local origin are delivered (SDM 3A 11.5.1). */
import { ApicRegister, apicRegisterRule, LVT_MASK } from '../arch/apic-registers.ts';
import { present } from '../base/assert.ts';

const ENTRIES: readonly number[] = [
  ApicRegister.LVT_CMCI,
  ApicRegister.LVT_TIMER,
  ApicRegister.LVT_THERMAL,
  ApicRegister.LVT_PERFORMANCE,
  ApicRegister.LVT_LINT0,
  ApicRegister.LVT_LINT1,
  ApicRegister.LVT_ERROR,
];

/** Number of entries, less one: bits 23:16 of the version register (SDM 3A 11.4.8). */
export const MAX_LVT_ENTRY = ENTRIES.length - 1;

export class LocalVectorTable {
  readonly #entries = new Map<number, number>(ENTRIES.map((offset) => [offset, LVT_MASK]));

  has(offset: number): boolean {
    return this.#entries.has(offset);
  }

  read(offset: number): number {
    return present(this.#entries.get(offset), 'LVT entry');
  }

  /** While the APIC is software disabled, mask bits are set and stay set (SDM 3A 11.4.7.2). */
  write(offset: number, value: number, { softwareEnabled }: { readonly softwareEnabled: boolean }): void {
    const { writable } = present(apicRegisterRule(offset), 'rule of an LVT entry');
    this.#entries.set(offset, (value & writable) | (softwareEnabled ? 0 : LVT_MASK));
  }

  maskAll(): void {
    for (const [offset, entry] of this.#entries) this.#entries.set(offset, entry | LVT_MASK);
  }

  reset(): void {
    for (const offset of this.#entries.keys()) this.#entries.set(offset, LVT_MASK);
  }
}
