/**
 * The mini-kernel's port to the machine. Kernel code is generators: **one yield is one hardware-visible action**, so that
 * any other processor's step can come between any two of them. Whoever drives a generator executes the action on the
 * processor that the code runs on and sends the result back.
 *
 * The driver resumes a generator as soon as an action has been executed, up to its next yield: what code does between
 * two yields belongs to the first of them.
 */
import type { FrameNumber, LinearAddress, PhysicalAddress } from '../arch/address.ts';
import type { InvpcidType } from '../arch/control-registers.ts';
import type { InvlpgbOperand } from '../arch/invlpgb.ts';
import type { Access } from '../arch/page-fault.ts';
import type { KernelEvent } from '../event/event.ts';

/** A locked read-modify-write on eight bytes. The result of the action is the value before it. */
export type LockedOperation = 'add' | 'or' | 'and' | 'exchange' | 'compare-exchange';

export type Action =
  /** Eight bytes, aligned. Result: the value, store buffer of this processor first. */
  | { readonly kind: 'load'; readonly address: PhysicalAddress }
  | { readonly kind: 'store'; readonly address: PhysicalAddress; readonly value: bigint }
  /** Drains this processor's store buffer first. `expected` belongs to compare-exchange. */
  | {
      readonly kind: 'locked';
      readonly address: PhysicalAddress;
      readonly operation: LockedOperation;
      readonly operand: bigint;
      readonly expected?: bigint;
    }
  /** MFENCE: drains the store buffer; orders no page walk. */
  | { readonly kind: 'fence' }
  /** Spins, reading, until the value satisfies `until`. Result: that value. Not runnable before. */
  | { readonly kind: 'wait'; readonly address: PhysicalAddress; readonly until: (value: bigint) => boolean }
  /** A spinlock: not runnable until the cell is 0, then a locked exchange with 1. Release with a store of 0. */
  | { readonly kind: 'acquire'; readonly address: PhysicalAddress }
  /** Serializing. Bit 63 is NO_FLUSH. */
  | { readonly kind: 'mov-to-cr3'; readonly value: bigint }
  | { readonly kind: 'mov-from-cr3' }
  | { readonly kind: 'mov-to-cr4'; readonly value: bigint }
  | { readonly kind: 'mov-from-cr4' }
  | { readonly kind: 'invlpg'; readonly address: LinearAddress }
  | { readonly kind: 'invpcid'; readonly type: InvpcidType; readonly pcid: number; readonly address: LinearAddress }
  /** AMD's broadcast: sent, not awaited; orders no store. */
  | { readonly kind: 'invlpgb'; readonly operand: InvlpgbOperand }
  /** Not runnable before all processors have carried out every INVLPGB that this one has sent. */
  | { readonly kind: 'tlbsync' }
  /** STI or CLI. Result: 1n if interrupts were enabled before. */
  | { readonly kind: 'interrupts'; readonly enabled: boolean }
  /** A fixed IPI to each target, through the local APIC. Serializing enough: earlier stores are visible before it. */
  | { readonly kind: 'send-ipi'; readonly vector: number; readonly targets: readonly number[] }
  | { readonly kind: 'end-of-interrupt' }
  /**
   * A data access or fetch by linear address, through the MMU: by user code, or by the kernel at user memory. A page
   * fault runs the kernel's handler and then the access again. Result: the eight bytes read or written.
   * Rejected by throwing `Segfault` into the generator when the handler cannot resolve the fault.
   */
  | { readonly kind: 'access'; readonly address: LinearAddress; readonly access: Access; readonly value?: bigint }
  /**
   * copy_from_user and copy_to_user, within one page, as a supervisor with EFLAGS.AC set: from user memory into `bytes`,
   * or with `write` the other way. Faults as `access` does, and has then copied nothing.
   */
  | {
      readonly kind: 'user-copy';
      readonly address: LinearAddress;
      readonly bytes: Uint8Array;
      readonly write: boolean;
    }
  /** A locked operation of the kernel on an aligned four-byte word of user memory; null leaves it. Result: the word before. */
  | {
      readonly kind: 'user-locked';
      readonly address: LinearAddress;
      readonly modify: (before: number) => number | null;
    }
  /** A device fills a frame that is private to the caller: from `content`, and zeros behind it. */
  | { readonly kind: 'fill-frame'; readonly frame: FrameNumber; readonly content: Uint8Array }
  /** Whole frames; the frame is private to the caller, so this is not a shared access that others can observe half done. */
  | { readonly kind: 'zero-frame'; readonly frame: FrameNumber }
  | { readonly kind: 'copy-frame'; readonly from: FrameNumber; readonly to: FrameNumber };

/** Kernel code that finishes with a T. */
export type Kernel<T> = Generator<Action, T, bigint>;

/** The kernel's handler found no mapping that allows the access: SIGSEGV. */
export class Segfault extends Error {
  override readonly name = 'Segfault';
  readonly address: LinearAddress;
  readonly access: Access;

  constructor(address: LinearAddress, access: Access) {
    super(`no mapping allows a ${access.kind} at 0x${address.toString(16)}`);
    this.address = address;
    this.access = access;
  }
}

/** What the kernel may ask of the machine outside of time: facts, and memory before boot. */
export interface Hardware {
  readonly processors: number;
  readonly features: HardwareFeatures;
  /** Frames [0, frames) exist. */
  readonly frames: number;
  /** Initialises memory before anything runs. */
  poke(address: PhysicalAddress, value: bigint): void;
  /** Reads memory without a step, for diagnostics and assertions only. */
  peek(address: PhysicalAddress): bigint;
  /** Under a host that says so: the guest wants to be told there what becomes of a virtual processor (KVM). */
  readonly stealTime?: (processor: number, preempted: PhysicalAddress) => void;
  tell(event: KernelEvent): void;
  /** Whether anyone listens to `tell`. */
  readonly listening: boolean;
  /** The processor whose step is under way; 0 outside of steps. For lists that each processor has of its own. */
  readonly running?: () => number;
  /** Told of shared data outside of simulated memory that the step under way reads or changes. */
  readonly touch?: Touch;
}

/**
 * What processors share outside of simulated memory, though no lock in memory orders its uses: Linux has atomics and
 * short spinlocks there. What a lock in memory protects is not named, for the lock's own cell orders it.
 */
export type SharedData =
  /** The list of free pages of one processor. */
  | 'free list'
  /** What the lists of free pages are filled from. */
  | 'zone'
  /** struct page, by frame. */
  | 'page'
  /** Whether an address space exists, by ctx_id. */
  | 'mm'
  /** Its counters and its break. */
  | 'mm counts'
  /** The next number of an address space, and the next free cell. */
  | 'kernel data'
  | 'page locks'
  | 'swap'
  | 'migrations'
  | 'objects'
  | 'vmalloc'
  /** Whether a processor is online. */
  | 'online'
  | 'dropped flushes';

export type Touch = (data: SharedData, index: number, access: 'read' | 'write') => void;

/** What the kernel would find in CPUID, and the levels of paging it was built for. */
export interface HardwareFeatures {
  readonly pcid: boolean;
  readonly invpcid: boolean;
  readonly globalPages: boolean;
  readonly nx: boolean;
  readonly levels: 4 | 5;
  /** With PCIDs enabled, INVLPG may leave global translations: an erratum of some parts. Absent: it does not. */
  readonly invlpgKeepsGlobals?: boolean;
  /** How many pages an INVLPGB may name. Absent: there is no INVLPGB. */
  readonly invlpgbCountMax?: number;
  /** User code could read what the kernel maps (Meltdown). Absent: it cannot. */
  readonly meltdown?: boolean;
}
