/** The fast engine as an engine: turns with the golden one, interruption, long budgets, limits of its memory. */
import { describe, expect, it } from 'vitest';
import { addressInFrame, frameNumber, physicalAddress } from '../../../src/arch/address.ts';
import { UnsupportedError } from '../../../src/base/errors.ts';
import { EngineMemory } from '../../../src/cpu/engines/fast/engine-memory.ts';
import { FastEngine } from '../../../src/cpu/engines/fast/fast-engine.ts';
import { GoldenEngine } from '../../../src/cpu/engines/golden/golden-engine.ts';
import { MmuMemory } from '../../../src/cpu/mmu-memory.ts';
import type { ProcessorPort } from '../../../src/cpu/ports.ts';
import { Register } from '../../../src/cpu/registers.ts';
import { EventStream } from '../../../src/event/stream.ts';
import { PhysicalMemory } from '../../../src/memory/physical-memory.ts';
import { PagingFixture } from '../../mmu/paging-fixture.ts';

const code = 0x40_0000n;
const codePages = 40;

class Bench implements ProcessorPort {
  readonly fixture = new PagingFixture({ frames: 512, observed: false });
  readonly engine: FastEngine;
  /** Asked with CPUID. */
  asked: () => void = () => {};

  constructor(codeBytes?: number) {
    const { memory, mmu } = this.fixture;
    for (let page = 0; page < codePages; page++) this.fixture.map(code + BigInt(page * 4096), 100 + page);
    mmu.setPrivilege(3, false);
    const shared = new EngineMemory(memory, codeBytes === undefined ? { processors: 2 } : { processors: 2, codeBytes });
    this.engine = new FastEngine({ shared, mmu, processor: this });
    this.engine.registers.rip = code;
  }

  write(hex: string, offset = 0): this {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const start = addressInFrame(frameNumber(100), offset);
    for (const [at, byte] of bytes.entries()) this.fixture.memory.write8(physicalAddress(start + at), byte);
    return this;
  }

  get(register: Register): bigint {
    return this.engine.registers.general[register] ?? 0n;
  }

  cpuid(): readonly [number, number, number, number] {
    this.asked();
    return [1, 2, 3, 4];
  }
  timestamp(): bigint {
    return BigInt(this.engine.executed);
  }
  processorId(): number {
    return 0;
  }
  random(): bigint {
    return 0n;
  }
  extendedControl(): bigint {
    return 0n;
  }
}

describe('the fast engine', () => {
  it('takes turns with the golden engine on one register block, at any instruction', () => {
    // add rax, rcx · rcr rbx, 1 · adc rdx, rbx · inc rcx · jmp to the start.
    const loop = '4801c8 48d1db 4811da 48ffc1 ebf2';
    const bench = new Bench().write(loop);
    const alone = new Bench().write(loop);
    const { registers } = bench.engine;
    for (const { engine } of [bench, alone]) engine.registers.general.set([1n << 63n, (1n << 63n) + 5n], Register.RAX);
    const memory = new MmuMemory(bench.fixture.mmu, bench.fixture.memory);
    const golden = new GoldenEngine({ registers, memory, processor: bench });
    for (let turn = 0; turn < 60; turn++) {
      const budget = 1 + ((turn * 7) % 11);
      expect((turn % 2 === 0 ? golden : bench.engine).run(budget)).toEqual({ kind: 'budget' });
      alone.engine.run(budget);
      expect([registers.rip, registers.rflags]).toEqual([alone.engine.registers.rip, alone.engine.registers.rflags]);
      expect(registers.general).toEqual(alone.engine.registers.general);
    }
    expect(bench.get(Register.RDX)).not.toBe(0n);
  });

  it('stops after the instruction that asked for an interruption, and only then', () => {
    // cpuid · inc rdi · jmp to it.
    const bench = new Bench().write('0fa2 48ffc7 ebf9');
    bench.asked = () => bench.engine.interrupt();
    bench.engine.run(100);
    expect([bench.engine.executed, bench.get(Register.RDI), bench.engine.registers.rip]).toEqual([1, 0n, code + 2n]);
    bench.asked = () => {};
    bench.engine.run(100);
    expect(bench.engine.executed).toBe(101);
  });

  it('knows how many instructions it has executed when it is asked in between', () => {
    // inc rdi, five times · rdtsc.
    const bench = new Bench().write('48ffc7 48ffc7 48ffc7 48ffc7 48ffc7 0f31');
    bench.engine.run(6);
    expect(bench.get(Register.RAX)).toBe(5n);
  });

  it('takes budgets beyond 32 bits', () => {
    // dec rcx · jnz to it · ud2.
    const bench = new Bench().write('48ffc9 75fb 0f0b');
    bench.engine.registers.general[Register.RCX] = 1000n;
    expect(bench.engine.run(2 ** 40)).toMatchObject({ kind: 'exception', exception: { vector: 6 } });
    expect(bench.engine.executed).toBe(2000);
  });

  it('forgets decoded code when there is no room for more, and decodes it again', () => {
    // In each page: inc rdi · jmp to the next page; in the last: jmp to the first.
    const bench = new Bench(256 * 1024);
    for (let page = 0; page < codePages; page++) {
      const distance = page === codePages - 1 ? -page * 4096 - 8 : 4096 - 8;
      const relative = Buffer.alloc(4);
      relative.writeInt32LE(distance);
      bench.write(`48ffc7 e9${relative.toString('hex')}`, page * 4096);
    }
    bench.engine.run(2 * codePages * 25);
    expect([bench.get(Register.RDI), bench.engine.registers.rip]).toEqual([BigInt(codePages * 25), code]);
  });

  it('says when a machine is too large for it, or has too many processors', () => {
    expect(() => new EngineMemory(new PhysicalMemory(4, new EventStream()), { codeBytes: 2 ** 32 })).toThrow(
      UnsupportedError,
    );
    const bench = new Bench();
    const { memory: small, mmus } = new PagingFixture({ frames: 64, observed: false, processors: 2 });
    const shared = new EngineMemory(small, { processors: 1 });
    const [first, second] = mmus;
    if (first === undefined || second === undefined) throw new Error('two processors');
    expect(() => new FastEngine({ shared, mmu: first, processor: bench })).not.toThrow();
    expect(() => new FastEngine({ shared, mmu: second, processor: bench })).toThrow(UnsupportedError);
  });
});
