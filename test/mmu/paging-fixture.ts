/** A small machine for tests of paging: memory, processors' MMUs, page tables to build, and a record of what happened. */
import type { FrameNumber, LinearAddress, PagingLevel, PhysicalAddress } from '../../src/arch/address.ts';
import { addressInFrame, frameNumber, linearAddress, pageOf, tableIndex } from '../../src/arch/address.ts';
import { Cr0, Cr4, Efer } from '../../src/arch/control-registers.ts';
import type { Access } from '../../src/arch/page-fault.ts';
import { Vector } from '../../src/arch/page-fault.ts';
import { entryFrame, makeEntry, PagingEntry } from '../../src/arch/paging-entry.ts';
import type { CachedTranslation, PagingStructureCacheEntry, TlbEntry } from '../../src/event/cached-translation.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { EventStream } from '../../src/event/stream.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { Mmu } from '../../src/mmu/mmu.ts';
import { FULL_PART } from '../../src/mmu/part.ts';
import type { ProcessorPart } from '../../src/mmu/part.ts';
import type { TlbPolicy } from '../../src/mmu/policy/policy.ts';
import { worstPolicy } from '../../src/mmu/policy/worst.ts';
import { Serials } from '../../src/mmu/serials.ts';

export const { P, RW, US, A, D, PS, G, XD } = PagingEntry;
export const USER_RW = P | RW | US;

export const READ: Access = { kind: 'read', user: true };
export const WRITE: Access = { kind: 'write', user: true };
export const FETCH: Access = { kind: 'fetch', user: true };
export const KERNEL_READ: Access = { kind: 'read', user: false };
export const KERNEL_WRITE: Access = { kind: 'write', user: false };

export const LONG_MODE = { cr0: Cr0.PE | Cr0.PG | Cr0.WP, cr4: Cr4.PAE, efer: Efer.LME | Efer.NXE };

export interface FixtureOptions {
  readonly processors?: number;
  readonly frames?: number;
  readonly part?: Partial<ProcessorPart>;
  readonly policy?: () => TlbPolicy;
  readonly filter?: boolean;
  /** Bits of CR4 besides PAE. */
  readonly cr4?: bigint;
  /** Whether events are recorded. */
  readonly observed?: boolean;
}

export class PagingFixture {
  readonly stream = new EventStream();
  readonly memory: PhysicalMemory;
  readonly mmus: readonly Mmu[];
  readonly root: FrameNumber;
  readonly events: MachineEvent[] = [];
  #nextFrame = 1;

  constructor(options: FixtureOptions = {}) {
    const { processors = 1, frames = 4096, part = {}, policy = worstPolicy, cr4 = 0n, observed = true } = options;
    this.memory = new PhysicalMemory(frames, this.stream);
    if (observed) this.stream.observe((event) => this.events.push(event));
    this.root = this.frame();
    const serials = new Serials();
    const { memory, stream } = this;
    const filter = options.filter ?? true;
    this.mmus = Array.from({ length: processors }, (_, processor) => {
      const whole: ProcessorPart = { ...FULL_PART, ...part };
      const mmu = new Mmu({ processor, memory, part: whole, policy: policy(), stream, serials, filter });
      mmu.writeEfer(LONG_MODE.efer);
      mmu.writeCr4(LONG_MODE.cr4 | (cr4 & ~Cr4.PCIDE));
      mmu.writeCr3(BigInt(addressInFrame(this.root, 0)));
      mmu.writeCr0(LONG_MODE.cr0);
      if ((cr4 & Cr4.PCIDE) !== 0n) mmu.writeCr4(LONG_MODE.cr4 | cr4);
      return mmu;
    });
    this.events.length = 0;
  }

  /** The first processor's. */
  get mmu(): Mmu {
    return this.mmus[0] as Mmu;
  }

  /** A frame that nothing uses yet. */
  frame(): FrameNumber {
    this.#nextFrame += 1;
    return frameNumber(this.#nextFrame - 1);
  }

  /** CR3 for a root and a PCID. */
  cr3(root: FrameNumber, pcid = 0): bigint {
    return BigInt(addressInFrame(root, 0)) | BigInt(pcid);
  }

  /** Where the entry for an address at this level is; makes the structures above it, with all rights, as needed. */
  entryAddress(address: LinearAddress | bigint, level: PagingLevel = 1, root = this.root): PhysicalAddress {
    const page = pageOf(linearAddress(address));
    let table = root;
    for (let above: PagingLevel = this.mmu.control.levels; above > level; above = (above - 1) as PagingLevel) {
      const place = addressInFrame(table, tableIndex(page, above) * 8);
      if ((this.memory.read64(place) & P) === 0n) this.memory.write64(place, makeEntry(this.frame(), USER_RW));
      table = entryFrame(this.memory.read64(place));
    }
    return addressInFrame(table, tableIndex(page, level) * 8);
  }

  /** Maps a page of the size that `level` has. */
  map(
    address: LinearAddress | bigint,
    frame: FrameNumber | number,
    { flags = USER_RW, level = 1, root = this.root }: { flags?: bigint; level?: PagingLevel; root?: FrameNumber } = {},
  ): PhysicalAddress {
    const place = this.entryAddress(address, level, root);
    this.memory.write64(place, makeEntry(frameNumber(frame), flags | (level > 1 ? PS : 0n)));
    return place;
  }

  entry(address: LinearAddress | bigint, level: PagingLevel = 1, root = this.root): bigint {
    return this.memory.read64(this.entryAddress(address, level, root));
  }

  /** The frame that an access reaches, or the error code of its page fault, as 'PF 5', or 'GP'. */
  outcome(address: LinearAddress | bigint, access: Access = READ, mmu = this.mmu): number | string {
    const result = mmu.translate(linearAddress(address), access);
    if (result.kind === 'translated') return Math.floor(result.physical / 4096);
    const { exception } = result;
    return exception.vector === Vector.PF ? `PF ${exception.errorCode}` : 'GP';
  }

  tlb(mmu = this.mmu): TlbEntry[] {
    return [...mmu.cached()].filter((cached): cached is TlbEntry => cached.kind === 'tlb');
  }

  structures(mmu = this.mmu): PagingStructureCacheEntry[] {
    return [...mmu.cached()].filter((cached): cached is PagingStructureCacheEntry => cached.kind !== 'tlb');
  }

  /** Everything cached, as short names in order: '4K 0x1000', '2M 0x200000 G', 'pde 0x0'; with PCIDs unless 0. */
  holds(mmu = this.mmu): string[] {
    return [...mmu.cached()].map(nameOf).sort();
  }

  take<K extends MachineEvent['kind']>(kind: K): Extract<MachineEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<MachineEvent, { kind: K }> => event.kind === kind);
  }
}

const SIZE_NAME = new Map([
  [1, '4K'],
  [512, '2M'],
  [262_144, '1G'],
]);

export function nameOf(cached: CachedTranslation): string {
  const pcid = cached.pcid === 0 ? '' : ` pcid ${cached.pcid}`;
  if (cached.kind !== 'tlb') return `${cached.kind} 0x${(BigInt(cached.page) << 12n).toString(16)}${pcid}`;
  const piece = cached.slotPages === cached.pages ? '' : ` of ${SIZE_NAME.get(cached.pages)}`;
  const global = cached.global ? ' G' : '';
  return `${SIZE_NAME.get(cached.slotPages)}${piece} 0x${(BigInt(cached.slotPage) << 12n).toString(16)}${global}${pcid}`;
}
