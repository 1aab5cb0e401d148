/**
 * What engines ask of the world around them. Memory by linear address: flat memory in tests, the MMU in the machine.
 * Accesses of up to 8 bytes may cross pages; an access either happens whole or faults and has no effect.
 */
import type { Exception } from './exception.ts';
import type { SystemState } from './system/system-state.ts';

export interface MemoryPort {
  /** The value, little-endian, or the fault. `forWrite`: with the rights of the store that follows. */
  read(linear: bigint, bytes: number, forWrite: boolean): bigint | Exception;
  write(linear: bigint, bytes: number, value: bigint): Exception | undefined;
  /**
   * Instruction bytes from `linear`: how many of `into` were read, up to a page boundary or more. The fault, if there
   * is not even one.
   */
  fetch(linear: bigint, into: Uint8Array): number | Exception;
}

/** What helpers ask of the rest of the processor; 64-bit values unless said otherwise. */
export interface ProcessorPort {
  /** EAX, EBX, ECX, EDX. */
  cpuid(leaf: number, subleaf: number): readonly [number, number, number, number];
  timestamp(): bigint;
  processorId(): number;
  random(): bigint;
  extendedControl(register: number): bigint | Exception;
  /** The processor's system state. Without one code runs at privilege level 3, its system calls being all there is of a kernel. */
  readonly system?: SystemState;
}
