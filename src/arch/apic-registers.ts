/**
 * The local APIC's registers (SDM 3A 11.4.1 table 11-1; x2APIC 11.12.1.2 table 11-6). A register is named by its offset
 * from the base address in xAPIC mode; in x2APIC mode it is the MSR 0x800 + offset / 16.
 *
 * Left out, as on processors since the Pentium 4: the arbitration priority and remote read registers.
 */

export const ApicRegister = {
  ID: 0x020,
  VERSION: 0x030,
  TPR: 0x080,
  PPR: 0x0a0,
  EOI: 0x0b0,
  LDR: 0x0d0,
  DFR: 0x0e0,
  SVR: 0x0f0,
  /** First of eight, 32 vectors each. */
  ISR: 0x100,
  TMR: 0x180,
  IRR: 0x200,
  ESR: 0x280,
  LVT_CMCI: 0x2f0,
  ICR_LOW: 0x300,
  ICR_HIGH: 0x310,
  LVT_TIMER: 0x320,
  LVT_THERMAL: 0x330,
  LVT_PERFORMANCE: 0x340,
  LVT_LINT0: 0x350,
  LVT_LINT1: 0x360,
  LVT_ERROR: 0x370,
  INITIAL_COUNT: 0x380,
  CURRENT_COUNT: 0x390,
  DIVIDE_CONFIGURATION: 0x3e0,
  SELF_IPI: 0x3f0,
} as const;

export type ApicRegisterAccess = 'read-only' | 'read-write' | 'write-only' | 'reserved';

export interface ApicRegisterRule {
  readonly offset: number;
  /** Consecutive registers of the same kind, 0x10 apart. */
  readonly count: number;
  readonly xapic: ApicRegisterAccess;
  readonly x2apic: ApicRegisterAccess;
  /** Bits that a write sets. */
  readonly writable: number;
  /** Bits of a writable register that only the APIC sets; a write to them is ignored. All others are reserved. */
  readonly status: number;
}

function rule(
  offset: number,
  xapic: ApicRegisterAccess,
  x2apic: ApicRegisterAccess,
  writable: number,
  { status = 0, count = 1 }: { readonly status?: number; readonly count?: number } = {},
): ApicRegisterRule {
  return { offset, count, xapic, x2apic, writable, status };
}

/** Delivery status of the ICR and of each LVT entry. */
const DELIVERY_STATUS = 1 << 12;
const REMOTE_IRR = 1 << 14;

export const APIC_REGISTER_RULES: readonly ApicRegisterRule[] = [
  // Writing the ID is model-specific in xAPIC mode (SDM 3A 11.4.6): here it is ignored.
  rule(ApicRegister.ID, 'read-only', 'read-only', 0),
  rule(ApicRegister.VERSION, 'read-only', 'read-only', 0),
  rule(ApicRegister.TPR, 'read-write', 'read-write', 0xff),
  rule(ApicRegister.PPR, 'read-only', 'read-only', 0),
  rule(ApicRegister.EOI, 'write-only', 'write-only', 0),
  rule(ApicRegister.LDR, 'read-write', 'read-only', 0xff00_0000),
  rule(ApicRegister.DFR, 'read-write', 'reserved', 0xf000_0000),
  rule(ApicRegister.SVR, 'read-write', 'read-write', 0x1ff),
  rule(ApicRegister.ISR, 'read-only', 'read-only', 0, { count: 8 }),
  rule(ApicRegister.TMR, 'read-only', 'read-only', 0, { count: 8 }),
  rule(ApicRegister.IRR, 'read-only', 'read-only', 0, { count: 8 }),
  rule(ApicRegister.ESR, 'read-write', 'read-write', 0),
  rule(ApicRegister.LVT_CMCI, 'read-write', 'read-write', 0x1_07ff, { status: DELIVERY_STATUS }),
  // In x2APIC mode the ICR is one register of 64 bits, without a delivery status (SDM 3A 11.12.9).
  rule(ApicRegister.ICR_LOW, 'read-write', 'read-write', 0xc_cfff),
  rule(ApicRegister.ICR_HIGH, 'read-write', 'reserved', 0xff00_0000),
  rule(ApicRegister.LVT_TIMER, 'read-write', 'read-write', 0x7_00ff, { status: DELIVERY_STATUS }),
  rule(ApicRegister.LVT_THERMAL, 'read-write', 'read-write', 0x1_07ff, { status: DELIVERY_STATUS }),
  rule(ApicRegister.LVT_PERFORMANCE, 'read-write', 'read-write', 0x1_07ff, { status: DELIVERY_STATUS }),
  rule(ApicRegister.LVT_LINT0, 'read-write', 'read-write', 0x1_a7ff, { status: DELIVERY_STATUS | REMOTE_IRR }),
  rule(ApicRegister.LVT_LINT1, 'read-write', 'read-write', 0x1_a7ff, { status: DELIVERY_STATUS | REMOTE_IRR }),
  rule(ApicRegister.LVT_ERROR, 'read-write', 'read-write', 0x1_00ff, { status: DELIVERY_STATUS }),
  rule(ApicRegister.INITIAL_COUNT, 'read-write', 'read-write', 0xffff_ffff),
  rule(ApicRegister.CURRENT_COUNT, 'read-only', 'read-only', 0),
  rule(ApicRegister.DIVIDE_CONFIGURATION, 'read-write', 'read-write', 0b1011),
  rule(ApicRegister.SELF_IPI, 'reserved', 'write-only', 0xff),
];

const RULE_AT: ReadonlyMap<number, ApicRegisterRule> = new Map(
  APIC_REGISTER_RULES.flatMap((row) => Array.from({ length: row.count }, (_, index) => [row.offset + index * 16, row])),
);

/** The rule of the register at this offset, or null: reserved in both modes. */
export function apicRegisterRule(offset: number): ApicRegisterRule | null {
  return RULE_AT.get(offset) ?? null;
}

export const ApicMsr = {
  IA32_APIC_BASE: 0x1b,
  IA32_TSC_DEADLINE: 0x6e0,
  X2APIC_FIRST: 0x800,
  X2APIC_LAST: 0x8ff,
} as const;

/** Whether RDMSR and WRMSR of this address go to the local APIC. */
export function isApicMsr(msr: number): boolean {
  return (
    msr === ApicMsr.IA32_APIC_BASE ||
    msr === ApicMsr.IA32_TSC_DEADLINE ||
    (msr >= ApicMsr.X2APIC_FIRST && msr <= ApicMsr.X2APIC_LAST)
  );
}

/** IA32_APIC_BASE (SDM 3A 11.4.4 figure 11-5, 11.12.1 figure 11-26). */
export const ApicBase = { BSP: 1n << 8n, EXTD: 1n << 10n, EN: 1n << 11n, RESET_ADDRESS: 0xfee0_0000n } as const;

/** Delivery mode, ICR bits 10:8 (SDM 3A 11.6.1). */
export const DeliveryMode = { fixed: 0, lowestPriority: 1, SMI: 2, NMI: 4, INIT: 5, startUp: 6 } as const;

/** Destination shorthand, ICR bits 19:18. */
export const DestinationShorthand = { none: 0, self: 1, allIncludingSelf: 2, allExcludingSelf: 3 } as const;

export const IcrBit = { LOGICAL: 1 << 11, ASSERT: 1 << 14, LEVEL: 1 << 15 } as const;

/** Error status register (SDM 3A 11.5.3). The bits of the serial APIC bus, 3:0, are not modelled. */
export const ApicError = {
  REDIRECTIBLE_IPI: 1 << 4,
  SEND_ILLEGAL_VECTOR: 1 << 5,
  RECEIVE_ILLEGAL_VECTOR: 1 << 6,
  ILLEGAL_REGISTER_ADDRESS: 1 << 7,
} as const;

/** Vectors 0 to 15 cannot be delivered through the local APIC (SDM 3A 11.5.2). */
export const FIRST_LEGAL_VECTOR = 16;

export const SVR_SOFTWARE_ENABLE = 1 << 8;
export const LVT_MASK = 1 << 16;

/** LVT timer bits 18:17 (SDM 3A 11.5.4). */
export const TimerMode = { oneShot: 0, periodic: 1, tscDeadline: 2 } as const;

/** Bits 3, 1, 0 of the divide configuration register, in that order, select the divisor (SDM 3A 11.5.4 figure 11-10). */
export const TIMER_DIVISORS = [2, 4, 8, 16, 32, 64, 128, 1] as const;
