/**
 * Joins the traces of a program's processes, recorded into one file each, to one stream. A shared log would interleave
 * them as they happened, but its memory lines carry no process; here each line keeps its owner, and a line of the
 * scheduler's form announces each change:
 *
 *     --71--   SCHED[1]:  acquired lock (merged)
 *
 * The order between processes is made up, by turns of a fixed length, within what must hold: a child runs after the fork
 * that made it, and a wait for a child returns after the child's last line. Pipes and signals are not looked at.
 */

/** Lines of a turn; a turn ends at the next place where no call is half printed. */
const TURN_LINES = 400;

const MEMORY = /^(?:I {2}| [SLM] )/;
const ANNOUNCED = /SYSCALL\[\d+,(\d+)\]|--\d+-- +SCHED\[(\d+)\]: +acquired/;
const CREATED = /fork\)?: process \d+ created child (\d+)/;
const WAITED = /^SYSCALL\[\d+,\d+\]\((?:61|247)\) .*Success\(0x([0-9a-f]+)\)/;
const RESULT_ALONE = /^ --> \[pre-success\] Success\(0x0\) ?$/;

interface Process {
  readonly pid: number;
  readonly lines: readonly string[];
  next: number;
  tid: string;
}

export function mergeProcesses(root: number, linesOf: ReadonlyMap<number, readonly string[]>): string[] {
  const merged: string[] = [];
  const processes: Process[] = [];
  const alive = new Map<number, Process>();
  const start = (pid: number, tid: string): void => {
    const process = { pid, lines: linesOf.get(pid) ?? [], next: 0, tid };
    if (pid !== root) skipBirth(process);
    processes.push(process);
    alive.set(pid, process);
  };

  /** Whether the turn got anywhere. */
  const turn = (process: Process): boolean => {
    const from = process.next;
    if (processes.length > 1) merged.push(`--${process.pid}--   SCHED[${process.tid}]:  acquired lock (merged)`);
    while (process.next < process.lines.length) {
      const line = process.lines[process.next] ?? '';
      const waited = WAITED.exec(line)?.[1];
      if (waited !== undefined && alive.has(Number.parseInt(waited, 16))) break;
      if (process.next - from >= TURN_LINES && MEMORY.test(line) && MEMORY.test(process.lines[process.next - 1] ?? ''))
        break;
      process.next++;
      merged.push(line);
      const announced = ANNOUNCED.exec(line);
      if (announced !== null) process.tid = announced[1] ?? announced[2] ?? process.tid;
      const created = CREATED.exec(line)?.[1];
      if (created !== undefined) start(Number(created), process.tid);
    }
    if (process.next === process.lines.length) {
      alive.delete(process.pid);
      processes.splice(processes.indexOf(process), 1);
    }
    if (process.next === from && processes.length > 0) merged.pop();
    return process.next > from;
  };

  start(root, '1');
  while (processes.length > 0) {
    const progress = [...processes].map(turn);
    if (!progress.includes(true)) throw new Error(`the processes ${[...alive.keys()].join(', ')} wait for one another`);
  }
  return merged;
}

/** The child's own header, and its return from the fork, which the announcement replaces. */
function skipBirth(process: Process): void {
  while (process.lines[process.next]?.startsWith('==')) process.next++;
  if (RESULT_ALONE.test(process.lines[process.next] ?? '')) process.next++;
}

/** The first lines of a trace, at most `limit`, cut where no call is half printed. */
export function cutLines(lines: readonly string[], limit: number): readonly string[] {
  if (lines.length <= limit) return lines;
  let end = limit;
  while (end > 0 && !(MEMORY.test(lines[end - 1] ?? '') && MEMORY.test(lines[end] ?? ''))) end--;
  return lines.slice(0, end);
}
