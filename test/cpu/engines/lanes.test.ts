/** Each lane operation of the builder: the golden engine's list of lanes against the host's vector instruction. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { laneFunctionOp, laneOp, shiftOp, VectorOp } from '../../../src/cpu/engines/fast/vector-code.ts';
import { Code, Memory, type Type } from '../../../src/cpu/engines/fast/wasm/code.ts';
import { importNamespace, memoryName, ModuleBuilder } from '../../../src/cpu/engines/fast/wasm/module.ts';
import { createMemory, instantiate, wasmPageBytes } from '../../../src/cpu/engines/fast/wasm/web-assembly.ts';
import { mapLanes, operateOnLanes, shiftLanes } from '../../../src/cpu/engines/golden/lanes.ts';
import {
  type LaneBytes,
  type LaneFunction,
  type LaneOperation,
  type LaneShift,
  laneFunctions,
  laneOperations,
} from '../../../src/cpu/vector-builder.ts';
import { randomVectorHalf } from '../../../tools/native/values.ts';

interface Case {
  readonly name: string;
  readonly bytes: LaneBytes;
  readonly number: number;
  /** A shift's second operand is an integer. */
  readonly counts: boolean;
  readonly unary: boolean;
  golden(a: bigint, b: bigint): bigint;
}

const sizes: readonly LaneBytes[] = [1, 2, 4, 8];

function casesOf<N extends string>(
  table: Readonly<Record<N, readonly LaneBytes[]>>,
  make: (name: N, bytes: LaneBytes) => Omit<Case, 'name' | 'bytes'>,
): Case[] {
  return (Object.keys(table) as N[]).flatMap((name) =>
    table[name].map((bytes) => ({ name, bytes, ...make(name, bytes) })),
  );
}

const shifts: Readonly<Record<LaneShift, readonly LaneBytes[]>> = {
  left: sizes,
  rightUnsigned: sizes,
  rightSigned: sizes,
};

const cases: readonly Case[] = [
  ...casesOf<LaneOperation>(laneOperations, (name, bytes) => ({
    number: laneOp(name, bytes),
    counts: false,
    unary: false,
    golden: (a, b) => operateOnLanes(name, bytes, a, b),
  })),
  ...casesOf<LaneFunction>(laneFunctions, (name, bytes) => ({
    number: laneFunctionOp(name, bytes),
    counts: false,
    unary: true,
    golden: (a) => mapLanes(name, bytes, a),
  })),
  ...casesOf<LaneShift>(shifts, (name, bytes) => ({
    number: shiftOp(name, bytes),
    counts: true,
    unary: false,
    golden: (a, b) => shiftLanes(name, bytes, a, BigInt.asUintN(32, b)),
  })),
];

/** Places in the memory. */
const first = 0;
const second = 16;
const result = 32;

/** A function for each case: of the vectors at the first and second place to the third. */
function hostFunctions() {
  const memory = createMemory(wasmPageBytes);
  const module = new ModuleBuilder(1, 0);
  for (const [at, { number, counts, unary }] of cases.entries()) {
    const code = new Code().i32(result).i32(first).vectorMemory(VectorOp.load, 0);
    if (counts) code.i32(second).memory(Memory.i32Load, 0);
    else if (!unary) code.i32(second).vectorMemory(VectorOp.load, 0);
    code.vector(number).vectorMemory(VectorOp.store, 0);
    const type = { parameters: [], results: [] as Type[] };
    module.export(`${at}`, module.function({ type, locals: [], code }));
  }
  const { exports } = instantiate(module.bytes(), { [importNamespace]: { [memoryName]: memory } });
  return { exports, words: new BigUint64Array(memory.buffer, 0, 6) };
}

describe('lane operations', () => {
  const { exports, words } = hostFunctions();
  const random = new Random(17);
  const vector = (): bigint => (randomVectorHalf(random) << 64n) | randomVectorHalf(random);

  it('are so many', () => expect(cases).toHaveLength(85));

  it.each(cases.map((each, at) => ({ ...each, at })))('$name of $bytes bytes', ({ at, golden }) => {
    const host = exports[`${at}`];
    if (host === undefined) throw new Error('no such function');
    const results = new Set<bigint>();
    for (let times = 0; times < 300; times++) {
      const a = vector();
      const b = random.chance(0.1) ? a : vector();
      words.set([a & 0xffff_ffff_ffff_ffffn, a >> 64n, b & 0xffff_ffff_ffff_ffffn, b >> 64n]);
      host();
      const given = ((words[5] ?? 0n) << 64n) | (words[4] ?? 0n);
      expect({ a, b, result: golden(a, b) }).toEqual({ a, b, result: given });
      results.add(given);
    }
    // A comparison of two lanes has four.
    expect(results.size).toBeGreaterThan(2);
  });
});
