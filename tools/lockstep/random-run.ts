/**
 * A random run of twins: pages of random instructions of every form that is modelled, executed from anywhere, with random
 * budgets, on registers that mostly point at data. Among the pages are two that may not be written or are not there, a
 * second address of the code and one of a page table: so programs change themselves and their own translations. Between
 * runs the kernel's part is played: translations change and are invalidated, entries are watched, the privilege level
 * changes.
 */
import { frameNumber, linearAddress } from '../../src/arch/address.ts';
import type { Random } from '../../src/base/random.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Form } from '../../src/cpu/decode/form.ts';
import { forms } from '../../src/cpu/decode/forms.ts';
import { type CodeSize, Instruction } from '../../src/cpu/instruction.ts';
import { isModelled } from '../../src/cpu/semantics/table.ts';
import type { RegisterFile } from '../../src/cpu/registers.ts';
import { CachedTlbEntry } from '../../src/mmu/cached-entry.ts';
import type { Mmu } from '../../src/mmu/mmu.ts';
import { A, D, P, type PagingFixture, RW, US } from '../../test/mmu/paging-fixture.ts';
import { encodeForm } from '../native/encode-form.ts';
import { loadFpuImage } from '../native/fpu-image.ts';
import { randomFpuImage } from '../native/random-fpu-image.ts';
import { randomValue } from '../native/values.ts';
import { Twins, type TwinsOptions } from './twins.ts';

const pageBytes = 4096;
const codePages = 3;
const firstCodeFrame = 200;
const dataFrame = 210;
/** Where things are, in 16-bit code below 64 KBytes. */
interface Regions {
  readonly code: bigint;
  readonly data: bigint;
  /** The code once more, writable. */
  readonly alias: bigint;
  /** Page tables, writable. */
  readonly tables: bigint;
}
const wide: Regions = { code: 0x40_0000n, data: 0x50_0000n, alias: 0x60_0000n, tables: 0x70_0000n };
const narrow: Regions = { code: 0x3000n, data: 0x7000n, alias: 0xd000n, tables: 0x1000n };
const budgetLimit = 24;

/** Those that exist in such code, whatever they do. */
export function modelledForms(codeSize: CodeSize): readonly Form[] {
  return forms.filter((form) => (codeSize === 64 ? form.long : form.legacy) && isModelled(form));
}

export interface RandomRunOptions extends TwinsOptions {
  readonly codeSize?: CodeSize;
  /** Instead of all forms. */
  readonly forms?: readonly Form[];
}

export class RandomRun {
  readonly twins: Twins;
  readonly #random: Random;
  readonly #codeSize: CodeSize;
  readonly #regions: Regions;
  readonly #forms: readonly Form[];
  readonly #decoder = new Decoder();
  readonly #instruction = new Instruction();
  /** How often something of each kind happened. */
  readonly counts = new Map<string, number>();

  constructor(random: Random, { codeSize = 64, forms: these, ...options }: RandomRunOptions) {
    this.#random = random;
    this.#codeSize = codeSize;
    this.#regions = codeSize === 16 ? narrow : wide;
    this.#forms = these ?? modelledForms(codeSize);
    this.twins = new Twins(options);
    for (const engine of [...this.twins.golden.engines, ...this.twins.fast.engines]) engine.codeSize = codeSize;
    const { code, data, alias, tables } = this.#regions;
    for (let page = 0; page < codePages; page++) {
      this.twins.map(code + BigInt(page * pageBytes), firstCodeFrame + page);
      this.twins.map(alias + BigInt(page * pageBytes), firstCodeFrame + page);
      this.twins.write(firstCodeFrame + page, 0, this.#program(pageBytes));
    }
    // Two to write, one to read only, none, two to write; all readable bytes random.
    for (const page of [0, 1, 2, 4, 5]) {
      this.twins.map(data + BigInt(page * pageBytes), dataFrame + page, { flags: page === 2 ? P | US : P | RW | US });
      this.twins.write(
        dataFrame + page,
        0,
        Uint8Array.from({ length: pageBytes }, () => random.below(256)),
      );
    }
    this.twins.both((fixture) => {
      fixture.map(tables, Math.floor(fixture.entryAddress(data) / pageBytes));
      for (const mmu of fixture.mmus) mmu.setPrivilege(3, false);
    });
    for (const at of this.twins.golden.engines.keys()) this.#newRegisters(at);
  }

  /** So many runs, each compared; every now and then all of memory. */
  step(runs: number): void {
    const random = this.#random;
    for (let run = 0; run < runs; run++) {
      const processor = random.below(this.twins.golden.engines.length);
      const budget = random.chance(0.3) ? 1 : 1 + random.below(budgetLimit);
      const outcome = this.twins.run(processor, budget, random.chance(0.02));
      this.#note(outcome.kind === 'exception' ? `exception ${outcome.exception.vector}` : outcome.kind);
      if (outcome.kind !== 'budget' || random.chance(0.1)) this.#newRegisters(processor);
      if (random.chance(0.15)) this.#interfere(processor);
    }
  }

  #note(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #program(bytes: number): Uint8Array {
    const random = this.#random;
    const program = new Uint8Array(bytes);
    for (let at = 0; at < bytes; ) {
      const form = this.#forms[random.below(this.#forms.length)];
      if (form === undefined) break;
      const encoded = encodeForm(form, random).bytes;
      const status = this.#decoder.decode(this.#instruction, this.#codeSize, encoded, 0, encoded.length);
      if (status !== 'valid') continue;
      const instruction = encoded.subarray(0, Math.min(this.#instruction.length, bytes - at));
      program.set(instruction, at);
      at += instruction.length;
    }
    return program;
  }

  /** Mostly near the boundaries of pages, of which the data has most. */
  #address(): bigint {
    const random = this.#random;
    const { data, alias, tables } = this.#regions;
    const region = random.chance(0.8) ? data : random.chance(0.6) ? alias : tables;
    const page = random.below(region === data ? 6 : region === alias ? codePages : 1);
    const offset = random.chance(0.6) ? random.below(80) - 40 : random.below(pageBytes);
    return region + BigInt(page * pageBytes + offset);
  }

  #newRegisters(processor: number): void {
    const random = this.#random;
    const values = Array.from({ length: 16 }, () => {
      if (random.chance(0.7)) return this.#address();
      return random.chance(0.5) ? BigInt(random.below(70)) : randomValue(random);
    });
    const rflags = (random.uint32() & 0xcd5) | 0x202;
    const image = randomFpuImage(random);
    const rip = this.#regions.code + BigInt(random.below(codePages * pageBytes - 16));
    const bases = [this.#address(), BigInt(random.below(64))];
    this.twins.registers(processor, (registers: RegisterFile) => {
      registers.general.set(values.map((value) => BigInt.asUintN(64, value)));
      registers.rflags = rflags;
      registers.rip = rip;
      registers.segmentBase.set(bases, 4);
      loadFpuImage(registers, image);
    });
  }

  /** What a kernel or another processor does meanwhile. */
  #interfere(processor: number): void {
    const random = this.#random;
    const { code, data } = this.#regions;
    const page = data + BigInt(random.below(6) * pageBytes);
    const frame = dataFrame + random.below(7);
    const flags = random.pick([P | US, P | RW | US, P | RW | US | A | D, P | RW, 0n]);
    const instruction = this.#program(32);
    const at = random.below(pageBytes - 32);
    const codeAddress = code + BigInt(random.below(codePages) * pageBytes);
    const watched = random.below(8);
    const cpl = random.chance(0.7) ? 3 : 0;
    const onMmu = (act: (mmu: Mmu, fixture: PagingFixture) => void) => (): void =>
      this.twins.both((fixture) => act(fixture.mmus[processor] ?? fixture.mmu, fixture));
    const acts: Readonly<Record<string, () => void>> = {
      'map another page': () => this.twins.map(page, frame, { flags }),
      'INVLPG of data': onMmu((mmu) => mmu.invlpg(linearAddress(page))),
      'INVLPG of code': onMmu((mmu) => mmu.invlpg(linearAddress(codeAddress))),
      'MOV to CR3': onMmu((mmu, { root, cr3 }) => mmu.writeCr3(cr3(root))),
      'write code': () => this.twins.write(firstCodeFrame + random.below(codePages), at, instruction),
      watch: onMmu((mmu) => watch(mmu, watched)),
      'change privilege': onMmu((mmu) => mmu.setPrivilege(cpl, false)),
      'copy code': onMmu((_, { memory }) =>
        memory.copyFrame(-1, frameNumber(firstCodeFrame + 1), frameNumber(firstCodeFrame + 2)),
      ),
    };
    const name = random.pick(Object.keys(acts));
    this.#note(name);
    acts[name]?.();
  }
}

/** Watches every eighth entry, as if it were stale, and no other. */
function watch(mmu: Mmu, which: number): void {
  const entries = [...mmu.cached()].filter((cached) => cached instanceof CachedTlbEntry);
  for (const [number, entry] of entries.entries()) entry.watched = number % 8 === which;
}
