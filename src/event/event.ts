/**
 * Everything that can be observed in a run, as one union. Events carry no time: the stream that they go through does
 * (`event/stream.ts`). Hits in a TLB are counted by the MMU and are no events, except on translations that an observer
 * watches.
 */
import type { FrameNumber, LinearAddress, PagingLevel, PhysicalAddress } from '../arch/address.ts';
import type { Access, Exception } from '../arch/page-fault.ts';
import type { CachedTranslation, PagingStructureCacheEntry } from './cached-translation.ts';

/** Why a cached translation left. `replacement` is capacity; `conflict` a newer entry for the same slot. */
export type RemovalCause =
  | 'INVLPG'
  | 'INVPCID'
  | 'INVLPGB'
  | 'MOV to CR3'
  | 'MOV to CR0'
  | 'MOV to CR4'
  | 'WRMSR EFER'
  | 'VM entry'
  | '#PF'
  | 'INIT'
  | 'eviction'
  | 'replacement'
  | 'conflict';

export type HardwareEvent =
  /** A store by software entered the processor's store buffer; `store` names it until `paging-write` or for ever. */
  | {
      readonly kind: 'store-buffered';
      readonly processor: number;
      readonly address: PhysicalAddress;
      readonly value: bigint;
    }
  | {
      readonly kind: 'store-drained';
      readonly processor: number;
      readonly address: PhysicalAddress;
      readonly value: bigint;
    }
  /**
   * An entry in a frame that walks have read as a paging structure changed in memory. `issued` is the time at which the
   * store was executed, before it waited in a store buffer. `walk` marks the processor's own update of A or D.
   */
  | {
      readonly kind: 'paging-write';
      readonly processor: number;
      readonly address: PhysicalAddress;
      readonly before: bigint;
      readonly after: bigint;
      readonly by: 'software' | 'walk';
      readonly issued: number;
    }
  | {
      readonly kind: 'walk-begin';
      readonly processor: number;
      readonly walk: number;
      readonly address: LinearAddress;
      readonly access: Access;
      readonly speculative: boolean;
      readonly root: FrameNumber;
      /** The paging-structure-cache entry that the walk started from, if any. */
      readonly shortcut: PagingStructureCacheEntry | null;
    }
  | {
      readonly kind: 'walk-read';
      readonly processor: number;
      readonly walk: number;
      readonly level: PagingLevel;
      readonly address: PhysicalAddress;
      readonly entry: bigint;
      readonly speculative: boolean;
      readonly shortcut: PagingStructureCacheEntry | null;
    }
  | {
      readonly kind: 'walk-end';
      readonly processor: number;
      readonly walk: number;
      readonly outcome: 'translated' | 'fault' | 'abandoned';
    }
  | { readonly kind: 'fill'; readonly processor: number; readonly cached: CachedTranslation }
  | {
      readonly kind: 'removal';
      readonly processor: number;
      readonly cached: CachedTranslation;
      readonly cause: RemovalCause;
    }
  /** A data access or instruction fetch went through a watched TLB entry. */
  | {
      readonly kind: 'use';
      readonly processor: number;
      readonly cached: CachedTranslation;
      readonly address: LinearAddress;
      readonly access: Access;
    }
  /**
   * One instruction that invalidates, once, after the removals it caused. INVLPGB is told so on every processor that it
   * reaches, and page by page.
   */
  | {
      readonly kind: 'invalidation';
      readonly processor: number;
      readonly by: RemovalCause;
      readonly address: LinearAddress | null;
      readonly pcid: number | null;
      readonly removed: number;
    }
  /** INVLPGB has been sent to every processor. `address` null: every page; `pcid` null: every PCID. */
  | {
      readonly kind: 'invlpgb';
      readonly processor: number;
      readonly broadcast: number;
      readonly address: LinearAddress | null;
      readonly pages: number | null;
      readonly pcid: number | null;
    }
  /** TLBSYNC: every INVLPGB that the processor sent has been carried out everywhere. */
  | { readonly kind: 'tlbsync'; readonly processor: number }
  | {
      readonly kind: 'control-write';
      readonly processor: number;
      readonly register: 'CR0' | 'CR3' | 'CR4' | 'EFER' | 'PKRU' | 'PKRS' | 'CPL';
      readonly before: bigint;
      readonly after: bigint;
      /** MOV to CR3 with bit 63 of the source set. */
      readonly noFlush: boolean;
    }
  | { readonly kind: 'exception'; readonly processor: number; readonly exception: Exception }
  /** The host has taken a virtual processor away, or runs it again. */
  | { readonly kind: 'virtual-processor'; readonly processor: number; readonly running: boolean }
  /** EFLAGS.IF changed. */
  | { readonly kind: 'interrupts'; readonly processor: number; readonly enabled: boolean }
  | {
      readonly kind: 'ipi-send';
      readonly processor: number;
      readonly ipi: number;
      readonly vector: number;
      readonly delivery: 'fixed' | 'NMI' | 'INIT' | 'SIPI';
      readonly target: number;
    }
  /** An IPI reached the target's local APIC; coalesced when the vector was already pending in IRR. */
  | {
      readonly kind: 'ipi-accept';
      readonly processor: number;
      readonly ipi: number;
      readonly vector: number;
      readonly coalesced: boolean;
    }
  | { readonly kind: 'interrupt-begin'; readonly processor: number; readonly vector: number }
  | { readonly kind: 'interrupt-end'; readonly processor: number; readonly vector: number };

/**
 * The range of a flush or of a promise: linear addresses [start, end) of one address space. That of mm 1, init_mm, is the
 * kernel's half, which every address space shares.
 */
export interface AddressRange {
  readonly mm: number;
  readonly start: LinearAddress;
  /** Exclusive; `TLB_FLUSH_ALL` (all ones) with `start` 0 means all. */
  readonly end: LinearAddress;
}

/** What a processor did about one flush, or what the initiator decided for it. */
export type FlushAction = 'full' | 'partial' | 'skip';

/** What the mini-kernel says of itself. Address spaces are named by `mm`, the kernel's ctx_id; 0 is no user space. */
export type KernelEvent =
  | { readonly kind: 'address-space'; readonly mm: number; readonly root: FrameNumber; readonly name: string }
  | { readonly kind: 'address-space-end'; readonly mm: number }
  | {
      readonly kind: 'frame-allocate';
      readonly frame: FrameNumber;
      readonly epoch: number;
      readonly use: FrameUse;
      readonly mm: number;
    }
  | {
      readonly kind: 'frame-free';
      readonly frame: FrameNumber;
      readonly epoch: number;
      readonly use: FrameUse;
      readonly processor: number;
    }
  /** A kernel operation: a system call, a fault, reclaim, migration, fork ... Operations nest on one processor. */
  | {
      readonly kind: 'operation-begin';
      readonly processor: number;
      readonly operation: number;
      readonly name: string;
      readonly mm: number;
    }
  | { readonly kind: 'operation-end'; readonly processor: number; readonly operation: number }
  /**
   * The kernel begins a flush. It promises that, when it returns, no processor will use a translation of `ranges` older
   * than the flush's beginning - or, for a range with `batch`, older than the last `batch-add` of that mm by this
   * processor.
   */
  | {
      readonly kind: 'flush-begin';
      readonly processor: number;
      readonly flush: number;
      readonly reason: string;
      readonly ranges: readonly AddressRange[];
      readonly batch: boolean;
      readonly freedTables: boolean;
    }
  | { readonly kind: 'flush-return'; readonly processor: number; readonly flush: number }
  | { readonly kind: 'batch-add'; readonly processor: number; readonly mm: number }
  /**
   * One decision for one target, emitted before it is carried out: by the target itself when it handles the flush, by the
   * initiator when it leaves the target out. `flush` is null where a context switch decides (ERAS: the generation check).
   */
  | {
      readonly kind: 'flush-decision';
      readonly processor: number;
      readonly flush: number | null;
      readonly range: AddressRange;
      readonly action: FlushAction;
      readonly why: string;
    }
  /**
   * From now on no change to `range` may be missed by anyone: the contract of an operation's return. With `operation`,
   * the changes meant are those that this processor made since that operation began, and those that anyone made before
   * it began; without, all made before this moment. (Others may change the range meanwhile, and owe that flush themselves.)
   */
  | {
      readonly kind: 'promise';
      readonly processor: number;
      readonly range: AddressRange;
      readonly why: string;
      readonly operation?: number;
    }
  /** mm's tlb_gen has been advanced to `generation`. */
  | { readonly kind: 'generation'; readonly processor: number; readonly mm: number; readonly generation: number }
  /** A processor recorded that the translations tagged `pcid` are those of `mm` as of `generation`; mm 0: the slot is empty. */
  | {
      readonly kind: 'slot';
      readonly processor: number;
      readonly slot: number;
      readonly pcid: number;
      readonly mm: number;
      readonly generation: number;
    }
  | {
      readonly kind: 'switch';
      readonly processor: number;
      readonly from: number;
      readonly to: number;
      readonly flushed: boolean;
    }
  | { readonly kind: 'lazy'; readonly processor: number; readonly lazy: boolean }
  | { readonly kind: 'task'; readonly processor: number; readonly task: string }
  /** One of ERAS.md's assertions W1-W18 does not hold. */
  | { readonly kind: 'assertion'; readonly processor: number; readonly id: string; readonly detail: string };

/** What a frame is used for. */
export type FrameUse = 'user' | 'page-table' | 'kernel';

export type MachineEvent = HardwareEvent | KernelEvent;
