/** Control registers, EFER and the EFLAGS bits that paging and interrupts consult (SDM 3A 2.2.1, 2.5, 4.1.3). */

export const Cr0 = { PE: 1n << 0n, WP: 1n << 16n, NW: 1n << 29n, CD: 1n << 30n, PG: 1n << 31n } as const;

export const Cr4 = {
  PSE: 1n << 4n,
  PAE: 1n << 5n,
  PGE: 1n << 7n,
  LA57: 1n << 12n,
  PCIDE: 1n << 17n,
  SMEP: 1n << 20n,
  SMAP: 1n << 21n,
  PKE: 1n << 22n,
  PKS: 1n << 24n,
} as const;

export const Efer = { SCE: 1n << 0n, LME: 1n << 8n, LMA: 1n << 10n, NXE: 1n << 11n, TCE: 1n << 15n } as const;

export const Rflags = { IF: 1n << 9n, AC: 1n << 18n } as const;

export const Cr3 = {
  /** Bits 11:0 while CR4.PCIDE = 1 (SDM 3A 4.10.1). */
  PCID_MASK: 0xfffn,
  /** Source operand of MOV to CR3 only: keep what is cached for the PCID being loaded (SDM 3A 4.10.4.1). */
  NO_FLUSH: 1n << 63n,
} as const;

/** INVPCID's four types (SDM 2A INVPCID). */
export const InvpcidType = {
  individualAddress: 0,
  singleContext: 1,
  allIncludingGlobals: 2,
  allExceptGlobals: 3,
} as const;
export type InvpcidType = (typeof InvpcidType)[keyof typeof InvpcidType];
