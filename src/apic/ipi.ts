/** Interprocessor interrupts: the message that an ICR write sends, and what is in flight to each target. */

/** What one local APIC asks the bus to send. */
export interface IpiMessage {
  /** The processor that sends. */
  readonly sender: number;
  /** The mode of the sending APIC, which gives the destination its width. */
  readonly mode: 'xAPIC' | 'x2APIC';
  readonly delivery: IpiDelivery;
  readonly vector: number;
  readonly destination: IpiDestination;
}

export type IpiDelivery = 'fixed' | 'NMI' | 'INIT' | 'SIPI';

export type IpiDestination =
  | { readonly kind: 'self' }
  | { readonly kind: 'all including self' }
  | { readonly kind: 'all excluding self' }
  /** 8 bits in xAPIC mode, 32 in x2APIC mode; all ones is everyone. */
  | { readonly kind: 'physical'; readonly id: number }
  | { readonly kind: 'logical'; readonly id: number };

/** One interrupt on its way to one processor: plain data. */
export interface Ipi {
  /** Unique on its bus, increasing with the time of sending. */
  readonly id: number;
  readonly sender: number;
  readonly target: number;
  readonly delivery: IpiDelivery;
  readonly vector: number;
}

/**
 * What became of an IPI that reached its target. `coalesced`: the same was pending already. `dropped`: the target was
 * disabled, or had no use for a start-up IPI.
 */
export type IpiOutcome = 'accepted' | 'coalesced' | 'dropped';

/** What the bus sees of a local APIC. */
export interface IpiTarget {
  readonly processor: number;
  /** The 32-bit x2APIC ID; its low eight bits are the xAPIC ID (SDM 3A 11.12.5.1). */
  readonly id: number;
  readonly mode: 'disabled' | 'xAPIC' | 'x2APIC';
  /** LDR and DFR as software reads them. */
  readonly logicalDestination: number;
  readonly destinationFormat: number;
  accept(ipi: Ipi): IpiOutcome;
}
