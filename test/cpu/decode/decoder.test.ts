/** What the comparison with another decoder cannot show: the reasons for a refusal, bytes that run out, features. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decoder, type DecodeStatus } from '../../../src/cpu/decode/decoder.ts';
import { allFeatures, type Feature } from '../../../src/cpu/decode/feature.ts';
import { type CodeSize, Instruction, OperandKind, Repeat, Segment } from '../../../src/cpu/instruction.ts';

const decoder = new Decoder();

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));
}

function decode(
  text: string,
  codeSize: CodeSize = 64,
  by = decoder,
): { status: DecodeStatus; instruction: Instruction } {
  const instruction = new Instruction();
  const bytes = bytesOf(text);
  return { status: by.decode(instruction, codeSize, bytes, 0, bytes.length), instruction };
}

interface StatusRow {
  readonly cite: string;
  readonly given: string;
  readonly codeSize?: CodeSize;
  readonly expect: DecodeStatus;
}

const statuses: readonly StatusRow[] = [
  { cite: '2A 2.3.11, 15 bytes', given: '66 66 66 66 66 66 66 66 66 66 66 66 05 01 00', expect: 'valid' },
  { cite: '2A 2.3.11, 16 bytes', given: '66 66 66 66 66 66 66 66 66 66 66 66 66 05 01 00', expect: 'too-long' },
  { cite: '2A 2.3.11, prefixes only', given: Array(16).fill('66').join(' '), expect: 'too-long' },
  { cite: '2A 2.3.11, undefined at byte 15', given: `${Array(14).fill('66').join(' ')} 06 90`, expect: 'undefined' },
  { cite: '2A LOCK, register destination', given: 'f0 01 c0', expect: 'undefined' },
  { cite: '2A LOCK, memory destination', given: 'f0 01 00', expect: 'valid' },
  { cite: '2A LOCK, memory source', given: 'f0 03 00', expect: 'undefined' },
  { cite: '2A LOCK, not lockable', given: 'f0 89 00', expect: 'undefined' },
  { cite: '2B MOV, to CS', given: '8e c8', expect: 'undefined' },
  { cite: '2B MOV, from CS', given: '8c c8', expect: 'valid' },
  { cite: '2B MOV, seventh segment register', given: '8c f0', expect: 'undefined' },
  { cite: '2B MOV, CR1', given: '0f 20 c8', expect: 'undefined' },
  { cite: '2B MOV, CR8', given: '44 0f 20 c0', expect: 'valid' },
  { cite: '2B MOV, DR8', given: '44 0f 21 c0', expect: 'undefined' },
  { cite: '2A 2.3.6, VEX.vvvv not 1111b', given: 'c5 f0 28 c1', expect: 'undefined' },
  { cite: '2A 2.3.2, LOCK before VEX', given: 'f0 c5 f8 28 c1', expect: 'undefined' },
  { cite: '2A 2.3.3, 66 before VEX', given: '66 c5 f8 28 c1', expect: 'undefined' },
  { cite: '2A 2.3.4, REX before VEX', given: '48 c5 f8 28 c1', expect: 'undefined' },
  { cite: '2A 2.3.12, gather without SIB', given: 'c4 e2 69 90 08', expect: 'undefined' },
  { cite: '2C VPGATHERDD, three registers', given: 'c4 e2 69 90 0c 18', expect: 'valid' },
  { cite: '2C VPGATHERDD, mask is destination', given: 'c4 e2 71 90 0c 18', expect: 'undefined' },
  { cite: '2A chapter 2, EVEX is not modelled', given: '62 f1 7c 48 58 c0', expect: 'undefined' },
  { cite: 'table A-2, BOUND in 32-bit code', given: '62 00', codeSize: 32, expect: 'valid' },
  { cite: 'table A-2, PUSH ES', given: '06', expect: 'undefined' },
  { cite: 'table A-2, PUSH ES', given: '06', codeSize: 16, expect: 'valid' },
];

describe('what comes of decoding', () => {
  it.each(statuses)('$given ($cite) is $expect', ({ given, codeSize, expect: expected }) => {
    const { status, instruction } = decode(given, codeSize);
    expect(status).toBe(expected);
    expect(instruction.form.operation === '#UD').toBe(expected !== 'valid');
  });

  it('asks for more bytes exactly while the instruction has some left', () => {
    const random = fc.uint8Array({ minLength: 15, maxLength: 15 });
    const codeSizes = fc.constantFrom<CodeSize>(64, 32, 16);
    const given = new Instruction();
    fc.assert(
      fc.property(random, codeSizes, (bytes, codeSize) => {
        fc.pre(decoder.decode(given, codeSize, bytes, 0, bytes.length) === 'valid');
        const whole = { ...given, operands: structuredClone(given.operands) };
        for (let end = 0; end < whole.length; end++) {
          expect(decoder.decode(given, codeSize, bytes, 0, end)).toBe('incomplete');
        }
        expect(decoder.decode(given, codeSize, bytes, 0, whole.length)).toBe('valid');
        expect({ ...given, operands: structuredClone(given.operands) }).toEqual(whole);
      }),
      { seed: 3, numRuns: 3000 },
    );
  });

  it('is not influenced by what lies from `end` on', () => {
    const random = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const codeSizes = fc.constantFrom<CodeSize>(64, 32, 16);
    const [one, other] = [new Instruction(), new Instruction()];
    let ended = 0;
    fc.assert(
      fc.property(random, random, fc.nat(15), codeSizes, (bytes, replacement, end, codeSize) => {
        const changed = bytes.slice();
        changed.set(replacement.subarray(end), end);
        const status = decoder.decode(one, codeSize, bytes, 0, end);
        expect(decoder.decode(other, codeSize, changed, 0, end)).toBe(status);
        expect(other.form).toBe(one.form);
        if (status === 'incomplete') ended++;
        else expect(other.length).toBe(one.length);
      }),
      { seed: 4, numRuns: 20_000 },
    );
    expect(ended).toBeGreaterThan(1000);
  });

  it.each<{ given: string; expect: DecodeStatus }>([
    { given: '62', expect: 'incomplete' },
    { given: '62 c0', expect: 'undefined' },
    { given: 'c4', expect: 'incomplete' },
  ])('$given in 32-bit code is $expect, whatever follows', ({ given, expect: expected }) => {
    for (const next of [0x00, 0xc0]) {
      const bytes = Uint8Array.from([...bytesOf(given), next]);
      expect(decoder.decode(new Instruction(), 32, bytes, 0, bytes.length - 1)).toBe(expected);
    }
  });
});

describe('features that are not offered', () => {
  const without = (...names: readonly Feature[]): Decoder =>
    new Decoder(new Set([...allFeatures].filter((feature) => !names.includes(feature))));
  const bare = without('LZCNT', 'BMI1', 'BMI2', 'CET_IBT', 'CLDEMOTE', 'WBNOINVD', 'POPCNT', 'AVX2', 'INVLPGB');

  it.each([
    { cite: '2A LZCNT', given: 'f3 0f bd c1', withIt: 'LZCNT', withoutIt: 'BSR' },
    { cite: '2B TZCNT', given: 'f3 0f bc c1', withIt: 'TZCNT', withoutIt: 'BSF' },
    { cite: '2A ENDBR64', given: 'f3 0f 1e fa', withIt: 'ENDBR64', withoutIt: 'NOP' },
    { cite: '2A CLDEMOTE', given: '0f 1c 00', withIt: 'CLDEMOTE', withoutIt: 'NOP' },
    { cite: '2C WBNOINVD', given: 'f3 0f 09', withIt: 'WBNOINVD', withoutIt: 'WBINVD' },
    { cite: '2B POPCNT', given: 'f3 0f b8 c1', withIt: 'POPCNT', withoutIt: '#UD' },
    { cite: '2A ANDN', given: 'c4 e2 78 f2 c1', withIt: 'ANDN', withoutIt: '#UD' },
    { cite: '2B PADDB, 256 bits', given: 'c5 fd fc c1', withIt: 'VPADDB', withoutIt: '#UD' },
    { cite: '2B PADDB, 128 bits', given: 'c5 f9 fc c1', withIt: 'VPADDB', withoutIt: 'VPADDB' },
    { cite: 'AMD 3 INVLPGB', given: '0f 01 fe', withIt: 'INVLPGB', withoutIt: '#UD' },
  ])('$given is $withIt, without the feature $withoutIt ($cite)', ({ given, withIt, withoutIt }) => {
    expect(decode(given).instruction.form.operation).toBe(withIt);
    expect(decode(given, 64, bare).instruction.form.operation).toBe(withoutIt);
  });
});

describe('the record', () => {
  it('holds an address relative to the next instruction', () => {
    const { instruction } = decode('48 8b 05 f8 ff ff ff');
    expect(instruction).toMatchObject({ base: 16, index: -1, displacementLow: -8, displacementHigh: -1 });
    expect(instruction.operands[1]).toMatchObject({ kind: OperandKind.memory, bytes: 8 });
  });

  it('holds base, scaled index and segment', () => {
    const { instruction } = decode('65 4a 8b 44 a5 10');
    expect(instruction).toMatchObject({ base: 5, index: 12, scale: 2, displacementLow: 16, segment: Segment.GS });
  });

  it('tells AH from SPL', () => {
    expect(decode('88 e0').instruction.operands[1]).toMatchObject({ kind: OperandKind.highByte, register: 0 });
    expect(decode('40 88 e0').instruction.operands[1]).toMatchObject({ kind: OperandKind.general, register: 4 });
  });

  it('extends immediates to the operand size, and no further', () => {
    expect(decode('48 83 c0 ff').instruction.operands[1]).toMatchObject({ bytes: 8, low: -1, high: -1 });
    expect(decode('83 c0 ff').instruction.operands[1]).toMatchObject({ bytes: 4, low: -1, high: 0 });
    expect(decode('66 83 c0 ff').instruction.operands[1]).toMatchObject({ bytes: 2, low: 0xffff, high: 0 });
    expect(decode('04 ff').instruction.operands[1]).toMatchObject({ bytes: 1, low: 0xff, high: 0 });
    const wide = decode('48 b8 88 77 66 55 44 33 22 11').instruction.operands[1];
    expect(wide).toMatchObject({ bytes: 8, low: 0x5566_7788, high: 0x1122_3344 });
  });

  it('takes 90 with REX.B for XCHG, even after F3', () => {
    for (const given of ['41 90', 'f3 41 90']) {
      const { instruction } = decode(given);
      expect(instruction.form.operation).toBe('XCHG');
      expect(instruction.operands.slice(0, 2)).toMatchObject([{ register: 8 }, { register: 0 }]);
    }
    expect(decode('f3 90').instruction.form.operation).toBe('PAUSE');
    expect(decode('f3 40 90').instruction.form.operation).toBe('PAUSE');
  });

  it('tells REP only of string instructions', () => {
    expect(decode('f3 a4').instruction.repeat).toBe(Repeat.whileEqual);
    expect(decode('f2 ae').instruction.repeat).toBe(Repeat.whileNotEqual);
    expect(decode('f3 c3').instruction.repeat).toBe(Repeat.none);
    expect(decode('f3 0f 58 c1').instruction.repeat).toBe(Repeat.none);
  });

  it('holds the condition', () => {
    expect(decode('0f 8d 00 00 00 00').instruction).toMatchObject({ condition: 13, operandSize: 8, length: 6 });
  });
});
