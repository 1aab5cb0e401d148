/**
 * Every opcode map, exhaustively: each opcode under each combination of the prefixes that choose between rows, with every
 * ModR/M byte and representative SIB bytes and displacements.
 */
import type { CodeSize } from '../../src/cpu/instruction.ts';
import { slotBytes } from './comparison-run.ts';

/** `all`: every ModR/M byte. `sample`: a few of each kind, under fewer prefixes. */
export type Extent = 'all' | 'sample';

const legacyPrefixes: readonly (readonly number[])[] = [
  ...[[], [0x66], [0xf3], [0xf2], [0xf0], [0x66, 0xf3], [0x66, 0xf2], [0xf2, 0xf3]],
  ...[[0x67], [0x64], [0x2e], [0xf0, 0x66], [0xf0, 0xf3], [0xf0, 0xf2], [0x67, 0x66], [0x67, 0xf3]],
];
const rexPrefixes: readonly (readonly number[])[] = [[], [0x48], [0x41], [0x4f]];
const escapes: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
/** SIB, then the displacement or immediate: the escapes of both, negative and positive. */
const tails: readonly (readonly number[])[] = [
  [0x24, 0x80, 0x7f, 0xff, 0x80, 0x12, 0x34, 0x56, 0x78, 0x9a],
  [0x65, 0x11, 0xf0, 0xe0, 0x7f, 0x12, 0x34, 0x56, 0x78, 0x9a],
  [0xe5, 0xff, 0xff, 0xff, 0xff, 0x92, 0x34, 0x56, 0x78, 0x9a],
];

/** Of a sample, every register for maps that tell them apart, but one rm without SIB and one with it for memory. */
function modrms(extent: Extent, registers: readonly number[]): readonly number[] {
  const all = Array.from({ length: 256 }, (_, modrm) => modrm);
  if (extent === 'all') return all;
  return all.filter((modrm) => {
    if (modrm >= 0xc0) return registers.includes(modrm & 7);
    return (modrm & 0xc7) === 1 || (modrm & 0xc7) === 0x44;
  });
}

function* legacyHeads(codeSize: CodeSize, extent: Extent): Generator<readonly number[]> {
  for (const legacy of extent === 'all' ? legacyPrefixes : legacyPrefixes.slice(0, 5)) {
    for (const rex of codeSize === 64 ? rexPrefixes.slice(0, extent === 'all' ? 4 : 2) : [[]]) {
      for (const bytes of escapes) yield [...legacy, ...rex, ...bytes];
    }
  }
}

function* vexHeads(extent: Extent): Generator<readonly number[]> {
  for (let tail = 0; tail < 256; tail++) {
    // vvvv: none (inverted 1111b), and one register. Others differ only in its number.
    const vvvv = (~tail >> 3) & 15;
    if (vvvv !== 0 && vvvv !== 9) continue;
    if (extent === 'sample' && vvvv === 9 && (tail & 0x84) !== 0) continue;
    yield [0xc5, tail];
    for (const map of [1, 2, 3]) yield [0xc4, 0xe0 | map, tail];
    if (extent === 'all') for (const map of [1, 2, 3]) yield [0xc4, map, tail];
  }
  for (const map of [0, 4, 8]) yield [0xc4, 0xe0 | map, 0x78];
  for (const prefix of [0x66, 0xf2, 0xf3, 0xf0, 0x48, 0x67]) yield [prefix, 0xc5, 0xf8];
}

function fill(slots: Uint8Array, slot: number, head: readonly number[], rest: readonly number[]): void {
  const start = slot * slotBytes;
  slots.fill(0x90, start, start + slotBytes);
  slots.set(head, start);
  slots.set(rest.slice(0, slotBytes - head.length), start + head.length);
}

/** All slots of one head: every opcode byte with every chosen ModR/M byte, the tails in turn. */
function allOpcodes(head: readonly number[], chosen: readonly number[]): Uint8Array {
  const slots = new Uint8Array(256 * chosen.length * slotBytes);
  let slot = 0;
  for (let opcode = 0; opcode < 256; opcode++) {
    for (const modrm of chosen) {
      const tail = tails[(slot + opcode) % tails.length] ?? [];
      fill(slots, slot++, head, [opcode, modrm, ...tail]);
    }
  }
  return slots;
}

/** Slots for a ComparisonRun, a batch at a time. */
export function* enumerateEncodings(codeSize: CodeSize, extent: Extent): Generator<Uint8Array> {
  const chosen = modrms(extent, [0, 1, 2, 3, 4, 5, 6, 7]);
  for (const head of legacyHeads(codeSize, extent)) yield allOpcodes(head, chosen);
  const chosenVex = modrms(extent, [2]);
  for (const head of vexHeads(extent)) yield allOpcodes(head, chosenVex);
}
