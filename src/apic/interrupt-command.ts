/**
 * The interrupt command register (SDM 3A 11.6.1, table 11-3 for the combinations that are valid; x2APIC 11.12.9).
 *
 * Level and trigger mode matter to INIT alone: other IPIs are edge triggered, asserted. INIT level de-assert does
 * nothing on processors since the Pentium 4.
 */
import { ApicError, DeliveryMode, DestinationShorthand, FIRST_LEGAL_VECTOR, IcrBit } from '../arch/apic-registers.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { IpiDelivery, IpiDestination } from './ipi.ts';

export type InterruptCommand =
  | {
      readonly kind: 'send';
      readonly delivery: IpiDelivery;
      readonly vector: number;
      readonly destination: IpiDestination;
    }
  /** Nothing is sent; an error is noted in ESR. */
  | { readonly kind: 'error'; readonly error: number }
  /** Nothing is sent, and that is no error. */
  | { readonly kind: 'nothing' };

/**
 * What a write to the ICR asks for. `low` is ICR bits 31:0, `destination` the destination field by itself. Throws
 * UnsupportedError for SMI, reserved delivery modes and the combinations that table 11-3 calls invalid.
 */
export function interruptCommand(low: number, destination: number): InterruptCommand {
  const vector = low & 0xff;
  const target = destinationOf(low, destination);
  switch ((low >>> 8) & 7) {
    case DeliveryMode.fixed:
      if (vector < FIRST_LEGAL_VECTOR) return { kind: 'error', error: ApicError.SEND_ILLEGAL_VECTOR };
      return { kind: 'send', delivery: 'fixed', vector, destination: target };
    case DeliveryMode.lowestPriority:
      // Sending these is model-specific (SDM 3A 11.6.2.4): this model does not, and says so in ESR (11.5.3).
      return { kind: 'error', error: ApicError.REDIRECTIBLE_IPI };
    case DeliveryMode.NMI:
      return toOthers('NMI', vector, target);
    case DeliveryMode.INIT:
      if ((low & IcrBit.LEVEL) !== 0 && (low & IcrBit.ASSERT) === 0) return { kind: 'nothing' };
      return toOthers('INIT', vector, target);
    case DeliveryMode.startUp:
      return toOthers('SIPI', vector, target);
    case DeliveryMode.SMI:
      throw new UnsupportedError('an IPI with delivery mode SMI: system-management mode is not modelled');
    default:
      throw new UnsupportedError(`an IPI with reserved delivery mode ${(low >>> 8) & 7}`);
  }
}

/** ICR bits 31:0 that send a fixed interrupt to one physical destination. */
export function fixedCommand(vector: number): number {
  return vector | (DeliveryMode.fixed << 8) | IcrBit.ASSERT;
}

function toOthers(delivery: IpiDelivery, vector: number, destination: IpiDestination): InterruptCommand {
  if (destination.kind === 'self' || destination.kind === 'all including self') {
    throw new UnsupportedError(
      `an IPI with delivery mode ${delivery} and shorthand "${destination.kind}", which is invalid`,
    );
  }
  return { kind: 'send', delivery, vector, destination };
}

function destinationOf(low: number, id: number): IpiDestination {
  switch ((low >>> 18) & 3) {
    case DestinationShorthand.self:
      return { kind: 'self' };
    case DestinationShorthand.allIncludingSelf:
      return { kind: 'all including self' };
    case DestinationShorthand.allExcludingSelf:
      return { kind: 'all excluding self' };
    default:
      return { kind: (low & IcrBit.LOGICAL) === 0 ? 'physical' : 'logical', id };
  }
}
