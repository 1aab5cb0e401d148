/**
 * What the host cannot be asked: 32-bit code, string instructions in mid-way, restart after a fault, helpers, and
 * operations that are not modelled.
 */
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/base/errors.ts';
import { GoldenEngine } from '../../../src/cpu/engines/golden/golden-engine.ts';
import type { ProcessorPort } from '../../../src/cpu/ports.ts';
import { Vector } from '../../../src/cpu/exception.ts';
import type { CodeSize } from '../../../src/cpu/instruction.ts';
import { exceptionOfStop } from '../../../src/cpu/engine.ts';
import { Register, RegisterFile } from '../../../src/cpu/registers.ts';
import { FlatMemory } from '../../../tools/native/flat-memory.ts';
import { codeAddress, dataPage, pageBytes } from '../../../tools/native/instance.ts';

const processor: ProcessorPort = {
  cpuid: (leaf, subleaf) => [leaf, subleaf, -1, 4],
  timestamp: () => 0x1_0000_0002n,
  processorId: () => 3,
  random: () => 0x1234_5678_9abc_def0n,
  extendedControl: (register) => (register === 0 ? 3n : { vector: Vector.GP, errorCode: 0 }),
};

type Registers = { readonly [R in keyof typeof Register]?: bigint };

class Bench {
  readonly registers = new RegisterFile();
  readonly memory = new FlatMemory();
  readonly engine = new GoldenEngine({ registers: this.registers, memory: this.memory, processor });

  constructor(code: string, given: Registers, codeSize: CodeSize = 64, rflags = 2) {
    this.memory.code = Uint8Array.from(Buffer.from(code.replaceAll(' ', ''), 'hex'));
    this.engine.codeSize = codeSize;
    this.registers.rip = codeAddress;
    this.registers.rflags = rflags;
    for (const [name, value] of Object.entries(given))
      this.registers.general[Register[name as keyof Registers]] = value;
  }

  get(register: Register): bigint {
    return this.registers.general[register] ?? 0n;
  }
}

describe('32-bit code', () => {
  const cf = 0x1;
  const af = 0x10;
  const rows = [
    { cite: 'SDM 2A AAA', code: '37', given: 0x000fn, rflags: 0, expect: 0x0105n, flags: cf | af },
    { cite: 'SDM 2A AAS', code: '3f', given: 0x0200n, rflags: af, expect: 0x000an, flags: cf | af },
    { cite: 'SDM 2A DAA', code: '27', given: 0xaen, rflags: 0, expect: 0x14n, flags: cf | af },
    { cite: 'SDM 2A DAS', code: '2f', given: 0x05n, rflags: af, expect: 0xffn, flags: cf | af },
    { cite: 'SDM 2A DAA, nothing to adjust', code: '27', given: 0x42n, rflags: 0, expect: 0x42n, flags: 0 },
    { cite: 'SDM 2A AAD', code: 'd50a', given: 0x0307n, rflags: 0, expect: 37n, flags: 0 },
    { cite: 'SDM 2A AAM', code: 'd40a', given: 37n, rflags: 0, expect: 0x0307n, flags: 0 },
    { cite: 'SALC', code: 'd6', given: 0x1200n, rflags: cf, expect: 0x12ffn, flags: cf },
    { cite: 'SDM 2A INC, one byte', code: '40', given: 0xffff_ffffn, rflags: cf, expect: 0n, flags: cf | af },
  ];
  it.each(rows)('$cite: $code of $given', ({ code, given, rflags, expect: result, flags }) => {
    const bench = new Bench(code, { RAX: given }, 32, rflags | 2);
    expect(exceptionOfStop(bench.engine.step())).toBeUndefined();
    expect(bench.get(Register.RAX)).toBe(result);
    expect(bench.registers.rflags & (cf | af)).toBe(flags);
  });

  it('divides by zero in AAM 0 as an exception', () => {
    expect(exceptionOfStop(new Bench('d400', {}, 32).engine.step())).toEqual({ vector: Vector.DE });
  });

  it.each([
    { index: -2n, vector: undefined },
    { index: 5n, vector: undefined },
    { index: -3n, vector: Vector.BR },
    { index: 6n, vector: Vector.BR },
  ])('checks $index against bounds of -2 and 5 (SDM 2A BOUND)', ({ index, vector }) => {
    const bench = new Bench('6207', { RAX: BigInt.asUintN(32, index), RDI: dataPage }, 32);
    bench.memory.write(dataPage, 8, 0x5_ffff_fffen);
    expect(exceptionOfStop(bench.engine.step())?.vector).toBe(vector);
  });

  it('pushes and pops all registers but ESP (SDM 2B PUSHA, POPA)', () => {
    const bench = new Bench('60 31c0 31f6 61', { RAX: 1n, RSI: 6n, RDI: 7n, RSP: dataPage + 64n }, 32);
    for (let steps = 0; steps < 4; steps++) expect(exceptionOfStop(bench.engine.step())).toBeUndefined();
    expect([bench.get(Register.RAX), bench.get(Register.RSI), bench.get(Register.RDI)]).toEqual([1n, 6n, 7n]);
    expect(bench.get(Register.RSP)).toBe(dataPage + 64n);
    expect(bench.memory.read(dataPage + 64n - 20n, 4, false)).toBe(dataPage + 64n);
  });
});

describe('repeated string instructions (SDM 2B REP)', () => {
  const end = dataPage + BigInt(pageBytes);

  it('stop at a fault with what was done counted, and resume', () => {
    const bench = new Bench('f3aa', { RAX: 0x5an, RCX: 10n, RDI: end - 4n });
    expect(exceptionOfStop(bench.engine.step())).toEqual({ vector: Vector.PF, errorCode: 6, linear: end });
    expect([bench.get(Register.RCX), bench.get(Register.RDI), bench.registers.rip]).toEqual([6n, end, codeAddress]);
    expect([...bench.memory.data.subarray(-5)]).toEqual([0, 0x5a, 0x5a, 0x5a, 0x5a]);
    bench.registers.general[Register.RDI] = dataPage;
    expect(exceptionOfStop(bench.engine.step())).toBeUndefined();
    expect([bench.get(Register.RCX), bench.registers.rip]).toEqual([0n, codeAddress + 2n]);
    expect(bench.memory.data.indexOf(0)).toBe(6);
  });

  it('leave the flags alone when a comparison faults', () => {
    const bench = new Bench('f3ae', { RAX: 0n, RCX: 10n, RDI: end - 2n }, 64, 0x8d7);
    expect(exceptionOfStop(bench.engine.step())?.vector).toBe(Vector.PF);
    expect(bench.registers.rflags).toBe(0x8d7);
    expect(bench.get(Register.RCX)).toBe(8n);
  });

  it('may be interrupted: a long one takes several steps', () => {
    const bench = new Bench('f3aa', { RAX: 1n, RCX: 1000n, RDI: dataPage });
    let steps = 0;
    for (; bench.registers.rip === codeAddress; steps++) expect(exceptionOfStop(bench.engine.step())).toBeUndefined();
    expect(steps).toBeGreaterThan(1);
    expect(bench.memory.data.filter((byte) => byte === 1)).toHaveLength(1000);
  });
});

describe('faults leave everything as it was', () => {
  const outside = dataPage - 64n;
  const rows = [
    { what: 'xchg [rdi], rax', code: '488707', vector: Vector.PF },
    { what: 'xadd [rdi], rax', code: '480fc107', vector: Vector.PF },
    { what: 'pop [rdi]', code: '8f07', vector: Vector.PF },
    { what: 'call [rdi]', code: 'ff17', vector: Vector.PF },
    { what: 'adc [rdi], rax', code: '481107', vector: Vector.PF },
    { what: 'cmpxchg16b [rdi+8]', code: '480fc74f08', vector: Vector.GP },
    { what: 'div cl, by zero', code: 'f6f1', vector: Vector.DE },
    { what: 'ud2', code: '0f0b', vector: Vector.UD },
    { what: 'enter 32, 3', code: 'c8200003', vector: Vector.PF },
  ];
  it.each(rows)('$what', ({ code, vector }) => {
    const given = { RAX: 0x1234n, RDI: outside, RSP: dataPage + 4n, RDX: 5n };
    const bench = new Bench(code, given, 64, 0x8d7);
    const before = bench.registers.general.slice();
    expect(exceptionOfStop(bench.engine.step())?.vector).toBe(vector);
    expect(bench.registers.general).toEqual(before);
    expect([bench.registers.rip, bench.registers.rflags]).toEqual([codeAddress, 0x8d7]);
    expect(bench.memory.data.every((byte) => byte === 0)).toBe(true);
  });
});

describe('helpers', () => {
  it('answer CPUID, RDTSCP, RDRAND and XGETBV', () => {
    const bench = new Bench('0fa2 0f01f9 0fc7f6 31c9 0f01d0', { RAX: 7n, RCX: 9n });
    bench.engine.step();
    expect([...bench.registers.general.subarray(0, 4)]).toEqual([7n, 0xffff_ffffn, 4n, 9n]);
    bench.engine.step();
    expect([...bench.registers.general.subarray(0, 3)]).toEqual([2n, 3n, 1n]);
    bench.engine.step();
    expect([bench.get(Register.RSI), bench.registers.rflags & 0x8d5]).toEqual([0x9abc_def0n, 1]);
    bench.engine.step();
    bench.engine.step();
    expect([bench.get(Register.RAX), bench.get(Register.RDX)]).toEqual([3n, 0n]);
  });

  it('raise what they are told to', () => {
    const bench = new Bench('0f01d0', { RCX: 5n });
    expect(exceptionOfStop(bench.engine.step())).toEqual({ vector: Vector.GP, errorCode: 0 });
  });

  it('let POPF change DF and status flags, not IF, at privilege level 3', () => {
    const bench = new Bench('9d', { RSP: dataPage });
    bench.memory.write(dataPage, 8, 0x3e00n | 0x8d5n);
    bench.engine.step();
    expect(bench.registers.rflags).toBe(0xcd7);
  });
});

describe('operations that are not modelled', () => {
  it.each([
    { code: '0f01c8', name: 'MONITOR' },
    { code: '8ed8', name: 'loading a segment register' },
  ])('$name says so', ({ code, name }) => {
    const bench = new Bench(code, {});
    expect(() => bench.engine.step()).toThrow(UnsupportedError);
    expect(() => bench.engine.step()).toThrow(name);
  });
});
