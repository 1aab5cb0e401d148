/** Page faults: the error code's bits (SDM 3A 4.7, figure 4-12) and how an access is described. */

export const PageFaultCode = { P: 1, WR: 2, US: 4, RSVD: 8, ID: 16, PK: 32, SS: 64 } as const;

export type AccessKind = 'read' | 'write' | 'fetch';

/**
 * What an access asks of the MMU. `user` says the privilege of the access, not of the processor: an implicit supervisor
 * access (descriptor tables, TSS) made at CPL 3 is a supervisor access that EFLAGS.AC cannot excuse (SDM 3A 4.6).
 */
export interface Access {
  readonly kind: AccessKind;
  readonly user: boolean;
  readonly implicit?: boolean;
}

export const Vector = { DE: 0, DB: 1, NMI: 2, BP: 3, UD: 6, DF: 8, SS: 12, GP: 13, PF: 14 } as const;

/** An exception that an operation raises instead of finishing. */
export type Exception =
  | { readonly vector: typeof Vector.PF; readonly errorCode: number; readonly address: bigint }
  | { readonly vector: typeof Vector.GP; readonly errorCode: number }
  | { readonly vector: typeof Vector.UD };
