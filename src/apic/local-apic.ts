/**
 * One processor's local APIC (SDM 3A chapter 11): its registers as the processor reads and writes them, through memory
 * in xAPIC mode and through MSRs in x2APIC mode, and what interrupts do to it.
 *
 * Left out: the serial APIC bus of old, the sources of LVT interrupts other than the timer and APIC errors (their
 * entries are stored), SMI, and EOI messages to I/O APICs.
 */
import {
  ApicBase,
  ApicError,
  ApicMsr,
  ApicRegister,
  FIRST_LEGAL_VECTOR,
  IcrBit,
  SVR_SOFTWARE_ENABLE,
} from '../arch/apic-registers.ts';
import type { Exception } from '../arch/page-fault.ts';
import { assert, unreachable } from '../base/assert.ts';
import type { StateSink } from '../base/state-sink.ts';
import type { EventStream } from '../event/stream.ts';
import { type ApicMode, writeApicBase } from './apic-base.ts';
import { logicalX2apicId } from './destination.ts';
import { fixedCommand, interruptCommand } from './interrupt-command.ts';
import { InterruptRequests } from './interrupt-requests.ts';
import type { Ipi, IpiOutcome, IpiTarget } from './ipi.ts';
import type { IpiBus } from './ipi-bus.ts';
import { LocalInterrupts } from './local-interrupts.ts';
import { MAX_LVT_ENTRY } from './local-vector-table.ts';
import {
  type ApicRegisters,
  GENERAL_PROTECTION,
  readX2apic,
  readXapic,
  writeX2apic,
  writeXapic,
  x2apicMsr,
} from './register-access.ts';

/** Whether the processor executes, or waits for a start-up IPI after an INIT (SDM 3A 9.4). */
export type Startup = 'running' | 'wait-for-sipi';

export interface LocalApicOptions {
  /** The x2APIC ID. In xAPIC mode only bits 7:0 are seen. */
  readonly id: number;
  readonly processor: number;
  readonly bus: IpiBus;
  readonly stream: EventStream;
  readonly features: { readonly x2apic: boolean; readonly physicalAddressBits?: number };
  /** The BSP flag of IA32_APIC_BASE: processor 0, unless said. */
  readonly bootstrap?: boolean;
  readonly startup?: Startup;
}

const SVR_RESET = 0xff;
const DFR_RESET = 0xffff_ffff;
/** The version of an integrated APIC without EOI-broadcast suppression (SDM 3A 11.4.8). */
const VERSION = 0x15;

export class LocalApic implements IpiTarget {
  readonly id: number;
  readonly processor: number;
  startup: Startup;
  /** Bits 19:12 of the address that the last start-up IPI accepted began at: its vector (SDM 3A 9.4.4). */
  startupVector = 0;
  /** An NMI waits for the processor; a further one is lost (SDM 3A 6.7.1). IF and TPR do not hold it back. */
  nmiPending = false;
  /** An INIT was accepted and the processor has not reset itself yet. */
  initPending = false;

  readonly #bus: IpiBus;
  readonly #stream: EventStream;
  readonly #features: { readonly x2apic: boolean; readonly physicalAddressBits: number };
  #mode: ApicMode = 'xAPIC';
  /** IA32_APIC_BASE. */
  #base: bigint;
  readonly #requests = new InterruptRequests();
  readonly #local = new LocalInterrupts(this.#requests);
  readonly #registers: ApicRegisters;
  #spurious = SVR_RESET;
  /** LDR as written in xAPIC mode. */
  #logicalDestination = 0;
  #destinationFormat = DFR_RESET;
  #commandLow = 0;
  /** The ICR's destination field: 8 bits in xAPIC mode, 32 in x2APIC mode. */
  #commandDestination = 0;

  /** As after power-up: xAPIC mode, software disabled (SDM 3A 11.4.7.1). The caller attaches it to the bus. */
  constructor(options: LocalApicOptions) {
    assert(
      Number.isInteger(options.id) && options.id >= 0 && options.id < 0xffff_ffff,
      'an x2APIC ID has 32 bits, not all ones',
    );
    this.id = options.id;
    this.processor = options.processor;
    this.startup = options.startup ?? 'running';
    this.#bus = options.bus;
    this.#stream = options.stream;
    this.#features = { physicalAddressBits: 52, ...options.features };
    const bootstrap = options.bootstrap ?? options.processor === 0;
    this.#base = ApicBase.RESET_ADDRESS | ApicBase.EN | (bootstrap ? ApicBase.BSP : 0n);
    this.#registers = this.#registersForSoftware();
  }

  get mode(): ApicMode {
    return this.#mode;
  }

  /** Where the 4 KBytes of registers are in physical memory, or null: in xAPIC mode only (SDM 3A 11.4.1, 11.12.2). */
  get registerPage(): number | null {
    return this.#mode === 'xAPIC' ? Number(this.#base & ~0xfffn) : null;
  }

  get softwareEnabled(): boolean {
    return (this.#spurious & SVR_SOFTWARE_ENABLE) !== 0;
  }

  get logicalDestination(): number {
    return this.#mode === 'x2APIC' ? logicalX2apicId(this.id) : this.#logicalDestination;
  }

  get destinationFormat(): number {
    return this.#destinationFormat;
  }

  /** Reads 32 bits of the register page. Throws UnsupportedError where the offset is not a multiple of 16. */
  readRegister(offset: number): number {
    assert(this.#mode === 'xAPIC', `a register in memory in ${this.#mode} mode: ask registerPage first`);
    return readXapic(this.#registers, offset);
  }

  /** Writes 32 bits of the register page. */
  writeRegister(offset: number, value: number): void {
    assert(this.#mode === 'xAPIC', `a register in memory in ${this.#mode} mode: ask registerPage first`);
    writeXapic(this.#registers, offset, value);
  }

  /** RDMSR of an address that `isApicMsr` claims. */
  readMsr(msr: number): bigint | Exception {
    if (msr === ApicMsr.IA32_APIC_BASE) return this.#base;
    if (msr === ApicMsr.IA32_TSC_DEADLINE) return this.#local.deadline;
    return this.#mode === 'x2APIC' ? readX2apic(this.#registers, msr) : GENERAL_PROTECTION;
  }

  /** WRMSR of an address that `isApicMsr` claims. Returns the #GP that it raises, or null. */
  writeMsr(msr: number, value: bigint): Exception | null {
    if (msr === ApicMsr.IA32_APIC_BASE) return this.#writeBase(value);
    if (msr === ApicMsr.IA32_TSC_DEADLINE) {
      this.#local.deadline = value;
      return null;
    }
    return this.#mode === 'x2APIC' ? writeX2apic(this.#registers, msr, value) : GENERAL_PROTECTION;
  }

  /** Sets the software enable bit and the vector of spurious interrupts, as system software does first of all. */
  enable(spuriousVector = 0xff): void {
    this.#write(ApicRegister.SVR, SVR_SOFTWARE_ENABLE | spuriousVector);
  }

  #writeBase(value: bigint): Exception | null {
    const next = writeApicBase(this.#mode, value, this.#features);
    if (typeof next === 'object') return next;
    if (next === 'disabled' && this.#mode !== 'disabled') this.#resetRegisters();
    if (next === 'x2APIC' && this.#mode === 'xAPIC') {
      // Of all registers only LDR and the high half of ICR are lost (SDM 3A 11.12.5.1).
      this.#logicalDestination = 0;
      this.#commandDestination = 0;
    }
    this.#mode = next;
    this.#base = value;
    return null;
  }

  #registersForSoftware(): ApicRegisters {
    const apic = this;
    return {
      read: (offset) => apic.#read(offset),
      write: (offset, value) => apic.#write(offset, value),
      get commandDestination() {
        return apic.#commandDestination;
      },
      set commandDestination(id) {
        apic.#commandDestination = id;
      },
      illegalAddress: () => apic.#local.detect(ApicError.ILLEGAL_REGISTER_ADDRESS),
    };
  }

  #read(offset: number): number {
    if (this.#local.vectors.has(offset)) return this.#local.vectors.read(offset);
    const word = (offset >>> 4) & 7;
    switch (offset) {
      case ApicRegister.ID:
        return this.#mode === 'x2APIC' ? this.id : ((this.id & 0xff) << 24) >>> 0;
      case ApicRegister.VERSION:
        return VERSION | (MAX_LVT_ENTRY << 16);
      case ApicRegister.TPR:
        return this.#requests.taskPriority;
      case ApicRegister.PPR:
        return this.#requests.processorPriority();
      case ApicRegister.LDR:
        return this.logicalDestination;
      case ApicRegister.DFR:
        return this.#destinationFormat;
      case ApicRegister.SVR:
        return this.#spurious;
      case ApicRegister.ESR:
        return this.#local.errors.shown;
      case ApicRegister.ICR_LOW:
        return this.#commandLow;
      case ApicRegister.ICR_HIGH:
        return (this.#commandDestination << 24) >>> 0;
      case ApicRegister.INITIAL_COUNT:
        return this.#local.initialCount;
      case ApicRegister.CURRENT_COUNT:
        return this.#local.currentCount;
      case ApicRegister.DIVIDE_CONFIGURATION:
        return this.#local.divideConfiguration;
      default:
        if (offset >= ApicRegister.ISR && offset < ApicRegister.TMR) return this.#requests.isr.word(word);
        if (offset >= ApicRegister.IRR && offset < ApicRegister.ESR) return this.#requests.irr.word(word);
        // Every interrupt of this model is edge triggered.
        assert(
          offset >= ApicRegister.TMR && offset < ApicRegister.IRR,
          `no read of APIC register 0x${offset.toString(16)}`,
        );
        return 0;
    }
  }

  /** `value` has writable bits only. */
  #write(offset: number, value: number): void {
    if (this.#local.vectors.has(offset)) {
      this.#local.writeVector(offset, value, this);
      return;
    }
    switch (offset) {
      case ApicRegister.TPR:
        this.#requests.taskPriority = value;
        return;
      case ApicRegister.EOI:
        this.endOfInterrupt();
        return;
      case ApicRegister.LDR:
        this.#logicalDestination = value >>> 0;
        return;
      case ApicRegister.DFR:
        this.#destinationFormat = (value | 0x0fff_ffff) >>> 0;
        return;
      case ApicRegister.SVR:
        this.#spurious = value;
        if (!this.softwareEnabled) this.#local.vectors.maskAll();
        return;
      case ApicRegister.ESR:
        this.#local.errors.update();
        return;
      case ApicRegister.ICR_LOW:
        this.#commandLow = value;
        this.#command(value, this.#commandDestination);
        return;
      case ApicRegister.ICR_HIGH:
        this.#commandDestination = value >>> 24;
        return;
      case ApicRegister.INITIAL_COUNT:
        this.#local.initialCount = value;
        return;
      case ApicRegister.DIVIDE_CONFIGURATION:
        this.#local.divideConfiguration = value;
        return;
      case ApicRegister.SELF_IPI:
        // The same as a fixed ICR with the shorthand "self" (SDM 3A 11.12.11).
        this.#command(value | SELF_SHORTHAND, 0);
        return;
      default:
        assert(false, `no write to APIC register 0x${offset.toString(16)}`);
    }
  }

  // Sending.

  #command(low: number, destination: number): void {
    const command = interruptCommand(low, destination);
    switch (command.kind) {
      case 'send':
        assert(this.#mode !== 'disabled', 'an IPI from a disabled APIC');
        this.#bus.send({ ...command, sender: this.processor, mode: this.#mode });
        return;
      case 'error':
        this.#local.detect(command.error);
        return;
      case 'nothing':
        return;
      default:
        unreachable(command);
    }
  }

  /** Sends a fixed IPI to each of the processors: one write of the ICR each, with its physical destination. */
  sendFixed(vector: number, processors: readonly number[]): void {
    for (const processor of processors) {
      const { id } = this.#bus.of(processor);
      if (this.#mode === 'x2APIC') {
        const fault = this.writeMsr(
          x2apicMsr(ApicRegister.ICR_LOW),
          (BigInt(id) << 32n) | BigInt(fixedCommand(vector)),
        );
        assert(fault === null, 'a fixed command in the ICR faulted');
      } else {
        assert(id < 0xff, `APIC ID ${id} cannot be addressed in xAPIC mode`);
        this.writeRegister(ApicRegister.ICR_HIGH, id << 24);
        this.writeRegister(ApicRegister.ICR_LOW, fixedCommand(vector));
      }
    }
  }

  // Receiving.

  /** Takes an IPI that has arrived, and tells whether it was one more than before. */
  accept(ipi: Ipi): IpiOutcome {
    const outcome = this.#mode === 'disabled' ? 'dropped' : this.#accept(ipi);
    if (outcome !== 'dropped' && this.#stream.listening) {
      const { id, vector } = ipi;
      this.#stream.emit({
        kind: 'ipi-accept',
        processor: this.processor,
        ipi: id,
        vector,
        coalesced: outcome === 'coalesced',
      });
    }
    return outcome;
  }

  #accept({ delivery, vector }: Ipi): IpiOutcome {
    switch (delivery) {
      case 'fixed':
        // A software-disabled APIC answers INIT, NMI, SMI and start-up only (SDM 3A 11.4.7.2).
        if (!this.softwareEnabled) return 'dropped';
        if (vector < FIRST_LEGAL_VECTOR) {
          this.#local.detect(ApicError.RECEIVE_ILLEGAL_VECTOR);
          return 'dropped';
        }
        return this.#requests.request(vector) ? 'coalesced' : 'accepted';
      case 'NMI': {
        const outcome = this.nmiPending ? 'coalesced' : 'accepted';
        this.nmiPending = true;
        return outcome;
      }
      case 'INIT': {
        const outcome = this.initPending ? 'coalesced' : 'accepted';
        this.#initialize();
        return outcome;
      }
      case 'SIPI':
        if (this.startup !== 'wait-for-sipi') return 'dropped';
        this.startup = 'running';
        this.startupVector = vector;
        return 'accepted';
      default:
        return unreachable(delivery);
    }
  }

  /** INIT keeps the mode and the ID; the bootstrap processor starts over, all others wait (SDM 3A 9.4.2, 11.4.7.3). */
  #initialize(): void {
    this.#resetRegisters();
    this.nmiPending = false;
    this.initPending = true;
    this.startup = (this.#base & ApicBase.BSP) !== 0n ? 'running' : 'wait-for-sipi';
  }

  #resetRegisters(): void {
    this.#requests.reset();
    this.#local.reset();
    this.#spurious = SVR_RESET;
    this.#logicalDestination = 0;
    this.#destinationFormat = DFR_RESET;
    this.#commandLow = 0;
    this.#commandDestination = 0;
  }

  // What the processor asks and does between instructions.

  /** What waits and what is in service. The other registers change at boot only. */
  tellState(sink: StateSink): void {
    const { irr, isr, taskPriority } = this.#requests;
    for (let word = 0; word < 8; word++) {
      sink.number(irr.word(word));
      sink.number(isr.word(word));
    }
    sink.text(`${taskPriority} ${this.startup} ${this.nmiPending} ${this.initPending}`);
  }

  /**
   * The vector of the maskable interrupt that the processor would take now, or null. NMIs are not among them: see
   * `nmiPending`.
   */
  pendingVector(interruptsEnabled: boolean): number | null {
    if (!interruptsEnabled || this.#mode === 'disabled' || this.startup === 'wait-for-sipi') return null;
    return this.#requests.deliverable();
  }

  /**
   * The processor takes the interrupt that it was told of: the vector goes from IRR to ISR. If TPR has masked it in the
   * meantime, the spurious vector is returned, ISR stays as it is and no EOI is due (SDM 3A 11.9).
   */
  acknowledge(): number {
    return this.#requests.serve() ?? this.#spurious & 0xff;
  }

  endOfInterrupt(): void {
    this.#requests.finish();
  }

  /** The processor takes the NMI. Blocking further ones until IRET is the processor's (SDM 3A 6.7.1). */
  acknowledgeNmi(): void {
    assert(this.nmiPending, 'no NMI is pending');
    this.nmiPending = false;
  }

  /** The processor has reset itself for the INIT. */
  acknowledgeInit(): void {
    assert(this.initPending, 'no INIT is pending');
    this.initPending = false;
  }

  /** Moves the timer by input counts, to a value of the time-stamp counter; a step of whoever counts. */
  tick(counts: number, timeStampCounter = 0n): void {
    this.#local.tick(counts, timeStampCounter);
  }
}

/** ICR with the shorthand "self". */
const SELF_SHORTHAND = (1 << 18) | IcrBit.ASSERT;
