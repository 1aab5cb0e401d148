/**
 * Where in an era's code an action is: the method of the era that it is in, what kind of action, and which of the
 * kernel's variables it is about. A site is one place in the source, or a few that nothing tells apart.
 */
import type { Action } from '../../src/kernel/hardware.ts';

/** The kernel's variables by their physical address. */
export type CellNames = ReadonlyMap<number, string>;

/** What may be changed about an action. */
export type Change =
  /** It does not happen; a locked operation only reads. */
  | 'drop'
  /** It changes places with the action after it; a locked operation reads at its own place and changes at the other's. */
  | 'late'
  /** A locked operation becomes a load and a store. */
  | 'unlock'
  /** A MOV to CR3 that invalidates nothing. */
  | 'keep';

export interface Site {
  readonly method: string;
  readonly what: string;
}

export interface Mutation extends Site {
  readonly change: Change;
}

export function keyOf({ method, what }: Site): string {
  return `${method}: ${what}`;
}

/** Null for actions that no mutation is about: loads, interrupts, and variables that are not the era's. */
export function describeAction(action: Action, cells: CellNames): string | null {
  switch (action.kind) {
    case 'store': {
      const cell = cells.get(action.address);
      return cell === undefined ? null : `store ${cell}`;
    }
    case 'locked': {
      const cell = cells.get(action.address);
      return cell === undefined ? null : `locked ${action.operation} ${cell}`;
    }
    case 'fence':
    case 'mov-to-cr4':
    case 'invlpg':
    case 'invlpgb':
    case 'tlbsync':
      return action.kind;
    case 'mov-to-cr3':
      return action.value >> 63n === 1n ? 'mov-to-cr3, no flush' : 'mov-to-cr3';
    case 'invpcid':
      return `invpcid type ${action.type}`;
    default:
      return null;
  }
}

/** What can be done to an action of that description. */
export function changesOf(what: string): readonly Change[] {
  if (what.startsWith('store')) return ['drop', 'late'];
  if (what.startsWith('locked')) return ['drop', 'unlock', 'late'];
  if (what === 'mov-to-cr3') return ['drop', 'keep', 'late'];
  return ['drop', 'late'];
}
