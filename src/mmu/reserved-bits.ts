/**
 * Bits that must be 0 in a present paging-structure entry (SDM 3A 4.5.5, tables 4-14 to 4-20): those above MAXPHYADDR,
 * XD without EFER.NXE, PS where no page can be mapped, and the low address bits of a large page's frame.
 */
import type { PagingLevel } from '../arch/address.ts';
import { ENTRY_FRAME_MASK, PagingEntry } from '../arch/paging-entry.ts';
import type { ProcessorPart } from './part.ts';

/** Bits 20:13 of a PDE, 29:13 of a PDPTE that maps a page: bit 12 is PAT. */
const LOW_FRAME_BITS_2M = 0x1f_e000n;
const LOW_FRAME_BITS_1G = 0x3fff_e000n;

export class ReservedBits {
  readonly #always: bigint;
  readonly #page1GB: boolean;

  constructor(part: ProcessorPart, nxe: boolean) {
    const aboveMaxPhysicalAddress = ENTRY_FRAME_MASK & ~((1n << BigInt(part.maxPhysicalAddressBits)) - 1n);
    this.#always = aboveMaxPhysicalAddress | (nxe ? 0n : PagingEntry.XD);
    this.#page1GB = part.page1GB;
  }

  isSet(entry: bigint, level: PagingLevel): boolean {
    if ((entry & this.#always) !== 0n) return true;
    if (level === 1 || (entry & PagingEntry.PS) === 0n) return false;
    if (level === 2) return (entry & LOW_FRAME_BITS_2M) !== 0n;
    if (level === 3) return !this.#page1GB || (entry & LOW_FRAME_BITS_1G) !== 0n;
    return true;
  }
}
