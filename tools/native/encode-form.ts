/** Random encodings of a form in 64-bit mode: prefixes, opcode, ModR/M and what follows. */
import type { Random } from '../../src/base/random.ts';
import type { Form } from '../../src/cpu/decode/form.ts';

/** Where the parts are; the bytes go on with random ones up to the longest instruction. */
export interface Encoded {
  readonly bytes: Uint8Array;
  /** Offset of ModR/M; -1 without. */
  readonly modrm: number;
}

const mandatory: readonly (readonly number[])[] = [[], [0x66], [0xf3], [0xf2]];
const escapes: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
/** CS, SS, DS, ES: in 64-bit mode they have base 0. */
const flatSegments = [0x2e, 0x36, 0x3e, 0x26];
const firstVexSpace = 4;

function admitted(set: number, random: Random, answers: number): number {
  for (;;) {
    const answer = random.below(answers);
    if (((set >> answer) & 1) === 1) return answer;
  }
}

function modrmByte(form: Form, random: Random): number {
  if (form.exactModrm >= 0) return form.exactModrm;
  const reg = form.digit >= 0 ? form.digit : random.below(8);
  const asRegister = form.register && (!form.memory || random.chance(0.5));
  return ((asRegister ? 3 : random.below(3)) << 6) | (reg << 3) | random.below(8);
}

/**
 * What an operand-size prefix means: a near branch heeds it on AMD and ignores it on Intel (SDM 2A CALL); MOVSXD to 16
 * bits reads two bytes on Intel (SDM 2B MOVSX), four on AMD.
 */
function sizeDiffersByVendor({ forced64, operation }: Form): boolean {
  return forced64 || operation === 'MOVSXD';
}

function legacyPrefixes(form: Form, random: Random): number[] {
  const prefixes: number[] = [];
  if (form.lockable && random.chance(0.15)) prefixes.push(0xf0);
  if (random.chance(0.08)) prefixes.push(random.pick(flatSegments));
  if (random.chance(0.08)) prefixes.push(0x67);
  const anyPrefix = form.prefixes === 15;
  if (anyPrefix && !sizeDiffersByVendor(form) && random.chance(0.25)) prefixes.push(0x66);
  if (anyPrefix && form.repeatable && random.chance(0.7)) prefixes.push(random.pick([0xf2, 0xf3]));
  if (!anyPrefix) {
    const prefix = admitted(form.prefixes, random, 4);
    if (prefix !== 1 && random.chance(0.2)) prefixes.push(0x66);
    prefixes.push(...(mandatory[prefix] ?? []));
  }
  return prefixes;
}

function vexPrefix(form: Form, random: Random): number[] {
  const pp = admitted(form.prefixes & 15, random, 4);
  const w = admitted(form.w, random, 2);
  const extensions = 0xe0 & random.uint32();
  const vvvv = form.usesVvvv ? random.below(16) : 15;
  const length = admitted(form.vectorLengths, random, 2);
  const map = form.space - firstVexSpace + 1;
  return [0xc4, extensions | map, (w << 7) | (vvvv << 3) | (length << 2) | pp];
}

export function encodeForm(form: Form, random: Random): Encoded {
  const start: number[] = [];
  if (form.space >= firstVexSpace) {
    if (random.chance(0.1)) start.push(0x67);
    start.push(...vexPrefix(form, random));
  } else {
    start.push(...legacyPrefixes(form, random));
    if (random.chance(0.6)) start.push(0x40 | random.below(16));
    start.push(...(escapes[form.space] ?? []));
  }
  start.push(form.byte + random.below(form.byteCount));
  const modrm = form.modrm ? start.length : -1;
  if (form.modrm) start.push(modrmByte(form, random));
  const bytes = Uint8Array.from({ length: 15 }, (_, at) => start[at] ?? random.below(256));
  return { bytes, modrm };
}
