/**
 * What the host cannot be asked of MMX and SSE instructions: control registers, pending x87 exceptions, upper halves,
 * stores across pages, approximations, images of the state, and extensions that are not there.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { Vector } from '../../../src/cpu/exception.ts';
import { binary32 } from '../../../src/cpu/float/format.ts';
import { reciprocal, reciprocalSquareRoot } from '../../../src/cpu/helpers/vector-approximation.ts';
import { Register, Restriction } from '../../../src/cpu/registers.ts';
import { loadFpuImage, storeFpuImage } from '../../../tools/native/fpu-image.ts';
import { dataPage, pageBytes } from '../../../tools/native/instance.ts';
import { randomFpuImage } from '../../../tools/native/random-fpu-image.ts';
import { type VectorBench, vectorBenches } from '../vector-bench.ts';

describe('SDM 2B RCPPS, RSQRTPS', () => {
  const float = (bits: bigint): number => new Float32Array(Uint32Array.of(Number(bits)).buffer)[0] ?? Number.NaN;
  const bound = 1.5 * 2 ** -12;
  const normal = fc.integer({ min: 0x0080_0000, max: 0x7e7f_ffff }).map(BigInt);

  it('have a relative error within the bound', () => {
    fc.assert(
      fc.property(normal, (bits) => {
        const exact = 1 / float(bits);
        const root = 1 / Math.sqrt(float(bits));
        expect(Math.abs(float(reciprocal(binary32, bits)) / exact - 1)).toBeLessThan(bound);
        expect(Math.abs(float(reciprocalSquareRoot(binary32, bits)) / root - 1)).toBeLessThan(bound);
      }),
      { seed: 11, numRuns: 2000 },
    );
  });

  it.each([
    { of: 0x0000_0001n, inverse: 0x7f80_0000n, root: 0x7f80_0000n },
    { of: 0x8000_0000n, inverse: 0xff80_0000n, root: 0xff80_0000n },
    { of: 0x7f80_0000n, inverse: 0n, root: 0n },
    { of: 0xff80_0000n, inverse: 0x8000_0000n, root: 0xffc0_0000n },
    { of: 0x7f00_0000n, inverse: 0n, root: 0x1fb5_0000n },
    { of: 0x7f80_0001n, inverse: 0x7fc0_0001n, root: 0x7fc0_0001n },
    { of: 0xbf80_0000n, inverse: 0xbf80_0000n, root: 0xffc0_0000n },
  ])('of $of', ({ of, inverse, root }) => {
    expect(reciprocal(binary32, of)).toBe(inverse);
    expect(reciprocalSquareRoot(binary32, of) & ~0xffffn).toBe(root & ~0xffffn);
  });
});

describe.each(vectorBenches)('$engine engine', ({ make }) => {
  describe('SDM 3A 2.5, tables 13-1 and 14-1: what CR0 and CR4 forbid', () => {
    const { taskSwitched, emulated, noSse, noExtendedStates } = Restriction;
    const { UD, NM } = Vector;
    const sse = { none: undefined, taskSwitched: NM, emulated: UD, noSse: UD, noExtendedStates: undefined };
    const mmx = { ...sse, noSse: undefined };
    const rows = [
      { what: 'PADDB XMM', code: '660ffcc1', expect: sse },
      { what: 'ADDPS', code: '0f58c1', expect: sse },
      { what: 'LDMXCSR', code: '0fae5610', expect: sse },
      { what: 'CVTPI2PS', code: '0f2ac1', expect: sse },
      { what: 'PADDB MM', code: '0ffcc1', expect: mmx },
      { what: 'PSHUFB MM', code: '0f3800c1', expect: mmx },
      { what: 'EMMS', code: '0f77', expect: mmx },
      { what: 'MOVNTI', code: '0fc306', expect: { ...mmx, taskSwitched: undefined, emulated: undefined } },
      { what: 'CRC32', code: 'f20f38f0c1', expect: { ...mmx, taskSwitched: undefined, emulated: undefined } },
      { what: 'FXSAVE', code: '0fae06', expect: { ...mmx, emulated: NM } },
      { what: 'XSAVE', code: '0fae26', expect: { ...mmx, emulated: undefined, noExtendedStates: UD } },
    ];
    it.each(rows)('$what', ({ code, expect: expected }) => {
      const raised = (restrictions: number): Vector | undefined => {
        const bench = make(code);
        bench.registers.restrictions = restrictions;
        return bench.step()?.vector;
      };
      expect({
        none: raised(0),
        taskSwitched: raised(taskSwitched),
        emulated: raised(emulated),
        noSse: raised(noSse),
        noExtendedStates: raised(noExtendedStates),
      }).toEqual(expected);
    });
  });

  describe('SDM 3A 13.5.1: a pending x87 exception is reported before an instruction that uses MMX registers', () => {
    const errorSummary = 0x80;
    it.each([
      { what: 'PADDB MM', code: '0ffcc1', vector: Vector.MF },
      { what: 'EMMS', code: '0f77', vector: Vector.MF },
      { what: 'CVTPI2PD from a register', code: '660f2ac1', vector: Vector.MF },
      { what: 'CVTPI2PD from memory', code: '660f2a06', vector: undefined },
      { what: 'PADDB XMM', code: '660ffcc1', vector: undefined },
    ])('$what', ({ code, vector }) => {
      const bench = make(code);
      bench.registers.x87Words[1] = errorSummary;
      expect(bench.step()?.vector).toBe(vector);
      expect(make(code).step()).toBeUndefined();
    });
  });

  describe('SDM 1 11.5: unmasked exceptions', () => {
    const zeroDivideUnmasked = 0x1d80;
    const one = 0x3f80_0000n;

    it.each([
      { restrictions: 0, vector: Vector.XM },
      { restrictions: Restriction.noSimdErrors, vector: Vector.UD },
    ])('leave the destination, set the flag, and raise vector $vector', ({ restrictions, vector }) => {
      const bench = make('f30f5ec1');
      bench.registers.restrictions = restrictions;
      bench.registers.vector[0] = one;
      bench.registers.mxcsr = zeroDivideUnmasked;
      expect(bench.step()?.vector).toBe(vector);
      expect([bench.registers.vector[0], bench.registers.mxcsr]).toEqual([one, zeroDivideUnmasked | 4]);
    });

    it('masked, the result is an infinity', () => {
      const bench = make('f30f5ec1');
      bench.registers.vector[0] = one;
      expect(bench.step()).toBeUndefined();
      expect([bench.registers.vector[0], bench.registers.mxcsr]).toEqual([0x7f80_0000n, 0x1f84]);
    });
  });

  describe('registers and memory', () => {
    it('SDM 1 14.1.1: legacy SSE leaves the upper half of YMM', () => {
      const bench = make('660fefc0');
      bench.registers.vector.set([1n, 2n, 3n, 4n]);
      expect(bench.step()).toBeUndefined();
      expect([...bench.registers.vector.subarray(0, 4)]).toEqual([0n, 0n, 3n, 4n]);
    });

    const end = dataPage + BigInt(pageBytes);
    it.each([
      { what: 'MOVUPS', code: '0f1106' },
      { what: 'MASKMOVDQU', code: '660ff7c1' },
    ])('$what over the end of a page stores nothing when the next one is not there', ({ code }) => {
      const bench = make(code, end - 8n);
      bench.registers.general[Register.RDI] = end - 8n;
      bench.registers.vector.fill(-1n);
      expect(bench.step()).toEqual({ vector: Vector.PF, errorCode: 6, linear: end });
      expect(bench.data.every((byte) => byte === 0)).toBe(true);
      const inside = make(code, end - 16n);
      inside.registers.general[Register.RDI] = end - 16n;
      inside.registers.vector.fill(-1n);
      expect(inside.step()).toBeUndefined();
      expect(inside.data.filter((byte) => byte === 255)).toHaveLength(16);
    });

    it('SDM 1 4.1.1: MOVAPS must be aligned, and says so before the page is looked for', () => {
      expect(make('0f2906', 0x10_0008n).step()).toEqual({ vector: Vector.GP, errorCode: 0 });
      expect(make('0f2906', 0x10_0010n).step()?.vector).toBe(Vector.PF);
    });
  });

  describe('SDM 1 10.5: FXSAVE and FXRSTOR', () => {
    it('save what there is, and restore what was saved', () => {
      const random = new Random(21);
      for (let times = 0; times < 50; times++) {
        const bench = make('480fae06 480fae0e');
        const image = randomFpuImage(random);
        loadFpuImage(bench.registers, image);
        const state = storeFpuImage(bench.registers);
        expect(bench.step()).toBeUndefined();
        const saved = bench.data.slice(0, 416);
        expect(bench.view.getUint32(28, true)).toBe(0xffff);
        saved.fill(0, 28, 32);
        expect(saved).toEqual(state);
        loadFpuImage(bench.registers, randomFpuImage(random));
        expect(bench.step()).toBeUndefined();
        expect(storeFpuImage(bench.registers)).toEqual(state);
      }
    });

    it.each([
      { what: 'misaligned', code: '0fae06', data: dataPage + 8n, mxcsr: 0 },
      { what: 'with a reserved bit of MXCSR', code: '0fae0e', data: dataPage, mxcsr: 0x10000 },
    ])('$what: #GP, and nothing has changed', ({ code, data, mxcsr }) => {
      const bench = make(code, data);
      loadFpuImage(bench.registers, randomFpuImage(new Random(3)));
      bench.view.setUint32(24, mxcsr, true);
      const before = storeFpuImage(bench.registers);
      const memory = bench.data.slice();
      expect(bench.step()).toEqual({ vector: Vector.GP, errorCode: 0 });
      expect(storeFpuImage(bench.registers)).toEqual(before);
      expect(bench.data).toEqual(memory);
    });

    it('outside 64-bit mode there are eight XMM registers, and pointers of 32 bits', () => {
      const bench = make('0fae06', dataPage, 32);
      bench.registers.vector.fill(-1n);
      bench.registers.x87Pointers.fill(-1n);
      expect(bench.step()).toBeUndefined();
      expect(bench.data.subarray(160, 160 + 128).every((byte) => byte === 255)).toBe(true);
      expect(bench.data.subarray(160 + 128).every((byte) => byte === 0)).toBe(true);
      expect(bench.view.getBigUint64(8, true)).toBe(0xffff_ffffn);
    });
  });

  describe('SDM 1 13: XSAVE and XRSTOR', () => {
    const x87Only = 1n;
    const sseOnly = 2n;

    function saved(components: bigint, code: string): VectorBench {
      const bench = make(code);
      loadFpuImage(bench.registers, randomFpuImage(new Random(5)));
      bench.registers.general[Register.RAX] = components;
      expect(bench.step()).toBeUndefined();
      return bench;
    }

    it('save the parts that are asked for', () => {
      const ofX87 = saved(x87Only, '480fae26');
      expect(ofX87.view.getBigUint64(512, true)).toBe(1n);
      expect(ofX87.data.subarray(24, 32).every((byte) => byte === 0)).toBe(true);
      expect(ofX87.data.subarray(160, 416).every((byte) => byte === 0)).toBe(true);
      const ofSse = saved(sseOnly, '480fae26');
      expect(ofSse.view.getBigUint64(512, true)).toBe(2n);
      expect(ofSse.data.subarray(0, 24).every((byte) => byte === 0)).toBe(true);
      expect(ofSse.data.subarray(160, 416)).toEqual(storeFpuImage(ofSse.registers).subarray(160));
      // States that XCR0 does not have are not saved.
      expect(saved(0xffn, '480fae26').view.getBigUint64(512, true)).toBe(3n);
    });

    it('restore them, and initialize those that the header does not have', () => {
      const bench = saved(3n, '480fae26 480fae2e');
      const before = storeFpuImage(bench.registers);
      loadFpuImage(bench.registers, randomFpuImage(new Random(6)));
      bench.view.setBigUint64(512, sseOnly, true);
      expect(bench.step()).toBeUndefined();
      const after = storeFpuImage(bench.registers);
      expect(after.subarray(160)).toEqual(before.subarray(160));
      expect([...bench.registers.x87Words.subarray(0, 3)]).toEqual([0x37f, 0, 0xffff]);
      expect(bench.registers.x87.every((half) => half === 0n)).toBe(true);
    });

    it.each([
      { what: 'a state beyond XCR0', at: 512, value: 4n },
      { what: 'the compacted form', at: 520, value: 1n << 63n },
      { what: 'a reserved part of the header', at: 528, value: 1n },
    ])('#GP for $what', ({ at, value }) => {
      const bench = make('0fae2e');
      bench.registers.general[Register.RAX] = 3n;
      bench.view.setBigUint64(at, value, true);
      expect(bench.step()?.vector).toBe(Vector.GP);
      expect(make('0fae2e').step()).toBeUndefined();
    });

    it('#GP unless aligned to 64 bytes', () => {
      expect(make('0fae26', dataPage + 16n).step()?.vector).toBe(Vector.GP);
      expect(make('0fae26', dataPage + 64n).step()).toBeUndefined();
    });
  });

  describe('extensions that are not modelled', () => {
    it.each([
      { what: 'VADDPS', code: 'c5f058c2' },
      { what: 'VFMADD132PS', code: 'c4e27198c2' },
      { what: 'AESENC', code: '660f38dcc1' },
      { what: 'PCLMULQDQ', code: '660f3a44c100' },
      { what: 'XSAVEC', code: '0fc726' },
    ])('$what is #UD', ({ code }) => {
      expect(make(code).step()).toEqual({ vector: Vector.UD });
    });

    it('while ANDN, with the same prefix, is there', () => {
      expect(make('c4e270f2c2').step()).toBeUndefined();
    });
  });
});
