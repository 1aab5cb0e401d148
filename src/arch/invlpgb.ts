/**
 * The operand of AMD's INVLPGB (APM 3 INVLPGB), as its registers come out: RAX has the flags and the address, ECX the count
 * and the stride, EDX the PCID. Left out: the ASID, which names a guest, nested translations, and the flag that spares
 * upper-level entries.
 */
import type { LinearAddress } from './address.ts';

export interface InvlpgbOperand {
  /** Translations of one PCID; null: of every PCID. */
  readonly pcid: number | null;
  /** The pages that it names; null: every page. */
  readonly pages: {
    readonly start: LinearAddress;
    /** At most what CPUID reports. */
    readonly count: number;
    /** Bytes from one page to the next, as a shift: 12 or 21. */
    readonly strideShift: 12 | 21;
  } | null;
  readonly includeGlobals: boolean;
}

export function printInvlpgb({ pcid, pages, includeGlobals }: InvlpgbOperand): string {
  const where = pages === null ? 'all' : `${pages.start.toString(16)}*${pages.count}<<${pages.strideShift}`;
  return `${where} pcid ${pcid ?? 'all'}${includeGlobals ? ' globals' : ''}`;
}
