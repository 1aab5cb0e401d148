/**
 * A processor with a small kernel's tables, for tests of system instructions: 64-bit segments of both levels, a TSS, an IDT that a
 * test fills, code and data pages of user and supervisor.
 */
import type { InvlpgbOperand } from '../../../src/arch/invlpgb.ts';
import { EngineMemory } from '../../../src/cpu/engines/fast/engine-memory.ts';
import { FastEngine } from '../../../src/cpu/engines/fast/fast-engine.ts';
import { GoldenEngine } from '../../../src/cpu/engines/golden/golden-engine.ts';
import { MmuMemory } from '../../../src/cpu/mmu-memory.ts';
import type { ProcessorPort } from '../../../src/cpu/ports.ts';
import { Register, RegisterFile } from '../../../src/cpu/registers.ts';
import { parseDescriptor } from '../../../src/cpu/system/descriptor.ts';
import { type CoreStop, type InterruptSource, ProcessorCore } from '../../../src/cpu/system/processor-core.ts';
import type { SystemPort } from '../../../src/cpu/system/system-port.ts';
import { SystemState } from '../../../src/cpu/system/system-state.ts';
import { Segment } from '../../../src/cpu/instruction.ts';
import { P, PagingFixture, RW, USER_RW } from '../../mmu/paging-fixture.ts';
import type { ProcessorPart } from '../../../src/mmu/part.ts';

export const Selector = {
  kernelCode: 0x08,
  kernelData: 0x10,
  userData: 0x1b,
  userCode: 0x23,
  task: 0x28,
  spare: 0x38,
} as const;

export const Place = {
  gdt: 0x1_0000n,
  idt: 0x1_1000n,
  tss: 0x1_2000n,
  kernelCode: 0x2_0000n,
  kernelStack: 0x3_0000n,
  interruptStack: 0x3_4000n,
  userCode: 0x40_0000n,
  userStack: 0x50_0000n,
} as const;
/** It jumps to itself. */
export const handler = Place.kernelCode + 0x100n;
export const stackTop = (page: bigint): bigint => page + 4096n;

export const descriptors = {
  kernelCode: 0x00af_9b00_0000_ffffn,
  kernelData: 0x00cf_9300_0000_ffffn,
  userData: 0x00cf_f300_0000_ffffn,
  userCode: 0x00af_fb00_0000_ffffn,
} as const;

export class SystemBench implements SystemPort, InterruptSource {
  readonly fixture: PagingFixture;
  readonly registers: RegisterFile;
  readonly state: SystemState;
  readonly engine: GoldenEngine | FastEngine;
  readonly core: ProcessorCore;
  readonly ports: string[] = [];
  readonly broadcasts: InvlpgbOperand[] = [];
  clock = 0n;
  nmi = false;
  readonly pending: number[] = [];
  #priority = 0;

  constructor(part: Partial<ProcessorPart> = {}, engine: 'golden' | 'fast' = 'golden') {
    this.fixture = new PagingFixture({ part, frames: 256 });
    const { mmu, memory } = this.fixture;
    let frame = 100;
    for (const place of Object.values(Place)) {
      const user = place >= Place.userCode;
      this.fixture.map(place, frame++, { flags: user ? USER_RW : P | RW });
    }
    const state = (): SystemState => this.state;
    const processor: ProcessorPort = {
      cpuid: () => [0, 0, 0, 0],
      timestamp: () => this.clock,
      processorId: () => 0,
      random: () => 4n,
      extendedControl: () => 3n,
      get system() {
        return state();
      },
    };
    this.engine =
      engine === 'golden'
        ? new GoldenEngine({ registers: new RegisterFile(), memory: new MmuMemory(mmu, memory), processor })
        : new FastEngine({ shared: new EngineMemory(memory, { processors: 1, codeBytes: 2 ** 20 }), mmu, processor });
    this.registers = this.engine.registers;
    this.state = new SystemState({ registers: this.registers, mmu, memory, port: this, stream: this.fixture.stream });
    this.core = new ProcessorCore(this.engine, this.state, this);
    this.#tables();
    this.code(handler, 'ebfe');
    this.enterKernel();
  }

  #tables(): void {
    const { gdt, idt, tss } = Place;
    const table = [0n, descriptors.kernelCode, descriptors.kernelData, descriptors.userData, descriptors.userCode];
    for (const [at, bits] of table.entries()) this.write(gdt + BigInt(at * 8), bits);
    this.state.gdtr = { base: gdt, limit: 0x7f };
    this.state.idtr = { base: idt, limit: 0xfff };
    this.state.tr = { selector: Selector.task, base: tss, limit: 0x67 };
    this.write(tss + 4n, stackTop(Place.kernelStack));
    this.write(tss + 0x24n, stackTop(Place.interruptStack));
    this.write(tss + 0x60n, 0x68n << 48n);
  }

  /** As the loader of a kernel leaves it. */
  enterKernel(): void {
    this.state.setCode(Selector.kernelCode, 0, parseDescriptor(descriptors.kernelCode));
    this.state.setSegment(Segment.SS, Selector.kernelData, parseDescriptor(descriptors.kernelData));
    this.registers.general[Register.RSP] = stackTop(Place.kernelStack);
    this.registers.rip = Place.kernelCode;
    this.registers.rflags = 2;
  }

  enterUser(rflags = 0x202): void {
    this.state.setCode(Selector.userCode, 3, parseDescriptor(descriptors.userCode));
    this.state.setSegment(Segment.SS, Selector.userData, parseDescriptor(descriptors.userData));
    this.registers.general[Register.RSP] = stackTop(Place.userStack);
    this.registers.rip = Place.userCode;
    this.registers.rflags = rflags;
  }

  /** Eight bytes, through the page tables, whatever the rights. */
  write(linear: bigint, value: bigint): void {
    const fault = this.state.memory.write(linear, 8, value, 'supervisor');
    if (fault !== undefined) throw new Error(`no page at ${linear.toString(16)}`);
  }

  read(linear: bigint): bigint {
    const value = this.state.memory.read(linear, 8, 'supervisor');
    if (typeof value !== 'bigint') throw new Error(`no page at ${linear.toString(16)}`);
    return value;
  }

  code(linear: bigint, hex: string): void {
    for (const [at, byte] of Buffer.from(hex.replaceAll(' ', ''), 'hex').entries()) {
      this.state.memory.write(linear + BigInt(at), 1, BigInt(byte), 'supervisor');
    }
  }

  gate(
    vector: number,
    offset: bigint,
    { type = 14, dpl = 0, ist = 0, selector = Selector.kernelCode as number, present = true } = {},
  ): void {
    const attributes = BigInt(ist) | (BigInt(type | (dpl << 5) | (present ? 0x80 : 0)) << 8n);
    const low =
      (offset & 0xffffn) | (BigInt(selector) << 16n) | (attributes << 32n) | (((offset >> 16n) & 0xffffn) << 48n);
    this.write(Place.idt + BigInt(vector * 16), low);
    this.write(Place.idt + BigInt(vector * 16 + 8), offset >> 32n);
  }

  get(register: Register): bigint {
    return this.registers.general[register] ?? 0n;
  }

  set(register: Register, value: bigint): void {
    this.registers.general[register] = value;
  }

  get rip(): bigint {
    return this.registers.rip;
  }

  run(budget: number): CoreStop {
    return this.core.run(budget);
  }

  /** The stack from its pointer on. */
  stack(count: number): bigint[] {
    return Array.from({ length: count }, (_, at) => this.read(this.get(Register.RSP) + BigInt(at * 8)));
  }

  // What is around the processor.
  readPort(port: number, bytes: number): number {
    this.ports.push(`in ${port.toString(16)} ${bytes}`);
    return 0x8765_4321;
  }
  writePort(port: number, bytes: number, value: number): void {
    this.ports.push(`out ${port.toString(16)} ${bytes} ${value.toString(16)}`);
  }
  readMsr(index: number): bigint | undefined {
    return index === 0x1b ? 0xfee0_0900n : undefined;
  }
  writeMsr(index: number): boolean {
    return index === 0x1b;
  }
  taskPriority(): number {
    return this.#priority;
  }
  setTaskPriority(value: number): void {
    this.#priority = value;
  }
  invalidateEverywhere(operand: InvlpgbOperand): void {
    this.broadcasts.push(operand);
  }
  synchronizeTlbs(): void {
    this.ports.push('tlbsync');
  }
  nmiPending(): boolean {
    return this.nmi;
  }
  takeNmi(): void {
    this.nmi = false;
  }
  interruptPending(): boolean {
    return this.pending.length > 0;
  }
  takeInterrupt(): number {
    return this.pending.shift() ?? 0;
  }
}
