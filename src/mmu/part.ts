/**
 * What a processor supports, as far as paging goes: what CPUID would report (SDM 3A 4.1.4), and the ways in which real
 * parts depart from the manual.
 */
export interface ProcessorPart {
  readonly name: string;
  /** MAXPHYADDR, at most 52. */
  readonly maxPhysicalAddressBits: number;
  readonly pcid: boolean;
  readonly invpcid: boolean;
  /** CR4.PGE may be set. */
  readonly globalPages: boolean;
  /** PDPTEs may map 1-GByte pages. */
  readonly page1GB: boolean;
  readonly la57: boolean;
  readonly nx: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly pku: boolean;
  readonly pks: boolean;
  /** AMD's INVLPGB and TLBSYNC, and how many pages one may name, as CPUID tells; null: there are none. */
  readonly invlpgbCountMax: number | null;
  /** AMD's Translation Cache Extension: EFER.TCE may be set (APM 2 5.5.3). */
  readonly tce: boolean;
  readonly errata: {
    /** With CR4.PCIDE = 1, INVLPG leaves global translations (Alder Lake, specification update ADL063 and kin). */
    readonly invlpgKeepsGlobals: boolean;
  };
}

/** Everything that the manual describes and we model. */
export const FULL_PART: ProcessorPart = {
  name: 'full',
  maxPhysicalAddressBits: 46,
  pcid: true,
  invpcid: true,
  globalPages: true,
  page1GB: true,
  la57: true,
  nx: true,
  smep: true,
  smap: true,
  pku: true,
  pks: true,
  invlpgbCountMax: null,
  tce: false,
  errata: { invlpgKeepsGlobals: false },
};
