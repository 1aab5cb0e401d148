/**
 * Bits that must be 0 in a present paging-structure entry (SDM 3A 4.5.4, tables 4-14 to 4-20): those above MAXPHYADDR,
 * XD without EFER.NXE, PS where no page can be mapped, and the low address bits of a large page's frame.
 */
import type { PagingLevel } from '../arch/address.ts';
import { ENTRY_FRAME_MASK, PagingEntry } from '../arch/paging-entry.ts';
import { assert } from '../base/assert.ts';
import type { ProcessorPart } from './part.ts';

/** Bits 20:13 of a PDE, 29:13 of a PDPTE that maps a page: bit 12 is PAT. */
const LOW_FRAME_BITS_2M = 0x1f_e000;
const LOW_FRAME_BITS_1G = 0x3fff_e000;

const PS = Number(PagingEntry.PS);

/** Works on the two halves of an entry, bits 31:0 and 63:32, which a walk reads as numbers. */
export class ReservedBits {
  /** In the high half: those above MAXPHYADDR are there if it is at least 32, as on every 64-bit part. */
  readonly #high: number;
  readonly #page1GB: boolean;

  constructor(part: ProcessorPart, nxe: boolean) {
    assert(part.maxPhysicalAddressBits >= 32, 'MAXPHYADDR of a 64-bit part is at least 32');
    const aboveMaxPhysicalAddress = ENTRY_FRAME_MASK & ~((1n << BigInt(part.maxPhysicalAddressBits)) - 1n);
    this.#high = Number((aboveMaxPhysicalAddress | (nxe ? 0n : PagingEntry.XD)) >> 32n);
    this.#page1GB = part.page1GB;
  }

  areSet(low: number, high: number, level: PagingLevel): boolean {
    if ((high & this.#high) !== 0) return true;
    if (level === 1 || (low & PS) === 0) return false;
    if (level === 2) return (low & LOW_FRAME_BITS_2M) !== 0;
    if (level === 3) return !this.#page1GB || (low & LOW_FRAME_BITS_1G) !== 0;
    return true;
  }

  areSetIn(entry: bigint, level: PagingLevel): boolean {
    return this.areSet(Number(entry & 0xffff_ffffn), Number(entry >> 32n), level);
  }
}
