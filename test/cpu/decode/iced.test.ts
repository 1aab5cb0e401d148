/** The decoder against iced-x86: a sample of every encoding and random byte strings. tools/decode runs the whole. */
import { Code, CodeExt, EncodingKind, Instruction as IcedInstruction } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { Decoder } from '../../../src/cpu/decode/decoder.ts';
import { allFeatures } from '../../../src/cpu/decode/feature.ts';
import { forms } from '../../../src/cpu/decode/forms.ts';
import type { CodeSize } from '../../../src/cpu/instruction.ts';
import { fillSlots } from '../../../tools/decode/byte-strings.ts';
import { ComparisonRun, slotBytes } from '../../../tools/decode/comparison-run.ts';
import { enumerateEncodings } from '../../../tools/decode/enumerate.ts';
import { icedCode } from '../../../tools/decode/iced-code.ts';

const codeSizes: readonly CodeSize[] = [64, 32, 16];
const decoder = new Decoder();

function randomSlots(seed: number, count: number): Uint8Array {
  const slots = new Uint8Array(count * slotBytes);
  fillSlots(slots, new Random(seed));
  return slots;
}

/** Codes iced knows and by default never decodes. */
const neverDecoded: ReadonlySet<string> = new Set([
  // 8086 only.
  'Popw_CS',
  // 16-bit branches in 64-bit mode, and UD0 without ModR/M: AMD's ways.
  ...['Loopne_rel8_16_RCX', 'Loope_rel8_16_RCX', 'Loop_rel8_16_RCX', 'Jrcxz_rel8_16', 'Ud0'],
]);

/** iced's name of a code that the comparison is about: decoded without options, and of no stated extension. */
function expectedCode(code: Code): string | undefined {
  const info = CodeExt.opCode(code);
  const { isInstruction, encoding, decoderOption, fwait } = info;
  info.free();
  const ours = encoding === EncodingKind.Legacy || encoding === EncodingKind.VEX;
  if (!isInstruction || !ours || decoderOption !== 0 || fwait) return undefined;
  const instruction = new IcedInstruction();
  instruction.code = code;
  const { stated } = icedCode(instruction);
  instruction.free();
  return stated || neverDecoded.has(Code[code] ?? '') ? undefined : Code[code];
}

describe('the decoder and iced-x86', () => {
  const runs = codeSizes.map((codeSize) => new ComparisonRun(codeSize, decoder));

  it.each(runs)('agree on a sample of every $codeSize-bit encoding', (run) => {
    for (const slots of enumerateEncodings(run.codeSize, 'sample')) run.compare(slots);
    expect([...run.first.values()]).toEqual([]);
    expect(run.equal).toBeGreaterThan(200_000);
    expect(run.bothInvalid).toBeGreaterThan(200_000);
  });

  it('have met in every row of our maps', () => {
    const met = new Set(runs.flatMap((run) => [...run.forms]));
    const unmet = forms.filter(({ index }) => index > 0 && !met.has(index));
    expect(unmet.map(({ opcode, operation }) => `${opcode} ${operation}`)).toEqual([]);
  });

  it('have met in every instruction iced has, beyond the stated differences', () => {
    const met = new Set(runs.flatMap((run) => [...run.codes]));
    const all = Object.values(Code).filter((code): code is Code => typeof code === 'number');
    const expected = all.filter((code) => expectedCode(code) !== undefined);
    expect(expected.length).toBeGreaterThan(1900);
    expect(expected.filter((code) => !met.has(code)).map((code) => Code[code])).toEqual([]);
  });

  it.each(codeSizes)('agree on random byte strings as %i-bit code', (codeSize) => {
    const run = new ComparisonRun(codeSize, decoder);
    run.compare(randomSlots(codeSize, 150_000));
    expect([...run.first.values()]).toEqual([]);
    expect(run.equal).toBeGreaterThan(75_000);
  });

  it('disagree when a feature is withheld: the comparison does report', () => {
    const withheld = new Decoder(new Set([...allFeatures].filter((feature) => feature !== 'LZCNT')));
    const run = new ComparisonRun(64, withheld);
    const slots = new Uint8Array(slotBytes);
    slots.set([0xf3, 0x0f, 0xbd, 0xc1]);
    run.compare(slots);
    expect([...run.first.values()].map(({ iced, what }) => ({ iced, what }))).toEqual([
      { iced: 'lzcnt eax,ecx', what: 'operation: ours BSR, iced LZCNT' },
    ]);
  });
});
