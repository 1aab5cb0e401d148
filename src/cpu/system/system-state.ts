/**
 * What a logical processor has beyond the registers that programs see (SDM 3A 2.1): descriptor-table registers, hidden parts of
 * segment registers, debug and model-specific registers, what holds interrupts back. Control registers, EFER and the privilege level
 * are the MMU's.
 */
import { Cr0, Efer } from '../../arch/control-registers.ts';
import { type LinearAddress, isCanonical, pageOf } from '../../arch/address.ts';
import { UnsupportedError } from '../../base/errors.ts';
import type { EventStream } from '../../event/stream.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import type { Mmu } from '../../mmu/mmu.ts';
import type { CodeSize } from '../instruction.ts';
import { Segment } from '../instruction.ts';
import { type RegisterFile, Restriction } from '../registers.ts';
import { type Descriptor, realModeSegment } from './descriptor.ts';
import { SupervisorMemory } from './supervisor-memory.ts';
import type { SystemPort } from './system-port.ts';

export interface TableRegister {
  readonly base: bigint;
  readonly limit: number;
}

/** LDTR and TR: a selector and what its descriptor said. A null LDTR has limit -1, so that nothing is in it. */
export interface SystemSegment extends TableRegister {
  readonly selector: number;
}

const control0 = { MP: 1n << 1n, EM: 1n << 2n, TS: 1n << 3n } as const;
const control4 = { OSFXSR: 1n << 9n, OSXMMEXCPT: 1n << 10n, OSXSAVE: 1n << 18n } as const;
const acFlag = 1 << 18;

export interface SystemParts {
  readonly registers: RegisterFile;
  readonly mmu: Mmu;
  readonly memory: PhysicalMemory;
  readonly port: SystemPort;
  readonly stream: EventStream;
}

export class SystemState {
  readonly registers: RegisterFile;
  readonly mmu: Mmu;
  readonly memory: SupervisorMemory;
  readonly port: SystemPort;
  readonly stream: EventStream;
  gdtr: TableRegister = { base: 0n, limit: 0xffff };
  idtr: TableRegister = { base: 0n, limit: 0xffff };
  ldtr: SystemSegment = { selector: 0, base: 0n, limit: 0xffff };
  tr: SystemSegment = { selector: 0, base: 0n, limit: 0xffff };
  /** By segment number; undefined where a null selector was loaded, and before anything was. */
  readonly segments: (Descriptor | undefined)[] = new Array(6).fill(undefined);
  cr2 = 0n;
  /** DR0 to DR3, DR6 and DR7 by their numbers. */
  readonly debug: bigint[] = [0n, 0n, 0n, 0n, 0n, 0n, 0xffff_0ff0n, 0x400n];
  readonly modelSpecific = new Map<number, bigint>();
  /** Interrupts are held back until the next instruction is done: after STI, and after a load of SS (SDM 3A 6.8.1, 6.8.3). */
  shadow: 'none' | 'interrupts' | 'stack' = 'none';
  /** From the delivery of an NMI to the next IRET (SDM 3A 6.7.1). */
  nmiBlocked = false;
  /** Bits of the code segment that runs; the engine is told when the present instruction ends. */
  codeSize: CodeSize = 64;
  /** A single step will trap when the present instruction ends; interrupts that it makes itself come instead (SDM 3B 18.3.1.4). */
  stepPending = false;
  /** What WRMSR to the time-stamp counter added to it. */
  timestampOffset = 0n;
  /** Asks whoever drives the engine to look before the next instruction. */
  attention: () => void = () => {};

  constructor({ registers, mmu, memory, port, stream }: SystemParts) {
    this.registers = registers;
    this.mmu = mmu;
    this.memory = new SupervisorMemory(mmu, memory);
    this.port = port;
    this.stream = stream;
    this.controlChanged();
  }

  get cpl(): number {
    return this.mmu.control.cpl;
  }

  get longMode(): boolean {
    return (this.mmu.control.efer & Efer.LMA) !== 0n;
  }

  get realMode(): boolean {
    return (this.mmu.control.cr0 & Cr0.PE) === 0n;
  }

  get iopl(): number {
    return (this.registers.rflags >> 12) & 3;
  }

  isCanonical(linear: bigint): boolean {
    return isCanonical(pageOf(linear as LinearAddress), this.mmu.control.levels);
  }

  /** Sets the privilege level; the MMU is told with AC. */
  setPrivilege(cpl: number): void {
    this.mmu.setPrivilege(cpl, (this.registers.rflags & acFlag) !== 0);
  }

  /** RFLAGS, of which the MMU has AC, and interrupts and single steps depend on IF and TF. */
  setFlags(rflags: number): void {
    this.registers.rflags = rflags;
    this.setPrivilege(this.cpl);
    this.attention();
  }

  /** The next instruction is executed before interrupts are taken. */
  castShadow(shadow: 'interrupts' | 'stack'): void {
    this.shadow = shadow;
    this.attention();
  }

  /** After INIT and a start-up IPI, or a reset by software that chooses the page: real mode, at the page's start (SDM 3A 9.4.4). */
  startUp(vector: number): void {
    this.registers.rflags = 2;
    for (const segment of [Segment.ES, Segment.SS, Segment.DS, Segment.FS, Segment.GS]) {
      this.setSegment(segment, 0, realModeSegment(0));
    }
    this.setSegment(Segment.CS, vector << 8, realModeSegment(vector << 8));
    this.setCode(vector << 8, 0, realModeSegment(vector << 8));
    this.registers.rip = 0n;
    this.gdtr = { base: 0n, limit: 0xffff };
    this.idtr = { base: 0n, limit: 0xffff };
    this.shadow = 'none';
    this.nmiBlocked = false;
    this.controlChanged();
  }

  /** Copies what x87 and SSE instructions need to know of CR0 and CR4. */
  controlChanged(): void {
    const { cr0, cr4 } = this.mmu.control;
    const when = (condition: boolean, restriction: number): number => (condition ? restriction : 0);
    this.registers.restrictions =
      when((cr0 & control0.TS) !== 0n, Restriction.taskSwitched) |
      when((cr0 & control0.EM) !== 0n, Restriction.emulated) |
      when((cr0 & control0.MP) !== 0n, Restriction.monitored) |
      when((cr4 & control4.OSFXSR) === 0n, Restriction.noSse) |
      when((cr4 & control4.OSXMMEXCPT) === 0n, Restriction.noSimdErrors) |
      when((cr4 & control4.OSXSAVE) === 0n, Restriction.noExtendedStates);
  }

  /** A segment register and its hidden part; base and selector are in the register file. */
  setSegment(segment: number, selector: number, descriptor: Descriptor | undefined): void {
    this.segments[segment] = descriptor;
    this.registers.selector[segment] = selector;
    this.registers.segmentBase[segment] = descriptor?.base ?? 0n;
  }

  /** CS, the privilege level that comes with it, and the size of code. Engines take RIP for a linear address. */
  setCode(selector: number, cpl: number, descriptor: Descriptor): void {
    if (!(this.longMode && descriptor.long) && descriptor.base !== 0n) {
      throw new UnsupportedError(`a code segment with base ${descriptor.base.toString(16)}H is not modelled`);
    }
    this.setSegment(Segment.CS, (selector & 0xfffc) | cpl, descriptor);
    this.setPrivilege(cpl);
    this.codeSize = this.longMode && descriptor.long ? 64 : descriptor.big ? 32 : 16;
    this.attention();
  }
}
