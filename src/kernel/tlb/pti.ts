/**
 * Page-table isolation, which the eras from E4 share: user code runs on page tables that hold next to nothing of the kernel
 * (Meltdown). Of an address space's two top tables the user's is the frame behind the kernel's, and of the two PCIDs of an
 * asid the user's is the kernel's with bit 11 set: CR3 of the one is CR3 of the other with two bits changed.
 *
 * A flush runs in the kernel, under the kernel's PCID. What the user's PCID holds goes with it where INVPCID can name it;
 * otherwise a bit in user_pcid_flush_mask makes the next return to user mode flush. Kernel mappings are no longer global,
 * so those of one address may sit under the PCID of any slot: invalidate_other makes the next switch empty the others.
 *
 * Without isolation each of these does what the era did before. The mask and the flag are this processor's own.
 *
 * Left out: the trampoline's own mappings in the user's tables, and NMIs, which save and restore CR3 their own way.
 */
import { linearAddress, PAGE_SHIFT } from '../../arch/address.ts';
import { Cr3, InvpcidType } from '../../arch/control-registers.ts';
import { present } from '../bug.ts';
import { type Cell, READ_ONCE, WRITE_ONCE } from '../cell.ts';
import type { Core } from '../core.ts';
import type { Kernel } from '../hardware.ts';
import { __flush_tlb, __flush_tlb_range } from './tlbflush.ts';
import { type TraceTlb, wholeMm } from './trace_tlb.ts';

const X86_CR3_PTI_PCID_USER_BIT = 1n << 11n;
/** CR3 names frames: the user's top table is the second of the pair. */
const PTI_USER_PGTABLE_BIT = 1n << 12n;
/** The kernel's PCID: asid + 1. */
const KERN_PCID_MASK = X86_CR3_PTI_PCID_USER_BIT - 1n;

interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

export class PageTableIsolation {
  /** X86_FEATURE_PTI. */
  readonly enabled: boolean;
  readonly #trace: TraceTlb;
  readonly #pcid: boolean;
  readonly #invpcid: boolean;
  /** By processor: bit kern_pcid(asid) is set while the user's PCID of the asid must not be loaded without flushing it. */
  readonly #user_pcid_flush_mask: readonly Cell<bigint>[];
  readonly #invalidate_other: readonly Cell<number>[];

  /** `pcid`: whether the era uses PCIDs here. */
  constructor(core: Core, trace: TraceTlb, pcid: boolean) {
    const { processors, features } = core.hardware;
    this.enabled = features.meltdown === true;
    this.#trace = trace;
    this.#pcid = pcid;
    this.#invpcid = features.invpcid && pcid;
    const cpus = this.enabled ? processors : 0;
    this.#user_pcid_flush_mask = Array.from({ length: cpus }, () => core.bitsCell(0n));
    this.#invalidate_other = Array.from({ length: cpus }, () => core.cell(0));
  }

  /** Whatever the user's PCID of the asid holds must be gone before it is used again. */
  *invalidate_user_asid(cpu: number, asid: number): Kernel<void> {
    // Without PCIDs there is but one, and every return to user mode flushes it.
    if (!this.enabled || !this.#pcid) return;
    const mask = present(this.#user_pcid_flush_mask[cpu], 'user_pcid_flush_mask');
    yield* WRITE_ONCE(mask, (yield* READ_ONCE(mask)) | (1n << BigInt(asid + 1)));
  }

  /** Everything of the loaded asid but globals. */
  *flush_tlb(cpu: number, asid: number): Kernel<void> {
    yield* this.invalidate_user_asid(cpu, asid);
    yield* __flush_tlb();
  }

  /** User pages of the loaded asid, one by one. */
  *flush_user_range(cpu: number, asid: number, { start, end }: Range, stride_shift = PAGE_SHIFT): Kernel<void> {
    if (!this.enabled) {
      yield* __flush_tlb_range(start, end, stride_shift);
      return;
    }
    for (let address = start; address < end; address += 1n << BigInt(stride_shift)) {
      yield* this.flush_tlb_one_user(cpu, asid, address);
    }
  }

  /** Kernel pages, one by one; of other asids only when they are next loaded. */
  *flush_kernel_range(cpu: number, loaded_mm_asid: Cell<number>, { start, end }: Range): Kernel<void> {
    if (!this.enabled) {
      yield* __flush_tlb_range(start, end);
      return;
    }
    for (let address = start; address < end; address += 1n << BigInt(PAGE_SHIFT)) {
      yield* this.flush_tlb_one_user(cpu, yield* READ_ONCE(loaded_mm_asid), address);
      yield* WRITE_ONCE(this.#other(cpu), 1);
    }
  }

  /** Whether the slots that are not loaded hold kernel translations that are stale. */
  *invalidate_other(cpu: number): Kernel<boolean> {
    return this.enabled && (yield* READ_ONCE(this.#other(cpu))) !== 0;
  }

  /** They have been emptied. */
  *others_are_invalid(cpu: number): Kernel<void> {
    yield* WRITE_ONCE(this.#other(cpu), 0);
  }

  /** SWITCH_TO_USER_CR3, on the way to user mode. Interrupts are off until the IRET: a flush in between would be lost. */
  *switch_to_user_cr3(cpu: number): Kernel<void> {
    const cr3 = yield { kind: 'mov-from-cr3' };
    if (!this.#pcid) {
      this.#flushes(cpu, 'no PCIDs: every return to user mode flushes');
      yield { kind: 'mov-to-cr3', value: cr3 | PTI_USER_PGTABLE_BIT };
      return;
    }
    const user_cr3 = cr3 | PTI_USER_PGTABLE_BIT | X86_CR3_PTI_PCID_USER_BIT;
    const bit = 1n << (cr3 & KERN_PCID_MASK);
    const cell = present(this.#user_pcid_flush_mask[cpu], 'user_pcid_flush_mask');
    const mask = yield* READ_ONCE(cell);
    if ((mask & bit) === 0n) {
      yield { kind: 'mov-to-cr3', value: user_cr3 | Cr3.NO_FLUSH };
      return;
    }
    yield* WRITE_ONCE(cell, mask & ~bit);
    this.#flushes(cpu, 'return to user mode: owed by an earlier flush');
    yield { kind: 'mov-to-cr3', value: user_cr3 };
  }

  /** SWITCH_TO_KERNEL_CR3, first thing after an entry from user mode. Interrupts are off. */
  *switch_to_kernel_cr3(cpu: number): Kernel<void> {
    const cr3 = yield { kind: 'mov-from-cr3' };
    const kernel_cr3 = cr3 & ~(PTI_USER_PGTABLE_BIT | X86_CR3_PTI_PCID_USER_BIT);
    if (!this.#pcid) this.#flushes(cpu, 'no PCIDs: every entry into the kernel flushes');
    yield { kind: 'mov-to-cr3', value: this.#pcid ? kernel_cr3 | Cr3.NO_FLUSH : kernel_cr3 };
  }

  /** INVLPG reaches the kernel's PCID; the user's is named by INVPCID, which faults before CR4.PCIDE is set, or put off. */
  protected *flush_tlb_one_user(cpu: number, asid: number, address: bigint): Kernel<void> {
    yield { kind: 'invlpg', address: linearAddress(address) };
    if (!this.#invpcid) {
      yield* this.invalidate_user_asid(cpu, asid);
      return;
    }
    const pcid = (asid + 1) | Number(X86_CR3_PTI_PCID_USER_BIT);
    yield { kind: 'invpcid', type: InvpcidType.individualAddress, pcid, address: linearAddress(address) };
  }

  #other(cpu: number): Cell<number> {
    return present(this.#invalidate_other[cpu], 'invalidate_other');
  }

  #flushes(cpu: number, why: string): void {
    this.#trace.decision(cpu, null, wholeMm(this.#trace.loaded(cpu)), 'full', why);
  }
}
