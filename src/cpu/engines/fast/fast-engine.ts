/**
 * The fast engine: a WebAssembly interpreter generated from the semantics (handlers.ts), with the same effects as the
 * golden engine on registers, memory, translation caches and events, instruction by instruction.
 *
 * A fetch is an access of its page by each instruction that lies in it. Generated code goes on within a page without
 * asking for as long as nothing can have changed what the page's entry in the access filter says: only functions of ours
 * can, and each looks afterwards. The fetches since the last look are counted then. Where the filter has no such entry
 * (the translation is watched, or has just been made), instructions are executed one by one.
 */
import { addressInFrame, type FrameNumber } from '../../../arch/address.ts';
import { assert, present } from '../../../base/assert.ts';
import { InvariantError } from '../../../base/errors.ts';
import type { Engine, Stop } from '../../engine.ts';
import { divideError, type Exception, generalProtection, invalidOpcode } from '../../exception.ts';
import { exceptionOf, type HelperContext } from '../../helpers/helper.ts';
import { helpers } from '../../helpers/table.ts';
import type { CodeSize } from '../../instruction.ts';
import { MmuMemory, pageAfter } from '../../mmu-memory.ts';
import type { ProcessorPort } from '../../ports.ts';
import { RegisterFile, RegisterOffset } from '../../registers.ts';
import type { Mmu } from '../../../mmu/mmu.ts';
import type { Found } from './code-cache.ts';
import { Leave } from './emitter.ts';
import type { EngineMemory } from './engine-memory.ts';
import { helperNames, stopKinds } from './fast-builder.ts';
import { Block, stampLimit } from './layout.ts';
import { ProcessorBlock } from './processor-block.ts';
import { SlowAccess } from './slow-access.ts';

export interface FastEngineParts {
  readonly shared: EngineMemory;
  readonly mmu: Mmu;
  readonly processor: ProcessorPort;
}

const budgetUsed: Stop = { kind: 'budget' };
/** Instructions that generated code begins at most before it returns: it counts in 32 bits. */
const remainingLimit = 2 ** 30;

export class FastEngine implements Engine {
  readonly registers: RegisterFile;
  codeSize: CodeSize = 64;
  #executed = 0;
  #interrupted = false;
  /** While generated code runs: how many instructions it and what comes after it in this run may begin. */
  #budget = 0;
  #running = false;
  /** What code size and privilege level generated code runs with. */
  #codeSize: CodeSize = 64;
  /** Why a function of ours gave 0. */
  #exception: Exception | undefined;
  readonly #shared: EngineMemory;
  readonly #mmu: Mmu;
  readonly #block: ProcessorBlock;
  readonly #port: MmuMemory;
  readonly #access: SlowAccess;
  readonly #helperContext: HelperContext;
  /** Of `#shared.code`, when the present run of generated code began. */
  #codeVersion = 0;

  constructor({ shared, mmu, processor }: FastEngineParts) {
    this.#shared = shared;
    this.#mmu = mmu;
    const { buffer, layout, memory } = shared;
    const address = shared.allot({
      load: (what) => this.#load(what),
      store: (what) => this.#store(what),
      help: (what) => this.#help(what),
      cross: (record) => this.#cross(record),
      compile: () => shared.handlers.compile(),
      divide: (what) => this.#divide(what === 1),
    });
    this.registers = new RegisterFile(buffer, address);
    this.#block = new ProcessorBlock(buffer, address, this.registers, mmu);
    this.#port = new MmuMemory(mmu, memory);
    this.#access = new SlowAccess(this.#block, this.#port, layout.memory);
    this.#helperContext = { registers: this.registers, processor };
    assert(mmu.filter.clock.stamps.length <= stampLimit, 'the block has room for the TLB places');
    mmu.filter.moveTo({
      buffer,
      lines: address + Block.filter,
      memory: layout.memory,
      stamps: address + Block.stamps,
      time: address + Block.time,
      guards: memory.guards,
    });
    memory.guards.onChange((frame) => mmu.filter.forget(frame));
  }

  /** Exact while a function of ours is asked, too. */
  get executed(): number {
    const { deferred } = this.#block;
    return this.#executed + (this.#running ? this.#budget - deferred - this.#block.word(Block.remaining) : 0);
  }

  interrupt(): void {
    this.#interrupted = true;
    if (this.#running) this.#block.endRun();
  }

  run(budget: number): Stop {
    this.#interrupted = false;
    const end = this.#executed + budget;
    while (this.#executed < end && !this.#interrupted) {
      const stop = this.#runFrom(end - this.#executed);
      if (stop !== undefined) return stop;
    }
    return budgetUsed;
  }

  /** From RIP on, as far as generated code gets. */
  #runFrom(budget: number): Stop | undefined {
    const block = this.#block;
    block.setPrivilege();
    const page = block.pageAt(RegisterOffset.rip);
    const offset = block.word(RegisterOffset.rip) & 0xfff;
    const frame = this.#mmu.access(page, block.fetchCode, offset);
    if (frame < 0) return { kind: 'exception', exception: this.#port.fault() };
    const found = this.#find(frame as FrameNumber, offset);
    if (typeof found !== 'number') return { kind: 'exception', exception: this.#exceptionAt(found) };
    const one = budget === 1 || !this.#mmu.filter.hasLine(page, block.fetchCode);
    const map = this.#shared.code.mapOf(frame as FrameNumber, this.codeSize);
    return this.#execute(found, map, one ? 1 : Math.min(budget, remainingLimit), budget);
  }

  #find(frame: FrameNumber, offset: number): Found {
    this.#requireMemory(frame, offset);
    return this.#shared.code.find(frame, offset, this.codeSize);
  }

  /** Throws UnsupportedError if no memory answers for the frame. */
  #requireMemory(frame: FrameNumber, offset: number): void {
    const { memory } = this.#shared;
    if (frame >= memory.frames) memory.readBytes(addressInFrame(frame, offset), 1);
  }

  #execute(record: number, map: number, remaining: number, budget: number): Stop | undefined {
    const { code, handlers, runtime } = this.#shared;
    const block = this.#block;
    block.begin(remaining, budget - remaining, map, code.mapsFor(this.codeSize));
    this.#codeVersion = code.version;
    this.#codeSize = this.codeSize;
    this.#budget = budget;
    this.#running = true;
    let why: Leave;
    try {
      why = handlers.run(block.address, record, remaining);
    } catch (thrown) {
      // Of a guest that asks for what is not modelled: the instruction has not been begun.
      runtime.exports.flagsToRegister?.(block.address);
      this.#leave('before');
      throw thrown;
    }
    if (handlers.rebuildAfter(block.word(Block.calls))) block.setWord(Block.calls, 0);
    return this.#stopFor(why);
  }

  #stopFor(why: Leave): Stop | undefined {
    switch (why) {
      case Leave.target:
        this.#leave('at-target');
        return undefined;
      case Leave.budget:
        this.#leave('between');
        return undefined;
      case Leave.stop: {
        this.#leave('after');
        return { kind: present(stopKinds[this.#block.word(Block.detail)], 'a stop') };
      }
      case Leave.exception: {
        const exception = this.#exception ?? this.#shared.handlers.exceptions[this.#block.word(Block.detail)];
        this.#exception = undefined;
        if (exception === undefined) throw new InvariantError('an exception without a number');
        this.#leave(exception.trap === true ? 'trapped' : 'before');
        return { kind: 'exception', exception };
      }
      default:
        throw new InvariantError(`the interpreter returned ${why}`);
    }
  }

  /** Sets RIP, and counts instructions and fetches. Where generated code stands: see `Leave`. */
  #leave(where: 'at-target' | 'between' | 'before' | 'trapped' | 'after'): void {
    const block = this.#block;
    const { records } = this.#shared;
    this.#running = false;
    const record = block.word(Block.record);
    const remaining = block.word(Block.remaining);
    const inside = where === 'before' || where === 'trapped';
    block.countFetches(inside ? remaining - 1 : remaining);
    const begun = where === 'trapped' ? remaining - 1 : remaining;
    this.#executed += this.#budget - block.deferred - begun;
    if (where === 'at-target') return;
    const past = where === 'trapped' || where === 'after';
    block.setRip(past ? records.end(record) : records.offset(record), this.#codeSize);
  }

  /** The exception where there is no instruction. */
  #exceptionAt(found: Exclude<Found, number>): Exception {
    switch (found) {
      case 'undefined':
        return invalidOpcode;
      case 'too-long':
        return generalProtection;
      case 'incomplete':
        throw new InvariantError('two pages hold an instruction');
      default:
        throw found;
    }
  }

  // What generated code asks for

  #load(what: number): number {
    this.#arrive();
    const place = this.#access.load(what, this.#codeSize === 64);
    if (typeof place !== 'number') return this.#raise(place);
    this.#look();
    return place;
  }

  #store(what: number): number {
    this.#arrive();
    const fault = this.#access.store(what, this.#codeSize === 64);
    if (fault !== undefined) return this.#raise(fault);
    this.#look();
    return 1;
  }

  #help(number: number): number {
    const block = this.#block;
    this.#arrive();
    const value = (at: number): bigint => block.longWord(Block.exchange + 8 * at);
    const helper = helpers[present(helperNames[number], 'a helper')];
    const outcome = helper.run(this.#helperContext, value(0), value(1), value(2), value(3));
    const exception = exceptionOf(outcome);
    if (exception !== undefined) return this.#raise(exception);
    for (const [at, result] of (outcome as readonly bigint[]).entries()) {
      block.setLongWord(Block.exchange + 8 * at, result);
    }
    this.#look();
    return 1;
  }

  /** The next page is fetched by an access of its own. */
  #cross(record: number): number {
    const block = this.#block;
    this.#arrive();
    const page = pageAfter(block.pageAt(Block.page));
    const frame = this.#mmu.access(page, block.fetchCode, 0);
    if (frame < 0) return this.#raise(this.#port.fault());
    this.#requireMemory(frame as FrameNumber, 0);
    const found = this.#shared.code.cross(record, frame as FrameNumber);
    if (typeof found !== 'number') return this.#raise(this.#exceptionAt(found));
    this.#look();
    return found;
  }

  /** The divisor is not 0. */
  #divide(signed: boolean): number {
    const block = this.#block;
    const [high, low, divisor] = [0, 8, 16].map((at) => block.longWord(Block.exchange + at)) as [
      bigint,
      bigint,
      bigint,
    ];
    const whole = (high << 64n) | low;
    const dividend = signed ? BigInt.asIntN(128, whole) : whole;
    const by = signed ? BigInt.asIntN(64, divisor) : divisor;
    const quotient = dividend / by;
    if ((signed ? BigInt.asIntN(64, quotient) : BigInt.asUintN(64, quotient)) !== quotient)
      return this.#raise(divideError);
    block.setLongWord(Block.exchange, BigInt.asUintN(64, quotient));
    block.setLongWord(Block.exchange + 8, BigInt.asUintN(64, dividend % by));
    return 1;
  }

  #raise(exception: Exception): 0 {
    this.#exception = exception;
    return 0;
  }

  /**
   * Before anything that others may see: the fetches until now were before it, and RIP is that of the instruction, for
   * whoever wants to know where it happens.
   */
  #arrive(): void {
    const block = this.#block;
    block.countFetches(block.word(Block.remaining) - 1);
    block.setRip(this.#shared.records.offset(block.word(Block.record)), this.#codeSize);
  }

  /** Whether generated code may go on in the page after this instruction. */
  #look(): void {
    const block = this.#block;
    const { code } = this.#shared;
    const same = code.version === this.#codeVersion && this.codeSize === this.#codeSize && !block.privilegeChanged;
    if (!same || !this.#mmu.filter.hasLine(block.pageAt(Block.page), block.fetchCode)) block.endRun();
  }
}
