/** Which local APICs an IPI is for (SDM 3A 11.6.2, 11.12.10). */
import { UnsupportedError } from '../base/errors.ts';
import { unreachable } from '../base/assert.ts';
import type { IpiMessage, IpiTarget } from './ipi.ts';

type Message = Pick<IpiMessage, 'sender' | 'mode' | 'destination'>;

/** Throws UnsupportedError where the two APICs are in different modes and the address is logical. */
export function isDestination(message: Message, target: IpiTarget): boolean {
  const { destination, sender, mode } = message;
  if (target.mode === 'disabled') return false;
  switch (destination.kind) {
    case 'self':
      return target.processor === sender;
    case 'all including self':
      return true;
    case 'all excluding self':
      return target.processor !== sender;
    case 'physical':
      if (destination.id === broadcast(mode)) return true;
      return destination.id === (target.mode === 'xAPIC' ? target.id & 0xff : target.id);
    case 'logical':
      if (destination.id === broadcast(mode)) return true;
      if (target.mode !== mode) {
        throw new UnsupportedError(`a logical destination sent in ${mode} mode meets an APIC in ${target.mode} mode`);
      }
      return mode === 'xAPIC'
        ? xapicLogical(destination.id, target)
        : x2apicLogical(destination.id, target.logicalDestination);
    default:
      return unreachable(destination);
  }
}

/** The logical x2APIC ID: cluster in bits 31:16, one bit in 15:0 (SDM 3A 11.12.10.2). */
export function logicalX2apicId(id: number): number {
  return (((id >>> 4) << 16) | (1 << (id & 0xf))) >>> 0;
}

function broadcast(mode: 'xAPIC' | 'x2APIC'): number {
  return mode === 'xAPIC' ? 0xff : 0xffff_ffff;
}

/** SDM 3A 11.6.2.2: DFR bits 31:28 choose the flat (1111) or the cluster (0000) model. */
function xapicLogical(address: number, { logicalDestination, destinationFormat }: IpiTarget): boolean {
  const logicalId = logicalDestination >>> 24;
  switch (destinationFormat >>> 28) {
    case 0b1111:
      return (address & logicalId) !== 0;
    case 0b0000:
      return address >>> 4 === logicalId >>> 4 && (address & logicalId & 0xf) !== 0;
    default:
      throw new UnsupportedError(`DFR model ${destinationFormat >>> 28} is neither flat (15) nor cluster (0)`);
  }
}

function x2apicLogical(address: number, logicalId: number): boolean {
  return address >>> 16 === logicalId >>> 16 && (address & logicalId & 0xffff) !== 0;
}
