/**
 * How fast the golden engine is, on flat memory: a loop of integer and memory instructions.
 *
 *   npx tsx tools/native/speed.ts [--instructions 2000000]
 */
import { parseArgs } from 'node:util';
import { InvariantError } from '../../src/base/errors.ts';
import { GoldenEngine } from '../../src/cpu/engines/golden/golden-engine.ts';
import type { ProcessorPort } from '../../src/cpu/ports.ts';
import { Register, RegisterFile } from '../../src/cpu/registers.ts';
import { FlatMemory } from './flat-memory.ts';
import { codeAddress, dataPage } from './instance.ts';

/** add rax, [rdi] · xor [rdi+8], rax · lea rbx, [rax+rcx*4] · shl rbx, 3 · adc rdx, rbx · dec rcx · jnz to the start. */
const loop = '480307 48314708 488d1c88 48c1e303 4811da 48ffc9 75e9';

function notAsked(): never {
  throw new InvariantError('the loop asks nothing of the processor');
}

const { values } = parseArgs({ options: { instructions: { type: 'string', default: '2000000' } } });
const registers = new RegisterFile();
const memory = new FlatMemory();
memory.code = Uint8Array.from(Buffer.from(loop.replaceAll(' ', ''), 'hex'));
const processor: ProcessorPort = {
  cpuid: notAsked,
  timestamp: notAsked,
  processorId: notAsked,
  random: notAsked,
  extendedControl: notAsked,
};
const engine = new GoldenEngine({ registers, memory, processor });
registers.rip = codeAddress;
registers.general[Register.RDI] = dataPage;
registers.general[Register.RCX] = 1n << 40n;
const instructions = Number(values.instructions);
const started = performance.now();
const stop = engine.run(instructions);
if (stop.kind !== 'budget') throw new InvariantError(`the loop stopped: ${stop.kind}`);
const mips = instructions / 1000 / (performance.now() - started);
console.log(`golden engine: ${mips.toFixed(2)} million instructions per second`);
