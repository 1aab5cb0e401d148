/** The operations of a litmus test's processors, with addresses in place of names, and what each accesses. */
import type { LinearAddress, PhysicalAddress } from '../../arch/address.ts';
import type { InvpcidType } from '../../arch/control-registers.ts';
import type { Access } from '../../arch/page-fault.ts';
import type { Place } from '../../workload/scenario-ast.ts';

export type Location =
  | { readonly kind: 'linear'; readonly address: LinearAddress }
  | { readonly kind: 'physical'; readonly address: PhysicalAddress };

/** A constant, or a register with bits set and cleared. */
export interface StoredValue {
  readonly constant: bigint;
  readonly register: string | null;
  readonly set: bigint;
  readonly clear: bigint;
}

export type Operation = { readonly place: Place } & (
  | { readonly kind: 'load'; readonly register: string; readonly location: Location; readonly access: Access }
  | {
      readonly kind: 'store';
      readonly location: Location;
      readonly value: StoredValue;
      readonly register: string | null;
      readonly access: Access;
    }
  | { readonly kind: 'exchange'; readonly register: string; readonly location: Location; readonly value: StoredValue }
  | {
      readonly kind: 'change-bits';
      readonly address: PhysicalAddress;
      readonly set: bigint;
      readonly clear: bigint;
    }
  | { readonly kind: 'mfence' }
  | { readonly kind: 'serialize' }
  | { readonly kind: 'invlpg'; readonly address: LinearAddress }
  | { readonly kind: 'invpcid'; readonly type: InvpcidType; readonly pcid: number; readonly address: LinearAddress }
  | { readonly kind: 'mov-to-cr3'; readonly value: bigint }
  | { readonly kind: 'mov-to-cr4'; readonly bit: bigint; readonly value: boolean }
  | { readonly kind: 'send-ipi'; readonly target: number; readonly vector: number }
  | { readonly kind: 'wait'; readonly address: PhysicalAddress; readonly value: bigint }
  | { readonly kind: 'interrupts'; readonly enabled: boolean }
);

/** The access that a locked exchange makes. */
const EXCHANGE: Access = { kind: 'write', user: false };

/** The linear address that an operation accesses. */
export function linearAddressOf(operation: Operation): LinearAddress | null {
  return linearAccessOf(operation)?.address ?? null;
}

/** The access by linear address that an operation makes. */
export function linearAccessOf(
  operation: Operation,
): { readonly address: LinearAddress; readonly access: Access } | null {
  if (operation.kind !== 'load' && operation.kind !== 'store' && operation.kind !== 'exchange') return null;
  const { location } = operation;
  if (location.kind !== 'linear') return null;
  return { address: location.address, access: operation.kind === 'exchange' ? EXCHANGE : operation.access };
}

/** The memory that an operation accesses without translation. */
export function physicalAddressOf(operation: Operation): PhysicalAddress | null {
  switch (operation.kind) {
    case 'load':
    case 'store':
    case 'exchange':
      return operation.location.kind === 'physical' ? operation.location.address : null;
    case 'change-bits':
    case 'wait':
      return operation.address;
    default:
      return null;
  }
}

/** Locked and serializing operations, and an IPI that software orders after its stores, begin when all stores are visible. */
export function waitsForStores({ kind }: Operation): boolean {
  return !['load', 'store', 'wait', 'interrupts'].includes(kind);
}
