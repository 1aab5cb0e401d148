/** The WebAssembly assembler: what it writes means what was asked for, to the host. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Code, Memory, Op, Type } from '../../../src/cpu/engines/fast/wasm/code.ts';
import { importNamespace, memoryName, ModuleBuilder } from '../../../src/cpu/engines/fast/wasm/module.ts';
import { createMemory, instantiate, type WasmInstance } from '../../../src/cpu/engines/fast/wasm/web-assembly.ts';

const memory = createMemory(1);
const view = new DataView(memory.buffer);

/** A module with one function of no parameters. */
function build(code: Code, locals: readonly Type[] = [], results: readonly Type[] = []): WasmInstance {
  const module = new ModuleBuilder(1, 0);
  module.export('f', module.function({ type: { parameters: [], results }, locals, code }));
  return instantiate(module.bytes(), { [importNamespace]: { [memoryName]: memory } });
}

function run(code: Code, locals: readonly Type[] = []): number | undefined {
  return build(code, locals).exports.f?.();
}

describe('the assembler', () => {
  it('writes every 64-bit constant, seed 1', () => {
    const edges = [0n, 1n, 63n, 64n, 127n, 128n, -1n, -64n, -65n, (1n << 63n) - 1n, -(1n << 63n)];
    const check = (value: bigint): void => {
      run(new Code().i32(8).i64(value).memory(Memory.i64Store, 0));
      expect(view.getBigInt64(8, true)).toBe(BigInt.asIntN(64, value));
    };
    for (const edge of edges) check(edge);
    fc.assert(fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), check), { seed: 1, numRuns: 60 });
  });

  it('writes every 32-bit constant and offset, seed 2', () => {
    const check = (value: number, offset: number): void => {
      run(new Code().i32(0).i32(value).memory(Memory.i32Store, offset));
      expect(view.getInt32(offset, true)).toBe(value);
    };
    for (const edge of [0, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31)]) check(edge, 128);
    const offsets = fc.integer({ min: 0, max: 65_000 });
    fc.assert(fc.property(fc.integer(), offsets, check), { seed: 2, numRuns: 60 });
  });

  it('writes blocks, branches and tables', () => {
    // Stores 10, 20 or 30 by the word at 0: 0, 1, or anything else.
    const code = new Code().i32(4).block(Type.i32).block().block().block();
    code.i32(0).memory(Memory.i32Load, 0).branchTable([0, 1], 2).end();
    code.i32(10).branch(2).end().i32(20).branch(1).end().i32(30).end().memory(Memory.i32Store, 0);
    const expected = [10, 20, 30, 30];
    const instance = build(code);
    for (const [choice, value] of expected.entries()) {
      view.setInt32(0, choice, true);
      instance.exports.f?.();
      expect(view.getInt32(4, true)).toBe(value);
    }
  });

  it('writes loops, and locals of several types', () => {
    // The sum of 1 to 100 in local 0 of 64 bits; local 1 of 32 bits counts.
    const code = new Code().i32(100).set(1).loop();
    code.get(0).get(1).op(Op.i64Extend).op(Op.i64Add).set(0);
    code.get(1).i32(1).op(Op.i32Subtract).tee(1).branchIf(0).end();
    code.i32(16).get(0).memory(Memory.i64Store, 0);
    run(code, [Type.i64, Type.i32]);
    expect(view.getBigInt64(16, true)).toBe(5050n);
  });

  it('is checked by the host, which refuses what is wrong', () => {
    expect(() => run(new Code().op(Op.i64Add))).toThrow();
    expect(() => run(new Code().i32(1).set(0), [Type.i64])).toThrow();
    expect(() => new Code().get(-1)).toThrow(/unsigned/);
  });
});
