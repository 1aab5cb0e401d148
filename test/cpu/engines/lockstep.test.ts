/**
 * The fast engine against the golden one: registers, memory, stops, events, counters and what is cached, on random programs
 * that fault, cross pages, and change themselves and their page tables. `tools/lockstep/run.ts` is the long form.
 */
import { describe, expect, it } from 'vitest';
import { addressInFrame, frameNumber, linearAddress } from '../../../src/arch/address.ts';
import { Random } from '../../../src/base/random.ts';
import { Register } from '../../../src/cpu/registers.ts';
import { GEOMETRIES, SKYLAKE_CLIENT, ZEN_2 } from '../../../src/mmu/geometry.ts';
import { emulatorPolicy } from '../../../src/mmu/policy/emulator.ts';
import { profilePolicy } from '../../../src/mmu/policy/profile.ts';
import { worstPolicy } from '../../../src/mmu/policy/worst.ts';
import { RandomRun } from '../../../tools/lockstep/random-run.ts';
import { type Outcome, Twins } from '../../../tools/lockstep/twins.ts';
import { P, US } from '../../mmu/paging-fixture.ts';

const code = 0x40_0000n;
const data = 0x50_0000n;

describe('random programs', () => {
  const rows = [
    { name: 'worst', policy: worstPolicy, processors: 2, seed: 101 },
    { name: 'profile skylake', policy: () => profilePolicy(SKYLAKE_CLIENT), processors: 1, seed: 102 },
    { name: 'profile zen 2', policy: () => profilePolicy(ZEN_2), processors: 2, seed: 103 },
    { name: 'emulator', policy: emulatorPolicy, processors: 1, seed: 104 },
    { name: 'worst, 32-bit code', policy: worstPolicy, processors: 1, codeSize: 32, seed: 106 },
    { name: 'worst, 16-bit code', policy: worstPolicy, processors: 1, codeSize: 16, seed: 107 },
    { name: 'worst, without a filter', policy: worstPolicy, processors: 1, filter: false, seed: 105 },
  ] as const;
  it.each(rows)('are the same to both engines under $name, seed $seed', ({ seed, name: _, ...options }) => {
    const run = new RandomRun(new Random(seed), options);
    run.step(250);
    for (const what of ['budget', 'exception 14', 'exception 13', 'exception 6'])
      expect(run.counts.get(what)).toBeGreaterThan(0);
  });
});

/** One processor, code at `code`, two pages of data of which the second is read-only. */
class Bench extends Twins {
  constructor(hex: string, at = 0) {
    super({ policy: worstPolicy });
    this.map(code, 100);
    this.map(code + 4096n, 101);
    this.map(data, 102);
    this.map(data + 4096n, 103, { flags: P | US });
    this.both(({ mmu }) => mmu.setPrivilege(3, false));
    this.write(100, at, Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex')));
    this.set({ RSP: data + 2048n, RDI: data, RSI: data });
    this.registers(0, (registers) => {
      registers.rip = code + BigInt(at);
    });
  }

  set(values: { readonly [R in keyof typeof Register]?: bigint }): void {
    this.registers(0, ({ general }) => {
      for (const [name, value] of Object.entries(values)) general[Register[name as keyof typeof Register]] = value;
    });
  }

  get(register: Register): bigint {
    return this.fast.engines[0]?.registers.general[register] ?? 0n;
  }

  steps(count: number, budget = 1): Outcome[] {
    return Array.from({ length: count }, () => this.run(0, budget, true));
  }
}

describe('code that changes', () => {
  it('is executed as it is now when it has changed itself (SDM 3A 9.1.3)', () => {
    // mov byte [rip+2], 7 · nop · mov al, 1, of which 1 is what was written to.
    const bench = new Bench('c60502000000 07 90 b001');
    bench.both((fixture) => fixture.map(code, 100));
    expect(bench.run(0, 3)).toEqual({ kind: 'budget' });
    expect(bench.get(Register.RAX) & 0xffn).toBe(7n);
  });

  it('is executed as it is now when something else has changed it', () => {
    const bench = new Bench('b001 ebfc');
    bench.run(0, 10);
    expect(bench.get(Register.RAX) & 0xffn).toBe(1n);
    bench.write(100, 1, Uint8Array.of(9));
    bench.run(0, 10);
    expect(bench.get(Register.RAX) & 0xffn).toBe(9n);
  });

  it('is still the old translation until that is invalidated', () => {
    const bench = new Bench('b001 ebfc');
    bench.write(104, 0, Uint8Array.of(0xb0, 3, 0xeb, 0xfc));
    bench.run(0, 10);
    bench.map(code, 104);
    bench.run(0, 10);
    expect(bench.get(Register.RAX) & 0xffn).toBe(1n);
    bench.both(({ mmu }) => mmu.invlpg(linearAddress(code)));
    bench.run(0, 10);
    expect(bench.get(Register.RAX) & 0xffn).toBe(3n);
  });

  it('costs nothing when data beside it changes', () => {
    // inc qword [rip+100h] · jmp to it
    const bench = new Bench('48ff0500010000 ebf7');
    bench.run(0, 2000);
    expect(bench.fast.fixture.memory.read64(addressInFrame(frameNumber(100), 0x107))).toBe(1000n);
  });
});

describe('page boundaries', () => {
  it('may lie in an instruction, whose pages change one by one', () => {
    const bench = new Bench('48b8', 4090);
    bench.write(101, 0, Uint8Array.of(5, 6, 7, 8, 0x90));
    bench.run(0, 1);
    expect(bench.get(Register.RAX)).toBe(0x0807_0605_0000_0000n);
    bench.write(105, 0, Uint8Array.of(9, 9, 9, 9));
    bench.map(code + 4096n, 105);
    bench.both(({ mmu }) => mmu.invlpg(linearAddress(code + 4096n)));
    bench.registers(0, (registers) => {
      registers.rip = code + 4090n;
    });
    bench.run(0, 1);
    expect(bench.get(Register.RAX)).toBe(0x0909_0909_0000_0000n);
  });

  it('may lie in an instruction of a loop, whose second page is at one frame and then at another', () => {
    // From 4 bytes before the boundary: add rax, 100h or 200h · dec rcx · jnz to the start.
    const bench = new Bench('48 81c0 00', 4092);
    const rest = (value: number): Uint8Array => Uint8Array.of(value, 0, 0, 0x48, 0xff, 0xc9, 0x75, 0xf4);
    bench.write(101, 0, rest(1));
    bench.write(105, 0, rest(2));
    bench.set({ RAX: 0n, RCX: 1000n });
    bench.run(0, 300);
    bench.map(code + 4096n, 105);
    bench.run(0, 300);
    expect(bench.get(Register.RAX)).toBe(200n * 0x100n);
    bench.both(({ mmu }) => mmu.invlpg(linearAddress(code + 4096n)));
    bench.run(0, 300);
    expect(bench.get(Register.RAX)).toBe(400n * 0x100n);
    expect(bench.get(Register.RCX)).toBe(700n);
  });

  it('may lie between two that are there and not there', () => {
    const bench = new Bench('90 90 48b8', 4092);
    bench.map(code + 4096n, 0, { flags: 0n });
    expect(bench.run(0, 2)).toEqual({ kind: 'budget' });
    expect(bench.run(0, 5)).toMatchObject({ kind: 'exception', exception: { errorCode: 20, linear: code + 4096n } });
  });

  it('stop a store of which one part may not be made', () => {
    const bench = new Bench('488907');
    bench.set({ RDI: data + 4092n, RAX: -1n });
    expect(bench.run(0, 1, true)).toMatchObject({
      kind: 'exception',
      exception: { errorCode: 7, linear: data + 4096n },
    });
  });
});

describe('repeated string instructions', () => {
  it('end a budget where the golden engine does, and go on', () => {
    const bench = new Bench('f348a5 f3aa 90');
    bench.set({ RCX: 200n, RSI: data + 8n, RDI: data });
    const outcomes = bench.steps(4);
    expect(outcomes.every(({ kind }) => kind === 'budget')).toBe(true);
    expect(bench.get(Register.RCX)).toBe(0n);
    bench.set({ RCX: 1000n, RDI: data + 3500n });
    expect(bench.steps(10).at(-1)).toMatchObject({ kind: 'exception', exception: { linear: data + 4096n } });
    expect(bench.get(Register.RCX)).toBe(404n);
  });
});

describe('the order of use', () => {
  it('of a fetch never meets that of a load or store in one first-level array', () => {
    for (const { arrays } of GEOMETRIES) {
      for (const { level, serves } of arrays) expect(level === 1 && serves.length > 1).toBe(false);
    }
  });
});

describe('the comparison', () => {
  it('would show a register, a byte of memory, an event and an entry that differ', () => {
    const change = (act: (bench: Bench) => void): (() => void) => {
      const bench = new Bench('90 90 90 90');
      bench.run(0, 1);
      act(bench);
      return () => bench.run(0, 1, true);
    };
    const of = (bench: Bench): Bench['fast']['fixture'] => bench.fast.fixture;
    const registers = change((bench) => {
      const [engine] = bench.fast.engines;
      if (engine !== undefined) engine.registers.general[3] = 1n;
    });
    expect(registers).toThrow(/registers at 24/);
    expect(change((bench) => of(bench).memory.write8(addressInFrame(frameNumber(102), 9), 1))).toThrow(/memory at/);
    expect(change((bench) => of(bench).mmu.invlpg(linearAddress(data)))).toThrow(/an event too many/);
    expect(change((bench) => of(bench).mmu.filter.clear())).not.toThrow();
    expect(change((bench) => of(bench).mmu.evict(linearAddress(code)))).toThrow(/event|counters|executed/);
  });
});
