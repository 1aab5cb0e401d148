/**
 * A small machine to try kernel code on: processors that execute actions one at a time, store buffers, fixed IPIs, and a
 * TLB of single entries tagged with a PCID. Its page tables have one level: the entry of page n is the n-th of the top
 * structure, a version number rather than a frame. Nothing is shared with src/machine or src/mmu.
 *
 * A scheduler outside says which step comes next; every step is one of `Step`.
 */
import { frameNumber, PAGE_BYTES, type PhysicalAddress } from '../../src/arch/address.ts';
import type { InvlpgbOperand } from '../../src/arch/invlpgb.ts';
import { Cr3, Cr4, InvpcidType } from '../../src/arch/control-registers.ts';
import { assert, present, unreachable } from '../../src/base/assert.ts';
import type { KernelEvent } from '../../src/event/event.ts';
import type { Action, Hardware, HardwareFeatures, Kernel } from '../../src/kernel/hardware.ts';

export type Step =
  | { readonly kind: 'run'; readonly cpu: number }
  | { readonly kind: 'drain'; readonly cpu: number }
  | { readonly kind: 'deliver'; readonly ipi: number }
  | { readonly kind: 'invalidate'; readonly broadcast: number }
  | { readonly kind: 'fill'; readonly cpu: number; readonly page: number };

/** What was done to a TLB, for tests that look at instructions. */
export interface Invalidation {
  readonly cpu: number;
  readonly by: 'cr3' | 'cr3-noflush' | 'invlpg' | 'invpcid' | 'invlpgb' | 'cr4';
  readonly value: bigint;
}

export interface DriverOptions {
  readonly processors: number;
  readonly features?: Partial<HardwareFeatures>;
  /** Stores wait in the processor's buffer until a `drain` step or a draining action. */
  readonly storeBuffers?: boolean;
  /** User pages that each address space has, all of which a processor may fill at will. */
  readonly pages?: number;
}

interface Frame {
  readonly code: Kernel<void>;
  pending: Action;
  readonly finish: () => void;
}

export class Cpu {
  interruptsEnabled = false;
  cr3 = 0n;
  cr4: bigint = Cr4.PGE;
  readonly stack: Frame[] = [];
  buffer: { readonly address: number; readonly value: bigint }[] = [];
  /** Requested vectors, as in IRR. */
  readonly requested = new Set<number>();
  inService = 0;
  /** Version by PCID and page. */
  readonly tlb = new Map<string, bigint>();

  get pcid(): bigint {
    return (this.cr4 & Cr4.PCIDE) === 0n ? 0n : this.cr3 & Cr3.PCID_MASK;
  }

  key(page: number): string {
    return `${this.pcid}:${page}`;
  }

  forget(pcid: bigint): void {
    for (const key of [...this.tlb.keys()]) if (key.startsWith(`${pcid}:`)) this.tlb.delete(key);
  }
}

const FRAMES = 64;

export class Driver implements Hardware {
  readonly processors: number;
  readonly features: HardwareFeatures;
  readonly frames = FRAMES;
  readonly listening = true;
  readonly pages: number;
  readonly cpus: readonly Cpu[];
  readonly invalidations: Invalidation[] = [];
  inFlight: { readonly target: number; readonly vector: number }[] = [];
  /** INVLPGBs that have not reached their target. */
  broadcasts: { readonly sender: number; readonly target: number; readonly operand: InvlpgbOperand }[] = [];
  /** The kernel's entry for interrupts, set once there is a kernel. */
  interrupt: (cpu: number, vector: number) => Kernel<void> = () => {
    throw new Error('no kernel');
  };
  onEvent: (event: KernelEvent) => void = () => {};
  readonly #memory = new BigUint64Array((FRAMES * PAGE_BYTES) / 8);
  readonly #storeBuffers: boolean;

  constructor({ processors, features = {}, storeBuffers = false, pages = 3 }: DriverOptions) {
    this.processors = processors;
    this.features = { pcid: true, invpcid: true, globalPages: true, nx: true, levels: 4, ...features };
    this.pages = pages;
    this.#storeBuffers = storeBuffers;
    this.cpus = Array.from({ length: processors }, () => new Cpu());
  }

  poke(address: PhysicalAddress, value: bigint): void {
    this.#memory[address / 8] = value;
  }

  peek(address: PhysicalAddress): bigint {
    return this.#read(address);
  }

  tell(event: KernelEvent): void {
    this.onEvent(event);
  }

  cpu(index: number): Cpu {
    return present(this.cpus[index], `processor ${index}`);
  }

  /** Starts code above whatever the processor is doing. */
  start(index: number, code: Kernel<void>, finish: () => void = () => {}): void {
    const first = code.next();
    if (first.done) finish();
    else this.cpu(index).stack.push({ code, pending: first.value, finish });
  }

  /** What the processor's next step does: null for taking an interrupt, undefined for nothing. */
  next(index: number): Action | null | undefined {
    const cpu = this.cpu(index);
    return this.#interruptible(cpu) ? null : cpu.stack.at(-1)?.pending;
  }

  runnable(index: number): boolean {
    const cpu = this.cpu(index);
    const action = this.next(index);
    if (action === undefined) return false;
    if (action?.kind === 'wait') return action.until(this.#load(cpu, action.address));
    if (action?.kind === 'tlbsync') return this.broadcasts.every(({ sender }) => sender !== index);
    if (action?.kind === 'acquire') return this.#load(cpu, action.address) === 0n;
    return true;
  }

  get idle(): boolean {
    return (
      this.cpus.every((cpu) => cpu.stack.length === 0 && cpu.requested.size === 0) &&
      this.inFlight.length + this.broadcasts.length === 0
    );
  }

  take(step: Step): void {
    if (step.kind === 'run') this.#run(step.cpu);
    else if (step.kind === 'drain') this.#drainOne(this.cpu(step.cpu));
    else if (step.kind === 'deliver') this.#deliver(step.ipi);
    else if (step.kind === 'invalidate') this.#invalidate(step.broadcast);
    else if (step.kind === 'fill') this.#fill(this.cpu(step.cpu), step.page);
    else unreachable(step);
  }

  /** Every page that is not cached for the loaded CR3, as a processor that speculates at its worst has it. */
  fillAll(): void {
    for (const cpu of this.cpus) for (let page = 0; page < this.pages; page++) this.#fill(cpu, page);
  }

  #interruptible(cpu: Cpu): boolean {
    return cpu.interruptsEnabled && cpu.requested.size > 0 && cpu.inService === 0;
  }

  #run(index: number): void {
    const cpu = this.cpu(index);
    if (this.#interruptible(cpu)) {
      const vector = Math.max(...cpu.requested);
      cpu.requested.delete(vector);
      cpu.inService = vector;
      cpu.interruptsEnabled = false;
      // IRET: serializing, and IF as it was.
      this.start(index, this.interrupt(index, vector), () => {
        this.#drain(cpu);
        cpu.interruptsEnabled = true;
      });
      return;
    }
    const frame = present(cpu.stack.at(-1), 'code to run');
    const next = frame.code.next(this.#execute(index, cpu, frame.pending));
    if (!next.done) frame.pending = next.value;
    else {
      assert(cpu.stack.pop() === frame, 'handlers nest');
      frame.finish();
    }
  }

  #deliver(position: number): void {
    const ipi = present(this.inFlight[position], 'IPI');
    this.inFlight = this.inFlight.filter((other) => other !== ipi);
    this.cpu(ipi.target).requested.add(ipi.vector);
  }

  #invalidate(position: number): void {
    const broadcast = present(this.broadcasts[position], 'INVLPGB');
    this.broadcasts = this.broadcasts.filter((other) => other !== broadcast);
    const { target, operand } = broadcast;
    const { pcid, pages } = operand;
    const first = pages === null ? 0 : Number(pages.start / BigInt(PAGE_BYTES));
    const limit = pages === null ? Number.POSITIVE_INFINITY : first + (pages.count << (pages.strideShift - 12));
    const { tlb } = this.cpu(target);
    for (const key of [...tlb.keys()]) {
      const [ofPcid = '', page = ''] = key.split(':');
      if ((pcid === null || pcid === Number(ofPcid)) && first <= Number(page) && Number(page) < limit) tlb.delete(key);
    }
    this.invalidations.push({ cpu: target, by: 'invlpgb', value: pages?.start ?? -1n });
  }

  #execute(index: number, cpu: Cpu, action: Action): bigint {
    switch (action.kind) {
      case 'load':
      case 'wait':
        return this.#load(cpu, action.address);
      case 'store':
        if (this.#storeBuffers) cpu.buffer.push({ address: action.address, value: action.value });
        else this.#memory[action.address / 8] = action.value;
        return 0n;
      case 'acquire':
      case 'locked': {
        this.#drain(cpu);
        const before = this.#read(action.address);
        this.#memory[action.address / 8] = action.kind === 'acquire' ? 1n : modified(action, before);
        return before;
      }
      case 'fence':
        this.#drain(cpu);
        return 0n;
      case 'mov-to-cr3':
        return this.#movToCr3(index, cpu, action.value);
      case 'mov-from-cr3':
        return cpu.cr3;
      case 'mov-to-cr4':
        return this.#movToCr4(index, cpu, action.value);
      case 'mov-from-cr4':
        return cpu.cr4;
      case 'invlpg':
        this.#drain(cpu);
        cpu.tlb.delete(cpu.key(Number(action.address / BigInt(PAGE_BYTES))));
        this.invalidations.push({ cpu: index, by: 'invlpg', value: action.address });
        return 0n;
      case 'invpcid':
        assert(this.features.invpcid, '#UD: no INVPCID');
        this.#drain(cpu);
        if (action.type === InvpcidType.allIncludingGlobals) cpu.tlb.clear();
        else {
          assert(action.type === InvpcidType.individualAddress, 'INVPCID of type 0 or 2');
          assert((cpu.cr4 & Cr4.PCIDE) !== 0n, '#GP: a PCID without CR4.PCIDE');
          cpu.tlb.delete(`${action.pcid}:${action.address / BigInt(PAGE_BYTES)}`);
        }
        this.invalidations.push({ cpu: index, by: 'invpcid', value: BigInt(action.type) });
        return 0n;
      case 'invlpgb': {
        const { operand } = action;
        const most = this.features.invlpgbCountMax;
        assert(most !== undefined && (operand.pages?.count ?? 1) <= most, 'an INVLPGB that the processor has');
        for (const target of this.cpus.keys()) this.broadcasts.push({ sender: index, target, operand });
        return 0n;
      }
      case 'tlbsync':
        this.#drain(cpu);
        return 0n;
      case 'interrupts': {
        const before = cpu.interruptsEnabled;
        cpu.interruptsEnabled = action.enabled;
        return before ? 1n : 0n;
      }
      case 'send-ipi':
        this.#drain(cpu);
        for (const target of action.targets) this.inFlight.push({ target, vector: action.vector });
        return 0n;
      case 'end-of-interrupt':
        cpu.inService = 0;
        return 0n;
      case 'access': {
        const page = Number(action.address / BigInt(PAGE_BYTES));
        this.#fill(cpu, page);
        return cpu.tlb.get(cpu.key(page)) ?? 0n;
      }
      default:
        throw new Error(`the driver has no ${action.kind}`);
    }
  }

  #movToCr3(index: number, cpu: Cpu, value: bigint): bigint {
    this.#drain(cpu);
    const noFlush = (value & Cr3.NO_FLUSH) !== 0n;
    const pcide = (cpu.cr4 & Cr4.PCIDE) !== 0n;
    assert(pcide || !noFlush, '#GP: bit 63 without CR4.PCIDE');
    cpu.cr3 = value & ~Cr3.NO_FLUSH;
    if (!pcide) cpu.tlb.clear();
    else if (!noFlush) cpu.forget(cpu.pcid);
    this.invalidations.push({ cpu: index, by: noFlush ? 'cr3-noflush' : 'cr3', value: cpu.cr3 });
    return 0n;
  }

  #movToCr4(index: number, cpu: Cpu, value: bigint): bigint {
    this.#drain(cpu);
    const changed = cpu.cr4 ^ value;
    const sets = (changed & value & Cr4.PCIDE) !== 0n;
    assert(!sets || (cpu.cr3 & Cr3.PCID_MASK) === 0n, '#GP: CR4.PCIDE set while CR3[11:0] is not 0');
    cpu.cr4 = value;
    if ((changed & Cr4.PGE) !== 0n) cpu.tlb.clear();
    this.invalidations.push({ cpu: index, by: 'cr4', value });
    return 0n;
  }

  /** A walk: reads memory, never a store buffer; keeps nothing that is not present. */
  #fill(cpu: Cpu, page: number): void {
    const key = cpu.key(page);
    if (cpu.tlb.has(key)) return;
    const entry = this.#read(Number(cpu.cr3 & ~Cr3.PCID_MASK) + page * 8);
    if (entry !== 0n) cpu.tlb.set(key, entry);
  }

  #load(cpu: Cpu, address: number): bigint {
    return cpu.buffer.findLast((store) => store.address === address)?.value ?? this.#read(address);
  }

  #drainOne(cpu: Cpu): void {
    const oldest = present(cpu.buffer.shift(), 'buffered store');
    this.#memory[oldest.address / 8] = oldest.value;
  }

  #drain(cpu: Cpu): void {
    while (cpu.buffer.length > 0) this.#drainOne(cpu);
  }

  #read(address: number): bigint {
    return present(this.#memory[address / 8], `memory at ${address}`);
  }
}

function modified(action: Action & { kind: 'locked' }, before: bigint): bigint {
  switch (action.operation) {
    case 'add':
      return BigInt.asUintN(64, before + action.operand);
    case 'or':
      return before | action.operand;
    case 'and':
      return before & action.operand;
    case 'exchange':
      return action.operand;
    case 'compare-exchange':
      return before === action.expected ? action.operand : before;
    default:
      return unreachable(action.operation);
  }
}

/** The frame of the n-th address space's top structure, clear of the kernel's own; the next one is the user's. */
export function pgdFrame(n: number): ReturnType<typeof frameNumber> {
  return frameNumber(FRAMES - 2 - 2 * n);
}
