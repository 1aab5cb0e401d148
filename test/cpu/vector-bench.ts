/** A few instructions and one page of data, in either engine; RSI points to the data. */
import { frameNumber } from '../../src/arch/address.ts';
import type { Engine } from '../../src/cpu/engine.ts';
import { exceptionOfStop } from '../../src/cpu/engine.ts';
import { EngineMemory } from '../../src/cpu/engines/fast/engine-memory.ts';
import { FastEngine } from '../../src/cpu/engines/fast/fast-engine.ts';
import { GoldenEngine } from '../../src/cpu/engines/golden/golden-engine.ts';
import type { Exception } from '../../src/cpu/exception.ts';
import type { CodeSize } from '../../src/cpu/instruction.ts';
import type { ProcessorPort } from '../../src/cpu/ports.ts';
import { Register, RegisterFile } from '../../src/cpu/registers.ts';
import { FlatMemory } from '../../tools/native/flat-memory.ts';
import { codeAddress, dataPage, pageBytes } from '../../tools/native/instance.ts';
import { PagingFixture } from '../mmu/paging-fixture.ts';

export interface VectorBench {
  readonly registers: RegisterFile;
  /** The page of data, to read and to write. */
  readonly data: Uint8Array;
  readonly view: DataView;
  /** Executes one instruction. */
  step(): Exception | undefined;
}

type MakeBench = (code: string, data?: bigint, codeSize?: CodeSize) => VectorBench;

function notAsked(): never {
  throw new Error('vector instructions ask nothing of the processor but XCR0');
}
const processor: ProcessorPort = {
  cpuid: notAsked,
  timestamp: notAsked,
  processorId: notAsked,
  random: notAsked,
  extendedControl: () => 3n,
};

const bytesOf = (code: string): Uint8Array => Uint8Array.from(Buffer.from(code.replaceAll(' ', ''), 'hex'));

function bench(engine: Engine, page: Uint8Array, data: bigint, codeSize: CodeSize): VectorBench {
  const { registers } = engine;
  engine.codeSize = codeSize;
  registers.rip = codeAddress;
  registers.general[Register.RSI] = data;
  const view = new DataView(page.buffer, page.byteOffset, pageBytes);
  return { registers, data: page, view, step: () => exceptionOfStop(engine.run(1)) };
}

const golden: MakeBench = (code, data = dataPage, codeSize = 64) => {
  const memory = new FlatMemory();
  memory.code = bytesOf(code);
  const engine = new GoldenEngine({ registers: new RegisterFile(), memory, processor });
  return bench(engine, memory.data, data, codeSize);
};

const codeFrame = 100;
const dataFrame = 101;

const fast: MakeBench = (code, data = dataPage, codeSize = 64) => {
  const fixture = new PagingFixture({ frames: 128, observed: false });
  fixture.map(codeAddress, codeFrame);
  fixture.map(dataPage, dataFrame);
  const { memory, mmu } = fixture;
  const shared = new EngineMemory(memory, { processors: 1, codeBytes: 2 ** 18 });
  const frame = (number: number): Uint8Array =>
    new Uint8Array(shared.buffer, shared.layout.memory + frameNumber(number) * pageBytes, pageBytes);
  frame(codeFrame).set(bytesOf(code), Number(codeAddress % BigInt(pageBytes)));
  mmu.setPrivilege(3, false);
  return bench(new FastEngine({ shared, mmu, processor }), frame(dataFrame), data, codeSize);
};

export const vectorBenches = [
  { engine: 'golden', make: golden },
  { engine: 'fast', make: fast },
] as const;
