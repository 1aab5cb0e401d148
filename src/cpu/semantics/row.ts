/**
 * A row of the semantics tables: what an operation does, and what of its outcome the manual leaves undefined. The body
 * gives undefined things some value; only comparisons with other processors need to know.
 */
import type { Builder } from '../builder.ts';
import { flagMask } from '../flags.ts';
import type { Instruction } from '../instruction.ts';

export type Body = <V>(b: Builder<V>, i: Instruction) => void;

/** When flags beyond `always`, or the result, are undefined. The count is the masked one of a shift or rotate. */
export interface Undefined {
  /** Masks of RFLAGS. */
  readonly always: number;
  /** Unless the count is 0. */
  readonly nonzeroCount: number;
  /** Unless the count is 0 or 1. */
  readonly countBeyondOne: number;
  /** When the count is the operand's width in bits or more. */
  readonly countOfWidth: number;
  /** When the count is more than the width: the result and all flags. */
  readonly resultBeyondWidth: boolean;
}

export interface Semantics {
  readonly body: Body;
  readonly undefined: Undefined;
}

interface UndefinedNames {
  readonly always?: string;
  readonly nonzeroCount?: string;
  readonly countBeyondOne?: string;
  readonly countOfWidth?: string;
  readonly resultBeyondWidth?: true;
}

export function row(body: Body, names: UndefinedNames = {}): Semantics {
  const undefinedThings: Undefined = {
    always: flagMask(names.always ?? ''),
    nonzeroCount: flagMask(names.nonzeroCount ?? ''),
    countBeyondOne: flagMask(names.countBeyondOne ?? ''),
    countOfWidth: flagMask(names.countOfWidth ?? ''),
    resultBeyondWidth: names.resultBeyondWidth ?? false,
  };
  return { body, undefined: undefinedThings };
}
