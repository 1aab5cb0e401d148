/**
 * An instance: one instruction with everything it can see; an outcome: what became of that. Layouts as harness.c has
 * them, little-endian.
 */

export const dataPage = 0x3000_0000n;
export const codeAddress = 0x5a5a_0800n;
export const pageBytes = 4096;
/** The last bytes of the data page; what lies behind is not mapped. */
export const windowBytes = 256;
export const windowStart = dataPage + BigInt(pageBytes - windowBytes);
export const fpuImageBytes = 416;

export interface Instance {
  readonly registers: BigUint64Array;
  readonly rflags: number;
  readonly code: Uint8Array;
  /** A string instruction with a repeat prefix. */
  readonly repeats: boolean;
  readonly window: Uint8Array;
  /** x87, MMX, MXCSR and XMM registers; see fpu-image.ts. */
  readonly fpu: Uint8Array;
}

export interface Outcome {
  readonly registers: BigUint64Array;
  readonly rflags: number;
  readonly rip: bigint;
  /** undefined: none; the instruction was completed. */
  readonly vector: number | undefined;
  /** 0 where the exception has none. */
  readonly errorCode: number;
  /** Of page faults; else 0. */
  readonly linear: bigint;
  readonly strayed: boolean;
  readonly window: Uint8Array;
  readonly fpu: Uint8Array;
}

/** Of an instance, then of an outcome; both end with window and FPU image. */
export const tailBytes = windowBytes + fpuImageBytes;
export const instanceBytes = 128 + 8 + 16 + 8 + tailBytes;
export const outcomeBytes = 128 + 6 * 8 + tailBytes;

const debugTrap = 1;
const pageFault = 14;

export function encodeInstance(instance: Instance, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, instanceBytes);
  for (const [number, value] of instance.registers.entries()) view.setBigUint64(number * 8, value, true);
  view.setBigUint64(128, BigInt(instance.rflags), true);
  into.fill(0x90, 136, 152);
  into.set(instance.code, 136);
  view.setUint32(152, instance.code.length, true);
  view.setUint32(156, instance.repeats ? 1 : 0, true);
  into.set(instance.window, 160);
  into.set(instance.fpu, 160 + windowBytes);
}

export function decodeInstance(from: Uint8Array): Instance {
  const view = new DataView(from.buffer, from.byteOffset, instanceBytes);
  return {
    registers: readRegisters(view),
    rflags: Number(view.getBigUint64(128, true)),
    code: from.slice(136, 136 + view.getUint32(152, true)),
    repeats: view.getUint32(156, true) !== 0,
    window: from.slice(160, 160 + windowBytes),
    fpu: from.slice(160 + windowBytes, instanceBytes),
  };
}

function readRegisters(view: DataView): BigUint64Array {
  return BigUint64Array.from({ length: 16 }, (_, number) => view.getBigUint64(number * 8, true));
}

export function encodeOutcome(outcome: Outcome, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, outcomeBytes);
  for (const [number, value] of outcome.registers.entries()) view.setBigUint64(number * 8, value, true);
  const { rflags, rip, vector = debugTrap, errorCode, linear, strayed } = outcome;
  const words = [BigInt(rflags), rip, BigInt(vector), BigInt(errorCode), linear, strayed ? 1n : 0n];
  for (const [at, word] of words.entries()) view.setBigUint64(128 + at * 8, word, true);
  into.set(outcome.window, outcomeBytes - tailBytes);
  into.set(outcome.fpu, outcomeBytes - fpuImageBytes);
}

export function decodeOutcome(from: Uint8Array): Outcome {
  const view = new DataView(from.buffer, from.byteOffset, outcomeBytes);
  const word = (at: number): bigint => view.getBigUint64(128 + at * 8, true);
  const vector = Number(word(2));
  const hasErrorCode = vector === 12 || vector === 13 || vector === pageFault;
  return {
    registers: readRegisters(view),
    rflags: Number(word(0)),
    rip: word(1),
    vector: vector === debugTrap ? undefined : vector,
    errorCode: hasErrorCode ? Number(word(3)) : 0,
    linear: vector === pageFault ? word(4) : 0n,
    strayed: word(5) !== 0n,
    window: from.slice(outcomeBytes - tailBytes, outcomeBytes - fpuImageBytes),
    fpu: from.slice(outcomeBytes - fpuImageBytes, outcomeBytes),
  };
}
