/**
 * The text lines of a lackey trace, taken apart. One physical line can hold several messages, because the recorder writes
 * a call, then its result, then the scheduler's notes, and ends the line only now and then:
 *
 *     SYSCALL[71,1](56) sys_clone ( 3d0f00, 0x5229f70, … ) --> [pre-success] Success(0x48) --71--   SCHED[1]: releasing …
 *
 * and a result can stand on the line after its call. What is none of these messages, the program's own output and the
 * tool's summaries, is skipped.
 */

import { SYSTEM_CALL } from '../arch/linux-abi.ts';
import type { SystemCallResult } from './lackey-handler.ts';

export type LackeyMessage =
  | {
      readonly kind: 'call';
      readonly pid: number;
      readonly tid: number;
      readonly number: number;
      readonly name: string;
      readonly args: readonly bigint[];
    }
  /** The call just printed blocks: its thread lets others run, and its result comes with `returned`. */
  | { readonly kind: 'blocks' }
  | {
      readonly kind: 'returned';
      readonly pid: number;
      readonly tid: number;
      readonly number: number;
      readonly result: SystemCallResult | null;
    }
  /** The result of the call printed last. Null: it has none (rt_sigreturn). */
  | { readonly kind: 'result'; readonly result: SystemCallResult | null }
  | { readonly kind: 'child'; readonly parent: number; readonly child: number }
  | { readonly kind: 'runs'; readonly pid: number; readonly tid: number }
  | { readonly kind: 'stops'; readonly pid: number; readonly tid: number }
  | { readonly kind: 'exits'; readonly pid: number; readonly tid: number };

const CALL = String.raw`SYSCALL\[(?<pid>\d{1,10}),(?<tid>\d{1,10})\]\( *(?<number>\d{1,5})\)`;
const RESULT = String.raw`(?<how>\[sync\] -->|--> \[pre-(?:success|fail)\]|\.\.\. \[async\] -->) (?<what>Success\(0x(?<value>[0-9a-f]{1,16})\)|Failure\(0x(?<errno>[0-9a-f]{1,8})\)|NoWriteResult)`;
const BLOCKS = String.raw`(?<blocks>--> \[async\] \.\.\. )`;
const CHILD = String.raw`fork\)?: process (?<parent>\d{1,10}) created child (?<child>\d{1,10})`;
const SCHEDULER = String.raw`--(?<runner>\d{1,10})-- {1,8}SCHED\[(?<thread>\d{1,10})\]: {0,8}(?<note>acquired lock|entering VG_|exiting VG_|releas)`;
const MESSAGE = new RegExp([CALL, RESULT, BLOCKS, CHILD, SCHEDULER].join('|'), 'g');

/** The messages of a physical line, in order. */
export function lackeyMessages(line: string): LackeyMessage[] {
  const messages: LackeyMessage[] = [];
  if (line.startsWith('==')) return messages;
  const found = [...line.matchAll(MESSAGE)];
  for (let index = 0; index < found.length; index++) {
    const match = found[index] as RegExpExecArray;
    const groups = match.groups ?? {};
    const { pid, tid, number, what, blocks, parent, child, runner, thread, note } = groups;
    if (number !== undefined) {
      const caller = { pid: Number(pid), tid: Number(tid), number: Number(number) };
      const next = found[index + 1];
      const text = line.slice(match.index + match[0].length, next?.index ?? line.length);
      if (next?.groups?.['how']?.startsWith('...') && text.trim() === '') {
        messages.push({ kind: 'returned', ...caller, result: resultOf(next.groups) });
        index++;
      } else {
        messages.push({ kind: 'call', ...caller, ...callText(caller.number, text) });
      }
    } else if (what !== undefined) {
      messages.push({ kind: 'result', result: resultOf(groups) });
    } else if (blocks !== undefined) {
      messages.push({ kind: 'blocks' });
    } else if (child !== undefined) {
      messages.push({ kind: 'child', parent: Number(parent), child: Number(child) });
    } else {
      const who = { pid: Number(runner), tid: Number(thread) };
      if (note === 'exiting VG_') messages.push({ kind: 'exits', ...who });
      else messages.push({ kind: note === 'releas' ? 'stops' : 'runs', ...who });
    }
  }
  return messages;
}

function resultOf(groups: { [name: string]: string | undefined }): SystemCallResult | null {
  const { value, errno } = groups;
  if (value !== undefined) return { ok: true, value: BigInt(`0x${value}`) };
  return errno === undefined ? null : { ok: false, errno: Number.parseInt(errno, 16) };
}

/** Arguments that the recorder prints in hexadecimal without a prefix: number of the call, index of the argument. */
const BARE_HEXADECIMAL = new Map<number, number>([
  [SYSTEM_CALL.clone, 0],
  [158, 1],
]);

const ARGUMENT = /\s*(?<digits>(?:0x)?[0-9a-f]{1,20})(?<text>\(.*?\)(?=, (?:0x)?[0-9]| \)))?\s*(?<end>,|\))/y;

/** ` sys_read ( 4, 0x1ffeffed48, 832 )`; a pointer to a string is followed by the string in parentheses. */
function callText(number: number, text: string): { name: string; args: bigint[] } {
  const args: bigint[] = [];
  const head = /^ ?(?:sys_)?(?<name>[A-Za-z_]\w*) ?\(/.exec(text);
  if (head?.groups === undefined) return { name: /^ ?(\w*)/.exec(text)?.[1] ?? '', args };
  ARGUMENT.lastIndex = head[0].length;
  for (let end = ','; end === ','; ) {
    const groups = ARGUMENT.exec(text)?.groups;
    if (groups === undefined) break;
    args.push(argument(groups['digits'] ?? '', BARE_HEXADECIMAL.get(number) === args.length));
    end = groups['end'] ?? '';
  }
  return { name: head.groups['name'] ?? '', args };
}

function argument(digits: string, bareHexadecimal: boolean): bigint {
  if (digits.startsWith('0x')) return BigInt(digits);
  return bareHexadecimal || /[a-f]/.test(digits) ? BigInt(`0x${digits}`) : BigInt(digits);
}
