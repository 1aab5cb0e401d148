/**
 * Schedules as short text for a report, a command line or an address bar: `s1.WORKLOAD.SCHEDULECHECK`, in the alphabet
 * of base64url. WORKLOAD is 36 bits of a hash of the workload's text and of all that decides what its steps are; SCHEDULE
 * is the choices as runs (choice and length in gamma code); CHECK is 18 bits against slips of the keyboard. A token is
 * refused, and never tried, for another version or another workload.
 */
import { InputError } from '../base/errors.ts';
import { BitReader, BitWriter } from './bit-stream.ts';
import { Hash } from './hash.ts';
import type { Schedule } from './model.ts';

export const TOKEN_VERSION = 1;

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const WORKLOAD_DIGITS = 6;
const CHECK_DIGITS = 3;
/** No execution is longer; keeps a forged token from asking for all memory. */
const MOST_STEPS = 1 << 24;
const PLACE = { file: 'schedule token' };

export function encodeSchedule(schedule: Schedule, workload: string): string {
  const runs: { choice: number; length: number }[] = [];
  for (const choice of schedule) {
    const last = runs.at(-1);
    if (last?.choice === choice) last.length++;
    else runs.push({ choice, length: 1 });
  }
  const writer = new BitWriter();
  writer.gamma(runs.length + 1);
  for (const { choice, length } of runs) {
    writer.gamma(choice + 1);
    writer.gamma(length);
  }
  const body = `s${TOKEN_VERSION}.${digest(workload, WORKLOAD_DIGITS)}.${print(writer.groups(6))}`;
  return body + digest(body, CHECK_DIGITS);
}

/** Throws InputError for anything but a token of this version, for this workload. */
export function decodeSchedule(token: string, workload: string): Schedule {
  const parts = /^s(\d+)\.([\w-]+)\.([\w-]+)$/.exec(token);
  if (parts === null) throw new InputError(`'${token}' is no schedule; one looks like s1.x7Gw2a.BQkS0d`, PLACE);
  const [, version = '', hash = '', text = ''] = parts;
  if (Number(version) !== TOKEN_VERSION) {
    throw new InputError(`the schedule is of version ${version}, this program reads version ${TOKEN_VERSION}`, PLACE);
  }
  const body = token.slice(0, -CHECK_DIGITS);
  if (text.length <= CHECK_DIGITS || digest(body, CHECK_DIGITS) !== token.slice(-CHECK_DIGITS)) {
    throw new InputError('the schedule is damaged: its check digits do not fit; copy it again, whole', PLACE);
  }
  const own = digest(workload, WORKLOAD_DIGITS);
  if (hash !== own) {
    throw new InputError(
      `the schedule belongs to another workload (${hash}), or to this one before a change or with other options (now ${own})`,
      PLACE,
    );
  }
  return decodeRuns(text.slice(0, -CHECK_DIGITS));
}

function decodeRuns(text: string): Schedule {
  const reader = new BitReader(
    [...text].map((digit) => DIGITS.indexOf(digit)),
    6,
  );
  const number = (): number => {
    const value = reader.gamma();
    if (value === null) throw new InputError('the schedule ends in the middle', PLACE);
    return value;
  };
  const schedule: number[] = [];
  for (let left = number() - 1; left > 0; left--) {
    const choice = number() - 1;
    const length = number();
    if (schedule.length + length > MOST_STEPS) throw new InputError(`more than ${MOST_STEPS} steps`, PLACE);
    for (let step = 0; step < length; step++) schedule.push(choice);
  }
  return schedule;
}

/** A short name for a text: 60 bits of its hash, in the same alphabet. */
export function digestOf(text: string): string {
  return digest(text, 10);
}

function digest(text: string, digits: number): string {
  const hash = new Hash();
  hash.text(text);
  const words = new Uint32Array(2);
  hash.finish(words);
  const writer = new BitWriter();
  writer.bits(words[0] ?? 0, 32);
  writer.bits(words[1] ?? 0, 32);
  return print(writer.groups(6).slice(0, digits));
}

function print(groups: readonly number[]): string {
  return groups.map((group) => DIGITS[group]).join('');
}
