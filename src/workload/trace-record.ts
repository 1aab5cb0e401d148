/**
 * System calls of a recorded trace by what they do to memory and tasks. Only calls that succeeded changed anything: the
 * others, and those that touch neither, are `other`. Flags are the published numbers (arch/linux-abi.ts).
 */

import { type LinearAddress, linearAddress } from '../arch/address.ts';
import { CLONE, SYSTEM_CALL } from '../arch/linux-abi.ts';
import { InputError } from '../base/errors.ts';
import type { SystemCallRecord } from './lackey-handler.ts';

export type TraceRecord = TraceCall & { readonly pid: number; readonly tid: number; readonly line: number };

export type TraceCall =
  | {
      readonly kind: 'mmap';
      /** Where the mapping is, whatever was asked for. */
      readonly address: LinearAddress;
      readonly bytes: bigint;
      /** PROT_*. */
      readonly protection: number;
      /** MAP_*. */
      readonly flags: number;
    }
  | { readonly kind: 'munmap'; readonly address: LinearAddress; readonly bytes: bigint }
  | { readonly kind: 'mprotect'; readonly address: LinearAddress; readonly bytes: bigint; readonly protection: number }
  | {
      readonly kind: 'mremap';
      readonly from: LinearAddress;
      readonly fromBytes: bigint;
      /** Where the mapping is now; equal to `from` when it did not move. */
      readonly to: LinearAddress;
      readonly toBytes: bigint;
      /** MREMAP_*. */
      readonly flags: number;
    }
  /** `end`: the break after the call. A request that could not be met leaves it where it was; `requested` 0 asks. */
  | { readonly kind: 'brk'; readonly requested: LinearAddress; readonly end: LinearAddress }
  | { readonly kind: 'madvise'; readonly address: LinearAddress; readonly bytes: bigint; readonly advice: number }
  /** A new thread of the same process. It announces itself later, under an index of the recorder's own. */
  | { readonly kind: 'clone-thread'; readonly kernelTid: number }
  | { readonly kind: 'fork'; readonly child: number }
  | { readonly kind: 'execve' }
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'exit-group'; readonly status: number }
  | { readonly kind: 'other'; readonly name: string };

/** Throws InputError, naming `file`, when a call has not the arguments it must have. */
export function traceRecord(record: SystemCallRecord, file: string): TraceRecord {
  const { pid, tid, line } = record;
  return { pid, tid, line, ...traceCall(record, file) };
}

function traceCall(record: SystemCallRecord, file: string): TraceCall {
  const { number, name, result } = record;
  if (!result.ok) return { kind: 'other', name };
  const argument = (index: number): bigint => {
    const value = record.args[index];
    if (value !== undefined) return value;
    throw new InputError(`${name} has no argument ${index + 1}`, { file, line: record.line });
  };
  const address = (index: number): LinearAddress => linearAddress(argument(index));
  const flags = (index: number): number => Number(BigInt.asUintN(32, argument(index)));
  const returned = linearAddress(result.value);
  switch (number) {
    case SYSTEM_CALL.mmap:
      return { kind: 'mmap', address: returned, bytes: argument(1), protection: flags(2), flags: flags(3) };
    case SYSTEM_CALL.munmap:
      return { kind: 'munmap', address: address(0), bytes: argument(1) };
    case SYSTEM_CALL.mprotect:
      return { kind: 'mprotect', address: address(0), bytes: argument(1), protection: flags(2) };
    case SYSTEM_CALL.mremap:
      return {
        kind: 'mremap',
        from: address(0),
        fromBytes: argument(1),
        to: returned,
        toBytes: argument(2),
        flags: flags(3),
      };
    case SYSTEM_CALL.brk:
      return { kind: 'brk', requested: address(0), end: returned };
    case SYSTEM_CALL.madvise:
      return { kind: 'madvise', address: address(0), bytes: argument(1), advice: flags(2) };
    case SYSTEM_CALL.clone:
      return flags(0) & CLONE.CLONE_THREAD
        ? { kind: 'clone-thread', kernelTid: Number(returned) }
        : { kind: 'fork', child: Number(returned) };
    case SYSTEM_CALL.fork:
    case SYSTEM_CALL.vfork:
      return { kind: 'fork', child: Number(returned) };
    case SYSTEM_CALL.execve:
    case SYSTEM_CALL.execveat:
      return { kind: 'execve' };
    case SYSTEM_CALL.exit:
      return { kind: 'exit', status: flags(0) };
    case SYSTEM_CALL.exit_group:
      return { kind: 'exit-group', status: flags(0) };
    default:
      return { kind: 'other', name };
  }
}
