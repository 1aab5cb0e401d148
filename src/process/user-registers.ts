/** The registers of a user thread as the kernel saves them: what `RegisterFile` of the CPU has, seen from here. */

export interface UserRegisters {
  /** RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8-R15. */
  readonly general: BigUint64Array;
  rip: bigint;
  rflags: number;
  mxcsr: number;
  /** By segment number: FS is 4, GS is 5. */
  readonly segmentBase: BigUint64Array;
  /** x87 control, status and tag word, last opcode. */
  readonly x87Words: Uint16Array;
  readonly x87Pointers: BigUint64Array;
  /** Physical x87 registers, two halves each. */
  readonly x87: BigUint64Array;
  /** Four parts a register; XMM is the lower two. */
  readonly vector: BigUint64Array;
  /** As a new program finds them: all zero but what is always set. */
  reset(): void;
}

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;

export const FS = 4;
export const GS = 5;

export function general(registers: UserRegisters, number: number): bigint {
  return registers.general[number] as bigint;
}

export function copyRegisters(from: UserRegisters, to: UserRegisters): void {
  to.general.set(from.general);
  to.rip = from.rip;
  to.rflags = from.rflags;
  to.mxcsr = from.mxcsr;
  to.segmentBase.set(from.segmentBase);
  to.x87Words.set(from.x87Words);
  to.x87Pointers.set(from.x87Pointers);
  to.x87.set(from.x87);
  to.vector.set(from.vector);
}
