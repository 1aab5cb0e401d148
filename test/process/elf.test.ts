/** Executables: what is read of good ones, and that anything else is bad input with a place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import { parseExecutable } from '../../src/process/elf.ts';
import { Symbols } from '../../src/process/symbols.ts';
import { guestBytes } from '../scenario/program/guest.ts';

/** A copy with some bytes changed. */
function changed(bytes: Uint8Array, at: number, values: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(values, at);
  return copy;
}

const good = guestBytes('shared');

describe('an executable', () => {
  it('is read: segments in order, entry within one of them, headers in memory', () => {
    const { entry, segments, relocatable, headersAddress, executableStack } = parseExecutable(good, 'shared');
    expect(relocatable).toBe(false);
    expect(executableStack).toBe(false);
    expect(segments.map(({ flags }) => flags)).toEqual([4, 5, 4, 6]);
    expect(segments.some(({ address, memoryBytes }) => entry >= address && entry < address + memoryBytes)).toBe(true);
    expect(headersAddress).toBe((segments[0]?.address ?? 0n) + 64n);
  });

  it.each([
    ['no ELF file', changed(good, 0, [0x7e]), /at byte 0: not an ELF file/],
    ['a 32-bit one', changed(good, 4, [1]), /at byte 4: not a 64-bit ELF file/],
    ['big-endian', changed(good, 5, [2]), /at byte 5: not a little-endian/],
    ['an object file', changed(good, 16, [1, 0]), /at byte 16: not an executable/],
    ['for another machine', changed(good, 18, [183, 0]), /at byte 18: not for x86-64: e_machine is 183/],
    ['cut in its header', good.subarray(0, 40), /at byte 40: truncated/],
    ['cut in its program headers', good.subarray(0, 100), /at byte 32: truncated/],
    ['cut in its segments', good.subarray(0, 6000), /truncated: a segment lies beyond the end/],
    ['without program headers', changed(good, 56, [0, 0]), /at byte 56: 0 program headers/],
    ['dynamically linked', changed(good, 64, [3]), /at byte 64: dynamically linked: only static programs/],
    ['with an entry point nowhere', changed(good, 24, [1, 0, 0, 0, 0, 0]), /at byte 24: the entry point 0x1 lies/],
    ['beyond user addresses', changed(good, 64 + 16 + 7, [0x10]), /beyond the end of user addresses/],
    ['larger in the file than in memory', changed(good, 64 + 40, [0, 0]), /larger in the file/],
  ])('is refused: %s', (_, bytes, message) => {
    expect(() => parseExecutable(bytes, 'program')).toThrow(message);
    expect(() => parseExecutable(bytes, 'program')).toThrow(InputError);
  });

  it('is read or refused whatever its bytes are', () => {
    const edit = fc.record({ at: fc.nat(600), value: fc.nat(255) });
    let refused = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), fc.nat(good.length), (edits, length) => {
        const bytes = Uint8Array.from(good.subarray(0, length % 3 === 0 ? length : good.length));
        for (const { at, value } of edits) if (at < bytes.length) bytes[at] = value;
        try {
          parseExecutable(bytes, 'program');
          new Symbols(bytes).describe(0x401000);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          refused++;
        }
      }),
      { seed: 20261122, numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });
});

describe('symbols', () => {
  const symbols = new Symbols(guestBytes('mappings'));
  const entry = Number(parseExecutable(guestBytes('mappings'), 'mappings').entry);

  it('name the function and the line of an address', () => {
    const lines = new Set<string>();
    for (let address = entry - 0x1000; address < entry + 0x1000; address++) {
      const words = /^work(?:\+0x[0-9a-f]+)? \(mappings\.c:(\d+)\)$/.exec(symbols.describe(address) ?? '');
      if (words !== null) lines.add(words[1] ?? '');
    }
    expect([...lines].map(Number).sort((a, b) => a - b)).toEqual(expect.arrayContaining([41, 43, 58, 63, 66, 74]));
    expect(symbols.describe(0x10)).toBeNull();
  });

  it('survive sections of any content', () => {
    const bytes = guestBytes('mappings');
    const start = bytes.indexOf(0x2e, bytes.length - 4000);
    expect(start).toBeGreaterThan(0);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(0x3000), fc.nat(255)), { minLength: 1, maxLength: 40 }), (edits) => {
        const copy = Uint8Array.from(bytes);
        for (const [back, value] of edits) copy[copy.length - 1 - back] = value;
        new Symbols(copy).describe(entry);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
