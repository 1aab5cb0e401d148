/** What the host cannot be asked, or answers in its own way: pointers, waiting, control registers, 16-bit images, restart. */
import { describe, expect, it } from 'vitest';
import { exceptionOfStop } from '../../../src/cpu/engine.ts';
import { GoldenEngine } from '../../../src/cpu/engines/golden/golden-engine.ts';
import { Vector } from '../../../src/cpu/exception.ts';
import { X87State } from '../../../src/cpu/helpers/x87-state.ts';
import type { ProcessorPort } from '../../../src/cpu/ports.ts';
import { Register, RegisterFile, Restriction } from '../../../src/cpu/registers.ts';
import { FlatMemory } from '../../../tools/native/flat-memory.ts';
import { codeAddress, dataPage, pageBytes } from '../../../tools/native/instance.ts';

function notAsked(): never {
  throw new Error('x87 instructions ask nothing of the processor');
}
const processor: ProcessorPort = {
  cpuid: notAsked,
  timestamp: notAsked,
  processorId: notAsked,
  random: notAsked,
  extendedControl: notAsked,
};

/** Code that runs with RSI pointing to data. */
class Bench {
  readonly registers = new RegisterFile();
  readonly memory = new FlatMemory();
  readonly engine = new GoldenEngine({ registers: this.registers, memory: this.memory, processor });
  readonly state = new X87State(this.registers);

  constructor(code: string, data = dataPage) {
    this.memory.code = Uint8Array.from(Buffer.from(code.replaceAll(' ', ''), 'hex'));
    this.registers.rip = codeAddress;
    this.registers.general[Register.RSI] = data;
  }

  /** Executes so many instructions; the vector of the last one's exception. */
  steps(count: number): Vector | undefined {
    let vector: Vector | undefined;
    for (let done = 0; done < count; done++) vector = exceptionOfStop(this.engine.step())?.vector;
    return vector;
  }

  words(count: number): number[] {
    const view = new DataView(this.memory.data.buffer);
    return Array.from({ length: count }, (_, at) => view.getUint16(at * 2, true));
  }
}

const unmaskInvalid = 0x37e;
/** FLDCW [rsi]; FSQRT of minus one by FLD1, FCHS, FSQRT. */
const invalidOperation = 'd92e d9e8 d9e0 d9fa';

describe('exceptions', () => {
  it('SDM 1 8.7.1: an unmasked one is reported before the next waiting instruction, which then has not begun', () => {
    const bench = new Bench(`${invalidOperation} d9e8`);
    bench.memory.write(dataPage, 2, BigInt(unmaskInvalid));
    expect(bench.steps(4)).toBeUndefined();
    expect(bench.state.errorPending).toBe(true);
    const before = bench.registers.rip;
    expect(bench.steps(1)).toBe(Vector.MF);
    expect(bench.registers.rip).toBe(before);
    expect(bench.state.bits(0)).toBe(0xbfff_8000_0000_0000_0000n);
  });

  it('SDM 1 8.7.1: a masked one is not', () => {
    const bench = new Bench(`${invalidOperation} d9e8`);
    bench.memory.write(dataPage, 2, 0x37fn);
    expect(bench.steps(5)).toBeUndefined();
    expect(bench.state.bits(1)).toBe(0xffff_c000_0000_0000_0000n);
  });

  it.each([
    { name: 'FNSTSW', code: 'dfe0' },
    { name: 'FNSTCW', code: 'd93e' },
    { name: 'FNSTENV', code: 'd936' },
    { name: 'FNSAVE', code: 'dd36' },
    { name: 'FNCLEX', code: 'dbe2' },
    { name: 'FNINIT', code: 'dbe3' },
  ])('SDM 1 8.3.12: $name does not wait', ({ code }) => {
    const bench = new Bench(`${invalidOperation} ${code}`);
    bench.memory.write(dataPage, 2, BigInt(unmaskInvalid));
    expect(bench.steps(5)).toBeUndefined();
  });

  it('SDM 2D WAIT: waits', () => {
    const bench = new Bench(`${invalidOperation} 9b`);
    bench.memory.write(dataPage, 2, BigInt(unmaskInvalid));
    expect(bench.steps(5)).toBe(Vector.MF);
  });
});

describe('pointers', () => {
  it('SDM 1 8.1.8, 8.1.9: an unmasked exception leaves where it was, its operand and its opcode', () => {
    // FLDCW [rsi]; FDIV dword [rsi+8], by zero, with an empty stack.
    const bench = new Bench('d92e d87608');
    bench.memory.write(dataPage, 2, BigInt(unmaskInvalid));
    bench.steps(2);
    expect(bench.registers.x87Pointers).toEqual(BigUint64Array.of(codeAddress + 2n, dataPage + 8n));
    expect(bench.registers.x87Words[3]).toBe(0x076);
  });

  it('SDM 1 8.1.8: control instructions leave them', () => {
    const bench = new Bench('d9e8 d93e d92e');
    bench.steps(3);
    expect(bench.registers.x87Pointers[0]).toBe(codeAddress);
    expect(bench.registers.x87Words[3]).toBe(0);
  });
});

describe('control registers', () => {
  it.each([
    { cite: 'SDM 3A 2.5 TS', restrictions: Restriction.taskSwitched, code: 'd9e8', vector: Vector.NM },
    { cite: 'SDM 3A 2.5 EM', restrictions: Restriction.emulated, code: 'd9e8', vector: Vector.NM },
    { cite: 'SDM 3A 2.5 EM, not waiting', restrictions: Restriction.emulated, code: 'dbe3', vector: Vector.NM },
    { cite: 'SDM 3A 2.5 TS alone and WAIT', restrictions: Restriction.taskSwitched, code: '9b', vector: undefined },
    { cite: 'SDM 3A 2.5 EM and WAIT', restrictions: Restriction.emulated, code: '9b', vector: undefined },
    {
      cite: 'SDM 3A 2.5 TS, MP and WAIT',
      restrictions: Restriction.taskSwitched | Restriction.monitored,
      code: '9b',
      vector: Vector.NM,
    },
  ])('$cite: $code gives $vector', ({ restrictions, code, vector }) => {
    const bench = new Bench(code);
    bench.registers.restrictions = restrictions;
    expect(bench.steps(1)).toBe(vector);
  });
});

describe('images', () => {
  it('SDM 1 figure 8-9: the 32-bit environment; all exceptions are masked afterwards', () => {
    // FLDCW [rsi]; FLDZ; FLD1; FNSTENV [rsi]; FNSTCW [rsi+40]
    const bench = new Bench('d92e d9ee d9e8 d936 d97e28');
    bench.memory.write(dataPage, 2, 0x300n);
    expect(bench.steps(5)).toBeUndefined();
    const address = Number(codeAddress & 0xffff_ffffn) + 4;
    expect(bench.words(14)).toEqual([
      ...[0x340, 0xffff, 0x3000, 0xffff, 0x4fff, 0xffff],
      ...[address & 0xffff, address >>> 16, 0, 0, 0, 0, 0, 0xffff],
    ]);
    expect(bench.memory.read(dataPage + 40n, 2, false)).toBe(0x37fn);
  });

  it('SDM 1 figure 8-11: the 16-bit environment comes back', () => {
    const bench = new Bench('66 d936 dbe3 66 d926 66 d97620');
    bench.state.push(0x3fff_8000_0000_0000_0000n);
    bench.registers.x87Pointers.set([0x1234n, 0x5678n]);
    expect(bench.steps(4)).toBeUndefined();
    const image = bench.words(7);
    expect(image).toEqual([0x37f, 0x3800, 0x3fff, 0x1234, 0, 0x5678, 0]);
    expect(bench.words(23).slice(16)).toEqual(image);
  });

  it('SDM 2A FSAVE, FRSTOR: the whole state comes back, tags told from contents', () => {
    // FLDPI; FLDZ; FNSAVE [rsi]; FRSTOR [rsi]
    const bench = new Bench('d9eb d9ee dd36 dd26');
    expect(bench.steps(3)).toBeUndefined();
    expect([0, 1, 2].map((index) => bench.state.isEmpty(index))).toEqual([true, true, true]);
    expect(bench.words(5)[4]).toBe(0x1fff);
    expect(bench.steps(1)).toBeUndefined();
    expect([0, 1, 2].map((index) => bench.state.isEmpty(index))).toEqual([false, false, true]);
    expect(bench.state.bits(1)).toBe(0x4000_c90f_daa2_2168_c235n);
  });

  it.each([
    { name: 'FSTP of ten bytes', code: 'd9e8 db3e', bytes: 10 },
    { name: 'FBSTP', code: 'd9e8 df36', bytes: 10 },
    { name: 'FNSTENV', code: 'd9e8 d936', bytes: 28 },
    { name: 'FNSAVE', code: 'd9e8 dd36', bytes: 108 },
  ])('SDM 3A 6.6: $name over the end of a page changes nothing', ({ code, bytes }) => {
    const bench = new Bench(code, dataPage + BigInt(pageBytes - bytes + 1));
    expect(bench.steps(2)).toBe(Vector.PF);
    expect(bench.memory.data.every((byte) => byte === 0)).toBe(true);
    expect([bench.state.top, bench.state.control, bench.state.isEmpty(0)]).toEqual([7, 0x37f, false]);
    const twin = new Bench(code, dataPage + BigInt(pageBytes - bytes));
    expect(twin.steps(2)).toBeUndefined();
    expect(twin.memory.data.some((byte) => byte !== 0)).toBe(true);
  });
});
