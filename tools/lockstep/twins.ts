/**
 * Two small machines alike, one executed by the golden engine and one by the fast engine, and what must never differ
 * between them: registers, memory, why they stop, events, counters, everything cached. The filter of each must be implied
 * by its TLB at any time.
 */
import type { FrameNumber, PagingLevel } from '../../src/arch/address.ts';
import { addressInFrame, frameNumber, physicalAddress } from '../../src/arch/address.ts';
import { InvariantError, UnsupportedError } from '../../src/base/errors.ts';
import type { Engine, Stop } from '../../src/cpu/engine.ts';
import { EngineMemory } from '../../src/cpu/engines/fast/engine-memory.ts';
import { FastEngine } from '../../src/cpu/engines/fast/fast-engine.ts';
import { GoldenEngine } from '../../src/cpu/engines/golden/golden-engine.ts';
import { MmuMemory } from '../../src/cpu/mmu-memory.ts';
import type { ProcessorPort } from '../../src/cpu/ports.ts';
import { RegisterFile, RegisterOffset } from '../../src/cpu/registers.ts';
import type { TlbPolicy } from '../../src/mmu/policy/policy.ts';
import { filterMistake } from '../../test/mmu/filter-check.ts';
import { type FixtureOptions, nameOf, PagingFixture } from '../../test/mmu/paging-fixture.ts';

/** What instructions ask of the processor around them: something that depends on where they are, and is the same twice. */
class CountingProcessor implements ProcessorPort {
  engine: Engine | undefined;

  cpuid(leaf: number, subleaf: number): readonly [number, number, number, number] {
    return [leaf, subleaf, leaf ^ subleaf, 7];
  }
  timestamp(): bigint {
    return BigInt(this.engine?.executed ?? 0);
  }
  processorId(): number {
    return 5;
  }
  random(): bigint {
    return BigInt.asUintN(64, this.timestamp() * 0x9e37_79b9_7f4a_7c15n);
  }
  extendedControl(): bigint {
    return 3n;
  }
}

export interface TwinsOptions {
  readonly policy: () => TlbPolicy;
  readonly frames?: number;
  readonly processors?: number;
  readonly filter?: boolean;
  readonly cr4?: bigint;
}

/** One of the two machines. */
export class Twin {
  readonly fixture: PagingFixture;
  readonly engines: readonly Engine[];
  /** RIP of every engine at each event. */
  readonly places: bigint[] = [];

  constructor(kind: 'golden' | 'fast', options: TwinsOptions) {
    const whole: FixtureOptions = { frames: 256, ...options, observed: true };
    this.fixture = new PagingFixture(whole);
    const { memory, mmus } = this.fixture;
    const shared =
      kind === 'fast'
        ? new EngineMemory(memory, { processors: mmus.length, codeBytes: 2 ** 20, handlers: 1500 })
        : undefined;
    this.engines = mmus.map((mmu) => {
      const processor = new CountingProcessor();
      const engine =
        shared === undefined
          ? new GoldenEngine({ registers: new RegisterFile(), memory: new MmuMemory(mmu, memory), processor })
          : new FastEngine({ shared, mmu, processor });
      processor.engine = engine;
      return engine;
    });
    this.fixture.stream.observe(() => {
      for (const { registers } of this.engines) this.places.push(registers.rip);
    });
  }
}

/** What a run gave: why it stopped, or what it threw because the machine is not modelled that far. */
export type Outcome = Stop | { readonly kind: 'unsupported'; readonly message: string };

function runOne(engine: Engine, budget: number): Outcome {
  try {
    return engine.run(budget);
  } catch (thrown) {
    if (thrown instanceof UnsupportedError) return { kind: 'unsupported', message: thrown.message };
    throw thrown;
  }
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}

export class Twins {
  readonly golden: Twin;
  readonly fast: Twin;

  constructor(options: TwinsOptions) {
    this.golden = new Twin('golden', options);
    this.fast = new Twin('fast', options);
  }

  both(act: (fixture: PagingFixture) => void): void {
    act(this.golden.fixture);
    act(this.fast.fixture);
  }

  map(address: bigint, frame: number, options: { flags?: bigint; level?: PagingLevel; root?: FrameNumber } = {}): void {
    this.both((fixture) => fixture.map(address, frame, options));
  }

  /** Writes bytes into a frame, by no processor. */
  write(frame: number, offset: number, bytes: Uint8Array): void {
    this.both(({ memory }) => {
      for (const [at, byte] of bytes.entries()) {
        memory.write8(physicalAddress(addressInFrame(frameNumber(frame), offset) + at), byte);
      }
    });
  }

  registers(processor: number, set: (registers: RegisterFile) => void): void {
    for (const twin of [this.golden, this.fast]) set(present(twin.engines[processor]).registers);
  }

  /** Runs both; throws if anything differs afterwards. `memory`: compares that as well, all of it. */
  run(processor: number, budget: number, memory = false): Outcome {
    const golden = present(this.golden.engines[processor]);
    const fast = present(this.fast.engines[processor]);
    const start = golden.registers.rip;
    const expected = runOne(golden, budget);
    const outcome = runOne(fast, budget);
    const difference = text(expected) === text(outcome) ? this.difference(processor, memory) : 'they stop differently';
    if (difference !== undefined) {
      throw new Error(
        `${difference}: golden ${text(expected)}, fast ${text(outcome)}; from 0x${start.toString(16)} with budget ${budget}`,
      );
    }
    return outcome;
  }

  difference(processor: number, memory: boolean): string | undefined {
    const golden = present(this.golden.engines[processor]);
    const fast = present(this.fast.engines[processor]);
    if (golden.executed !== fast.executed) return `executed ${golden.executed} and ${fast.executed}`;
    const register = registerDifference(golden.registers, fast.registers);
    if (register !== undefined) return register;
    const one = this.golden.fixture;
    const other = this.fast.fixture;
    for (const [at, event] of one.events.entries()) {
      const same = other.events[at];
      if (same === undefined || text(event) !== text(same)) return `event ${at}: ${text(event)} and ${text(same)}`;
    }
    if (other.events.length > one.events.length) return `an event too many: ${text(other.events[one.events.length])}`;
    const place = this.golden.places.findIndex((rip, at) => rip !== this.fast.places[at]);
    if (place >= 0) return `RIP at event ${Math.floor(place / this.golden.engines.length)}`;
    this.both(({ events }) => events.splice(0));
    for (const { places } of [this.golden, this.fast]) places.splice(0);
    for (const [at, mmu] of one.mmus.entries()) {
      const twin = present(other.mmus[at]);
      if (text(mmu.counters) !== text(twin.counters))
        return `counters ${text(mmu.counters)} and ${text(twin.counters)}`;
      const mistake = filterMistake(mmu, one.memory) ?? filterMistake(twin, other.memory);
      if (mistake !== undefined) return mistake;
    }
    return memory ? this.#wholeDifference() : undefined;
  }

  #wholeDifference(): string | undefined {
    const one = this.golden.fixture;
    const other = this.fast.fixture;
    for (let address = 0; address < one.memory.frames * 4096; address += 8) {
      const place = physicalAddress(address);
      if (one.memory.read64(place) !== other.memory.read64(place)) return `memory at 0x${address.toString(16)}`;
    }
    for (const [at, mmu] of one.mmus.entries()) {
      const names = [...mmu.cached()].map(nameOf);
      const twin = [...present(other.mmus[at]).cached()].map(nameOf);
      if (text(names) !== text(twin)) return 'what is cached';
    }
    return undefined;
  }
}

/** Everything but the scratch part. */
function registerDifference(golden: RegisterFile, fast: RegisterFile): string | undefined {
  const one = new Uint8Array(golden.buffer, golden.byteOffset, RegisterOffset.scratch);
  const other = new Uint8Array(fast.buffer, fast.byteOffset, RegisterOffset.scratch);
  const at = one.findIndex((byte, place) => byte !== other[place]);
  if (at < 0) return undefined;
  const word = at & ~7;
  const hex = (bytes: Uint8Array): string =>
    Buffer.from(bytes.slice(word, word + 8))
      .reverse()
      .toString('hex');
  return `registers at ${at}: ${hex(one)} and ${hex(other)}`;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new InvariantError('no such processor');
  return value;
}
