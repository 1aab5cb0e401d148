/**
 * The semantics of every operation that is modelled, and of every form by its index. A form without semantics is not
 * skipped: its body throws an UnsupportedError that names it.
 */
import type { Form } from '../decode/form.ts';
import { forms } from '../decode/forms.ts';
import type { Operation } from '../decode/maps.ts';
import { arithmetic } from './arithmetic.ts';
import { bits } from './bit.ts';
import { bitManipulation } from './bit-manipulation.ts';
import { branches } from './branch.ts';
import { decimals } from './decimal.ts';
import { exchanges } from './exchange.ts';
import { farBranches } from './far-branch.ts';
import { flagControl } from './flag-control.ts';
import { inputOutput } from './input-output.ts';
import { interrupts } from './interrupt.ts';
import { miscellaneous } from './miscellaneous.ts';
import { moves } from './move.ts';
import { multiplications } from './multiply.ts';
import { unsupported } from './operand-access.ts';
import { rotates } from './rotate.ts';
import { row, type Semantics } from './row.ts';
import { segments } from './segment.ts';
import { shifts } from './shift.ts';
import { stack } from './stack.ts';
import { stateImages } from './state-image.ts';
import { strings } from './string.ts';
import { systemInstructions } from './system.ts';
import { vectorArithmetic } from './vector-arithmetic.ts';
import { vectorConversions } from './vector-convert.ts';
import { vectorFloats } from './vector-float.ts';
import { vectorSums } from './vector-horizontal.ts';
import { vectorInsertions } from './vector-insert.ts';
import { vectorLogic } from './vector-logic.ts';
import { vectorMoves } from './vector-move.ts';
import { vectorProducts } from './vector-multiply.ts';
import { vectorShifts } from './vector-shift.ts';
import { vectorShuffles } from './vector-shuffle.ts';
import { vectorState } from './vector-state.ts';
import { vectorStrings } from './vector-string.ts';
import { x87Arithmetic } from './x87-arithmetic.ts';
import { x87Comparisons } from './x87-compare.ts';
import { x87Control } from './x87-control.ts';
import { x87Moves } from './x87-move.ts';

/** Makes a key that no opcode map has a type error. */
function keyedByOperation<T extends { readonly [K in keyof T]: K extends Operation ? Semantics : never }>(rows: T): T {
  return rows;
}

export const semantics: { readonly [O in Operation]?: Semantics } = keyedByOperation({
  ...moves,
  ...exchanges,
  ...arithmetic,
  ...multiplications,
  ...shifts,
  ...rotates,
  ...bits,
  ...bitManipulation,
  ...stack,
  ...branches,
  ...strings,
  ...flagControl,
  ...decimals,
  ...miscellaneous,
  ...systemInstructions,
  ...segments,
  ...interrupts,
  ...farBranches,
  ...inputOutput,
  ...x87Moves,
  ...x87Arithmetic,
  ...x87Comparisons,
  ...x87Control,
  ...vectorArithmetic,
  ...vectorSums,
  ...vectorInsertions,
  ...vectorLogic,
  ...vectorMoves,
  ...vectorProducts,
  ...vectorShifts,
  ...vectorShuffles,
  ...vectorFloats,
  ...vectorConversions,
  ...vectorState,
  ...vectorStrings,
  ...stateImages,
});

const missing: Semantics = row((_, i) => unsupported(i, 'the operation'));

export function semanticsOf(form: Form): Semantics {
  return semantics[form.operation] ?? missing;
}

/** By form.index. */
export const semanticsByForm: readonly Semantics[] = forms.map(semanticsOf);

/** Whether the operation has semantics. */
export function isModelled(form: Form): boolean {
  return semantics[form.operation] !== undefined;
}
