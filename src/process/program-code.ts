/**
 * The kernel side of a program's thread as a generator: it yields the kernel's actions, one hardware-visible action each,
 * and beside them what only a thread can ask of whoever drives it.
 */
import type { Action } from '../kernel/hardware.ts';

export type ThreadAction =
  | Action
  /** Leaves the processor until `ready`; at `deadline`, if there is one, it is ready too. In nanoseconds of virtual time. */
  | { readonly kind: 'block'; readonly ready: () => boolean; readonly deadline: number | null }
  /** Runs user code until something happens; the driver then puts it into `Thread.stop`. */
  | { readonly kind: 'user-code' }
  /** Gives the processor to another thread that is ready, if there is one. */
  | { readonly kind: 'give-way' };

/** Code that finishes with a T. */
export type ThreadCode<T> = Generator<ThreadAction, T, bigint>;

/** Why user code stopped. */
export type UserStop =
  /** SYSCALL: the registers are those behind it. */
  | { readonly kind: 'system-call' }
  | {
      readonly kind: 'exception';
      readonly vector: number;
      readonly errorCode: number;
      /** What CR2 holds; 0 where the exception has no address. */
      readonly address: bigint;
    }
  /** A signal, or the end, is waiting for the thread. */
  | { readonly kind: 'interrupted' };
