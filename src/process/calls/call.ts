/** What a system call is here: a function of the thread that makes it and of six registers. */
import type { ThreadCode } from '../program-code.ts';
import type { Thread } from '../thread.ts';

/** RDI, RSI, RDX, R10, R8, R9. */
export type CallArguments = readonly [bigint, bigint, bigint, bigint, bigint, bigint];

/** A value for RAX, negative errnos included; null leaves every register as the call has set it. */
export type CallResult = bigint | number | null;

export type CallHandler = (thread: Thread, args: CallArguments) => ThreadCode<CallResult> | CallResult;

/** By Linux's names. */
export type CallTable = Readonly<Record<string, CallHandler>>;

/** A C int. */
export function int(argument: bigint): number {
  return Number(BigInt.asIntN(32, argument));
}

/** An unsigned int, or flags. */
export function unsigned(argument: bigint): number {
  return Number(BigInt.asUintN(32, argument));
}

/** A size or a count; whatever is larger than any buffer is cut to that. */
export function size(argument: bigint): number {
  return Number(argument > MOST_BYTES ? MOST_BYTES : argument);
}

/** MAX_RW_COUNT. */
const MOST_BYTES = 0x7fff_f000n;
