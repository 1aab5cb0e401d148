/** One run of a program, from boot to what came of it. Its caller decides how many steps it takes at a time. */
import { InputError } from '../../base/errors.ts';
import { RegisterFile } from '../../cpu/registers.ts';
import { parseExecutable } from '../../process/elf.ts';
import { enterProgram, findProgram } from '../../process/execute.ts';
import { FileData } from '../../process/files/file-data.ts';
import type { HostRoot, HostStreams } from '../../process/files/host-port.ts';
import { DescriptorTable, OpenFile } from '../../process/files/open-file.ts';
import { live } from '../../process/live.ts';
import type { Ending } from '../../process/process.ts';
import { Symbols } from '../../process/symbols.ts';
import { SignalActions } from '../../process/signals/signal-actions.ts';
import { decodeBytes } from '../../process/user-memory.ts';
import { Userland } from '../../process/userland.ts';
import { causeOfDeath } from '../guest-death.ts';
import type { RunOutcome, RunReport } from '../run-report.ts';
import { System } from '../system.ts';
import { systemOptions, type SystemWords } from '../system-options.ts';
import { HARDWARE_CAPABILITIES } from './cpuid.ts';
import { engineMaker, type EngineName, engineName } from './engine-choice.ts';
import { GuestLocations } from './guest-location.ts';
import { ProgramWorld } from './program-world.ts';
import { parseStress, startStress } from './stress.ts';
import { UserProcessor } from './user-processor.ts';

export interface ProgramWords extends SystemWords {
  readonly engine?: string | undefined;
  /** Kinds of trouble, separated by commas. */
  readonly stress?: string | undefined;
}

export interface ProgramInput {
  /** What the program is called, and where it is in the file system that it sees: an absolute path. */
  readonly file: string;
  readonly path: string;
  readonly bytes: Uint8Array;
  /** An ELF file with the program's symbols and line table; null: the program itself. */
  readonly symbols: Uint8Array | null;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly root: HostRoot | null;
  readonly streams: HostStreams;
}

const PROCESSORS = 4;
const MEMORY_MEBIBYTES = 256;
/** Room for the variables of some ten thousand address spaces. */
const DATA_FRAMES = 256;
const FRAME_BYTES = 4096;
const DEFAULT_ENGINE: EngineName = 'fast';

export class ProgramRun {
  readonly system: System;
  readonly world: ProgramWorld;
  readonly userland: Userland;
  readonly #input: ProgramInput;
  readonly #data: FileData;
  #booted = false;
  #death: string | null = null;

  /** No step has been taken yet: whoever observes `system.stream` from here on sees them all. Throws InputError. */
  constructor(input: ProgramInput, words: ProgramWords) {
    this.#input = input;
    const { file, bytes, symbols, root, streams } = input;
    parseExecutable(bytes, file);
    this.#data = new FileData(() => bytes, bytes.length);
    const options = systemOptions(words, {
      file,
      processors: PROCESSORS,
      switches: [],
      storeBuffers: false,
      memory: MEMORY_MEBIBYTES,
    });
    if (options.switches['store-buffers']) {
      throw new InputError("programs' stores are visible at once: store-buffers stays off", { file: '--set' });
    }
    const name = engineName(words.engine ?? DEFAULT_ENGINE);
    const stress = parseStress(words.stress ?? '');
    this.system = new System({ ...options, dataFrames: DATA_FRAMES, tuning: { tablesApart: true } });
    const { machine, kernel, random } = this.system;
    this.userland = new Userland({
      kernel,
      random,
      streams,
      root,
      processors: options.processors,
      memoryBytes: options.frames * FRAME_BYTES,
      hardwareCapabilities: HARDWARE_CAPABILITIES,
      newRegisters: () => new RegisterFile(),
    });
    const { clock } = this.userland;
    const make = engineMaker(name, machine);
    const user = machine.processors.map((cpu) => new UserProcessor(machine, cpu, make, clock, random));
    this.world = new ProgramWorld(this.system, this.userland, user);
    startStress(this.world, stress);
    const locations = new GuestLocations(new Map(symbols === null ? [] : [[this.#data, new Symbols(symbols)]]));
    this.system.locate = (processor) => {
      const thread = this.world.threadOn(processor);
      const at = user[processor];
      return thread === null || at === undefined
        ? this.world.kernelThreadOn(processor)
        : locations.describe(thread, at);
    };
  }

  /** Boots if nothing has happened yet, then takes up to `steps` steps. False once every program has ended, or the guest has died. */
  advance(steps: number): boolean {
    if (this.#death !== null) return false;
    try {
      if (!this.#booted) {
        this.#booted = true;
        this.system.boot();
        this.#launch();
        this.world.start();
      }
      return this.world.advance(steps);
    } catch (error) {
      this.#death = causeOfDeath(error);
      return false;
    }
  }

  /** How the program ended; null: it has not. */
  get ending(): Ending | null {
    return this.userland.firstEnding;
  }

  /** What the run comes to, for `reportOn`. `early` and `why` say why its caller ended it before its end. */
  outcome(early: RunReport['stopped'] = null, why: string | null = null): RunOutcome {
    const { system, userland, world } = this;
    const mmu = system.machine.processors.map((processor) => processor.mmu.counters);
    const { systemCalls, signals, processes, threads, missing } = userland.counts;
    return {
      workload: {
        file: this.#input.file,
        kind: 'program',
        title: this.#input.args.join(' '),
        accesses: mmu.reduce((sum, { hits, misses }) => sum + hits + misses, 0),
        pageFaults: mmu.reduce((sum, { faults }) => sum + faults, 0),
        systemCalls,
        migrations: world.migrations,
        implicitPages: 0,
        forbiddenAccesses: 0,
        program: {
          instructions: world.instructions,
          processes,
          threads,
          signals,
          ending: userland.firstEnding,
          missingCalls: Object.fromEntries([...missing].sort(([a], [b]) => (a < b ? -1 : 1))),
        },
      },
      stopped: this.#death === null ? early : 'guest died',
      reason: this.#death ?? why,
      unexpected: [],
    };
  }

  /** The first process: the program's file at its place, standard streams, and a thread that enters the program. */
  #launch(): void {
    const { userland } = this;
    const { path, args, environment } = this.#input;
    const { files } = userland;
    const { inodes } = files;
    files.install(path, inodes.file(0o755, this.#data));
    const descriptors = new DescriptorTable();
    for (const [number, device] of (['stdin', 'stdout', 'stderr'] as const).entries()) {
      descriptors.put(number, new OpenFile(inodes.device(device), number === 0 ? 0 : 1, device), false);
    }
    const pid = userland.newPid();
    const mm = userland.kernel.context.mms.user(userland.kernel.createMm('first'));
    const process = userland.addProcess({
      pid,
      parent: null,
      mm,
      files: descriptors,
      where: { directory: files.root, umask: 0o022 },
      actions: new SignalActions(),
      executable: path,
      name: path.split('/').at(-1) ?? path,
    });
    userland.first = process;
    const thread = userland.addThread(process, pid, mm);
    const program = findProgram(thread, path, args.map(toBytes), environment.map(toBytes));
    if (typeof program === 'number') throw new InputError(`cannot be executed (error ${-program})`, { file: path });
    thread.code = live(thread, enterProgram(thread, program));
  }
}

/** One character a byte, as programs have it. */
function toBytes(text: string): string {
  return decodeBytes(new TextEncoder().encode(text));
}
