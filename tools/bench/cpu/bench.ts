/**
 * How fast the engines are: millions of guest instructions per second on the loops of loops.S, beside the host and
 * qemu-x86_64 where it is installed; and how long the fast engine takes to begin.
 *
 *   npx tsx tools/bench/cpu/bench.ts [--seconds 1] [--loop memory]
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { addressInFrame, frameNumber, physicalAddress } from '../../../src/arch/address.ts';
import { InvariantError } from '../../../src/base/errors.ts';
import type { Engine } from '../../../src/cpu/engine.ts';
import { EngineMemory } from '../../../src/cpu/engines/fast/engine-memory.ts';
import { FastEngine } from '../../../src/cpu/engines/fast/fast-engine.ts';
import { GoldenEngine } from '../../../src/cpu/engines/golden/golden-engine.ts';
import { MmuMemory } from '../../../src/cpu/mmu-memory.ts';
import type { ProcessorPort } from '../../../src/cpu/ports.ts';
import { Register, RegisterFile } from '../../../src/cpu/registers.ts';
import { PagingFixture } from '../../../test/mmu/paging-fixture.ts';
import { buildLoops, type Loop, loopBytes, loops } from './loops.ts';

const codeAddress = 0x40_0000n;
const dataAddress = 0x50_0000n;
const dataPages = 33;

function notAsked(): never {
  throw new InvariantError('the loops ask nothing of the processor');
}
const processor: ProcessorPort = {
  cpuid: notAsked,
  timestamp: notAsked,
  processorId: notAsked,
  random: notAsked,
  extendedControl: notAsked,
};

function boot(kind: 'golden' | 'fast', code: Uint8Array): Engine {
  const { memory, mmu, map } = newFixture();
  for (const [at, byte] of code.entries()) {
    memory.write8(physicalAddress(addressInFrame(frameNumber(100), 0) + at), byte);
  }
  map();
  mmu.setPrivilege(3, false);
  if (kind === 'fast') return new FastEngine({ shared: new EngineMemory(memory, { processors: 1 }), mmu, processor });
  return new GoldenEngine({ registers: new RegisterFile(), memory: new MmuMemory(mmu, memory), processor });
}

function newFixture(): Pick<PagingFixture, 'memory' | 'mmu'> & { map(): void } {
  const fixture = new PagingFixture({ frames: 256, observed: false });
  const { memory, mmu } = fixture;
  const map = (): void => {
    fixture.map(codeAddress, 100);
    for (let page = 0; page < dataPages; page++) fixture.map(dataAddress + BigInt(page * 4096), 120 + page);
  };
  return { memory, mmu, map };
}

/** Millions of instructions per second of processor time: the best of several slices. */
function rate(engine: Engine, loop: Loop, seconds: number): number {
  const { registers } = engine;
  registers.rip = codeAddress + BigInt(loops.indexOf(loop) * loopBytes);
  registers.general[Register.RDI] = dataAddress;
  registers.general[Register.RCX] = 1n << 40n;
  registers.general[Register.RSP] = dataAddress + BigInt(dataPages * 4096);
  let best = 0;
  let slice = 20_000;
  const end = performance.now() + 1000 * seconds;
  do {
    const before = process.cpuUsage();
    const stop = engine.run(slice);
    const { user, system } = process.cpuUsage(before);
    const spent = (user + system) / 1000;
    if (stop.kind !== 'budget') throw new InvariantError(`${loop.name} stopped: ${stop.kind}`);
    best = Math.max(best, slice / 1000 / spent);
    if (spent < 50) slice *= 2;
  } while (performance.now() < end);
  return best;
}

/** Notes how long each loop takes there, if the program can be run. */
function timeProgram(name: 'host' | 'qemu', command: readonly string[], rounds: number): void {
  const [file, ...values] = [...command, String(rounds)];
  try {
    const numbers = loops.map((_, at) => String(at));
    const lines = execFileSync(file ?? '', [...values, ...numbers], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    times.set(name, lines.trim().split('\n').map(Number));
  } catch (error) {
    console.log(`${name}: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`);
  }
}

const times = new Map<'host' | 'qemu', number[]>();
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '1' }, loop: { type: 'string' } } });
const built = buildLoops();
const rounds = 20_000_000;
const emulatedRounds = 4_000_000;
timeProgram('host', [built.program], rounds);
timeProgram('qemu', ['qemu-x86_64', built.program], emulatedRounds);

const before = process.cpuUsage();
boot('fast', built.code);
const { user, system } = process.cpuUsage(before);
const start = ((user + system) / 1000).toFixed(0);
console.log(`Node ${process.version}; the fast engine begins after ${start} ms of processor time`);
console.log(`${'MIPS'.padEnd(10)} ${['golden', 'fast', 'host', 'qemu'].map((name) => name.padStart(8)).join('')}`);
for (const [at, loop] of loops.entries()) {
  if ((values.loop ?? loop.name) !== loop.name) continue;
  const seconds = Number(values.seconds);
  const golden = rate(boot('golden', built.code), loop, seconds);
  const fast = rate(boot('fast', built.code), loop, 3 * seconds);
  const outside = (['host', 'qemu'] as const).map((name) => {
    const nanoseconds = times.get(name)?.[at];
    const count = loop.instructionsPerRound * (name === 'host' ? rounds : emulatedRounds);
    return nanoseconds === undefined ? '-' : ((count / nanoseconds) * 1000).toFixed(0);
  });
  const figures = [golden.toFixed(2), fast.toFixed(0), ...outside];
  console.log(`${loop.name.padEnd(10)} ${figures.map((figure) => figure.padStart(8)).join('')}`);
}
built.remove();
