/** Takes down what a reader reports, one line of text for each report, so that tests can compare whole traces. */

import type { PageNumber } from '../../src/arch/address.ts';
import type { AccessKind, LackeyHandler, SystemCallRecord } from '../../src/workload/lackey-handler.ts';
import { LackeyReader } from '../../src/workload/lackey-reader.ts';

export class Recording implements LackeyHandler {
  readonly reports: string[] = [];
  readonly calls: SystemCallRecord[] = [];

  access(kind: AccessKind, page: PageNumber, offset: number, size: number): void {
    this.reports.push(`${'ILSM'[kind]} ${page.toString(16)} ${offset.toString(16)} ${size}`);
  }

  thread(pid: number, tid: number): void {
    this.reports.push(`thread ${pid},${tid}`);
  }

  blocked({ pid, tid, name }: { readonly pid: number; readonly tid: number; readonly name: string }): void {
    this.reports.push(`blocked ${pid},${tid} in ${name}`);
  }

  threadExit(pid: number, tid: number): void {
    this.reports.push(`exit ${pid},${tid}`);
  }

  fork(parent: number, child: number, tid: number): void {
    this.reports.push(`fork ${parent} -> ${child},${tid}`);
  }

  systemCall(record: SystemCallRecord): void {
    const { pid, tid, number, name, args, result, line } = record;
    const returned = result.ok ? `0x${result.value.toString(16)}` : `errno ${result.errno}`;
    this.calls.push(record);
    this.reports.push(`${line}: ${pid},${tid} ${name}(${args.join(', ')}) [${number}] = ${returned}`);
  }
}

export interface ReadTrace {
  readonly reports: readonly string[];
  readonly calls: readonly SystemCallRecord[];
  readonly noiseLines: number;
}

/** Reads a trace that arrives in the given pieces. */
export function readTrace(pieces: readonly (string | Uint8Array)[]): ReadTrace {
  const recording = new Recording();
  const reader = new LackeyReader('t', recording);
  for (const piece of pieces) reader.push(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  reader.end();
  return { reports: recording.reports, calls: recording.calls, noiseLines: reader.noiseLines };
}
