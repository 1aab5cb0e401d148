/**
 * A random instance of a form: a random encoding, registers and memory such that most memory operands lie in the
 * window, some of them across its end, and that implicit operands (stack, strings, counts, dividends) are sensible
 * often enough.
 */
import type { Random } from '../../src/base/random.ts';
import { InvariantError } from '../../src/base/errors.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Form } from '../../src/cpu/decode/form.ts';
import { Instruction, instructionPointer, noRegister, OperandKind, Repeat } from '../../src/cpu/instruction.ts';
import { Register } from '../../src/cpu/registers.ts';
import { encodeForm } from './encode-form.ts';
import { type Group, groupOf } from './compared-forms.ts';
import { FpuImage, initialFpuImage } from './fpu-image.ts';
import { randomFpuImage } from './random-fpu-image.ts';
import { randomExtendedBits, randomizeX87 } from './random-x87-state.ts';
import { codeAddress, type Instance, windowBytes, windowStart } from './instance.ts';
import { randomValue, randomVectorHalf } from './values.ts';

const attempts = 1000;
/** The window repeats itself, so that recorded instances compress, but at no distance that an operand has. */
const patternBytes = 37;
const decoder = new Decoder();

/** An address of an operand: mostly inside, sometimes over the end, often aligned. */
function windowAddress(random: Random, bytes = 16): bigint {
  const at = random.chance(0.06) ? windowBytes - random.below(24) : random.below(windowBytes - bytes);
  return windowStart + BigInt(random.chance(0.5) ? at & ~15 : at);
}

/** Negative or beyond the window if the address is not in it. */
function offsetInWindow(address: bigint): number {
  return Number(BigInt.asIntN(40, address - windowStart));
}

function int32(bytes: Uint8Array, at: number, value: bigint): void {
  new DataView(bytes.buffer).setInt32(at, Number(BigInt.asIntN(32, value)), true);
}

function bytePattern(random: Random): Uint8Array {
  return Uint8Array.from({ length: patternBytes }, () => random.below(256));
}

/** Three vectors. */
function vectorPattern(random: Random): Uint8Array {
  return new Uint8Array(BigUint64Array.from({ length: 6 }, () => randomVectorHalf(random)).buffer);
}

/** Numbers of any format may start at any offset that is a multiple of 16; others see parts of them. */
function x87Pattern(random: Random): Uint8Array {
  const numbers = Array.from({ length: 8 }, () =>
    random.chance(0.3) ? randomExtendedBits(random) : randomVectorHalf(random) | (BigInt(random.below(0x10000)) << 64n),
  );
  return new Uint8Array(BigUint64Array.from(numbers.flatMap((bits) => [BigInt.asUintN(64, bits), bits >> 64n])).buffer);
}

function patternOf(group: Group, random: Random): Uint8Array {
  switch (group) {
    case 'integer':
      return bytePattern(random);
    case 'vector':
      return vectorPattern(random);
    case 'x87':
      return x87Pattern(random);
  }
}

class InstanceMaker {
  readonly #random: Random;
  readonly #i: Instruction;
  readonly #code: Uint8Array;
  readonly #registers: BigUint64Array;
  readonly #window: Uint8Array;
  readonly #fpu: Uint8Array;

  constructor(random: Random, i: Instruction, code: Uint8Array) {
    this.#random = random;
    this.#i = i;
    this.#code = code;
    this.#registers = BigUint64Array.from({ length: 16 }, () => randomValue(random));
    const group = groupOf(i.form);
    this.#fpu = group === 'vector' ? randomFpuImage(random) : initialFpuImage();
    if (group === 'x87') randomizeX87(random, this.#fpu);
    const pattern = patternOf(group, random);
    this.#window = Uint8Array.from({ length: windowBytes }, (_, at) => pattern[at % pattern.length] ?? 0);
    if (/^PCMP[EI]STR/.test(i.form.operation) && random.chance(0.8)) this.#texts();
  }

  make(modrm: number): Instance {
    const i = this.#i;
    this.#implicit();
    let address = 0n;
    if (i.operands.some((operand, at) => at < i.operandCount && operand.kind === OperandKind.memory)) {
      address = this.#placeOperand(modrm);
    }
    if (i.form.operation === 'LDMXCSR') this.#likelyMxcsr(address);
    this.#likelyEqual(address);
    return {
      registers: this.#registers,
      rflags: (this.#random.uint32() & 0xcd5) | 0x202,
      code: this.#code.slice(0, i.length),
      repeats: i.repeat !== Repeat.none,
      window: this.#window,
      fpu: this.#fpu,
    };
  }

  #register(number: number): bigint {
    return this.#registers[number] ?? 0n;
  }

  #implicit(): void {
    const random = this.#random;
    const { operation, repeatable } = this.#i.form;
    const registers = this.#registers;
    if (random.chance(0.95)) registers[Register.RSP] = windowAddress(random);
    if (operation === 'LEAVE' || operation === 'ENTER') registers[Register.RBP] = windowAddress(random);
    if (operation === 'ENTER') this.#smallFrame();
    if (operation.startsWith('LOOP') || operation === 'JRCXZ') {
      if (random.chance(0.5)) registers[Register.RCX] = BigInt(random.below(3));
    }
    if (repeatable) {
      for (const register of [Register.RSI, Register.RDI]) registers[register] = windowAddress(random);
      registers[Register.RCX] = BigInt(random.below(random.chance(0.1) ? 300 : 20));
    }
    if (operation.endsWith('DIV') && random.chance(0.7))
      registers[Register.RDX] = BigInt(random.below(16) - 8) & 0xffff_ffff_ffff_ffffn;
    if (operation.startsWith('BT') && random.chance(0.7)) {
      const operand = this.#i.operands[1];
      if (operand.kind === OperandKind.general)
        registers[operand.register] = BigInt.asUintN(64, BigInt(random.below(600) - 300));
    }
    if (operation === 'XLAT') {
      registers[Register.RAX] = (this.#register(Register.RAX) & ~0xffn) | BigInt(random.below(100));
      registers[Register.RBX] = windowStart + BigInt(random.below(170));
    }
  }

  /** Vectors of few different bytes, zeros among them, and lengths about those of vectors. */
  #texts(): void {
    const random = this.#random;
    const letters = random.pick([2, 3, 40]);
    const end = random.chance(0.5) ? 0 : 1;
    for (let at = FpuImage.xmm; at < this.#fpu.length; at++) this.#fpu[at] = end + random.below(letters);
    for (let at = 0; at < windowBytes; at++) this.#window[at] = this.#fpu[FpuImage.xmm + (at % 48)] ?? 0;
    for (const length of [Register.RAX, Register.RDX]) {
      if (random.chance(0.8)) this.#registers[length] = BigInt.asUintN(64, BigInt(random.below(40) - 20));
    }
  }

  /** ENTER with a frame that fits. */
  #smallFrame(): void {
    const immediate = this.#i.length - 3;
    this.#code[immediate] = this.#random.below(100);
    this.#code[immediate + 1] = 0;
    if (this.#random.chance(0.8)) this.#code[immediate + 2] = this.#random.below(6);
  }

  /** Makes the memory operand lie in the window, by its base or displacement. Gives its address. */
  #placeOperand(modrm: number): bigint {
    const i = this.#i;
    const largest = Math.max(16, ...i.operands.slice(0, i.operandCount).map(({ bytes }) => bytes));
    const address = windowAddress(this.#random, largest);
    const displacement = (BigInt(i.displacementHigh) << 32n) | BigInt(i.displacementLow >>> 0);
    const index = i.index >= 0 ? this.#register(i.index) << BigInt(i.scale) : 0n;
    if (i.base >= 0 && i.base !== instructionPointer && i.base !== i.index) {
      this.#registers[i.base] = BigInt.asUintN(64, address - displacement - index);
    } else if (i.base === instructionPointer) {
      int32(this.#code, modrm + 1, address - codeAddress - BigInt(i.length));
    } else if (i.base === noRegister && modrm >= 0) {
      if (i.index >= 0) this.#registers[i.index] = BigInt(this.#random.below(1000));
      const small = i.index >= 0 ? this.#register(i.index) << BigInt(i.scale) : 0n;
      int32(this.#code, modrm + 2, address - small);
    }
    return address;
  }

  /** Reserved bits of MXCSR are 0 half of the time; bit 17 is reserved on Intel only, and always 0. */
  #likelyMxcsr(address: bigint): void {
    const at = offsetInWindow(address) + 2;
    const high = this.#random.chance(0.5) ? 0 : 0xfd;
    for (const byte of [at, at + 1]) this.#window[byte] = (this.#window[byte] ?? 0) & high;
  }

  /** Compare-and-exchange and scans find what they look for half of the time. */
  #likelyEqual(address: bigint): void {
    const random = this.#random;
    const { operation, repeatable } = this.#i.form;
    if (random.chance(0.5)) return;
    const view = new DataView(this.#window.buffer);
    const at = offsetInWindow(address);
    const fits = at >= 0 && at + 16 <= windowBytes;
    if (operation === 'CMPXCHG8B' && fits) {
      view.setUint32(at, Number(this.#register(Register.RAX) & 0xffff_ffffn), true);
      view.setUint32(at + 4, Number(this.#register(Register.RDX) & 0xffff_ffffn), true);
    } else if (operation.startsWith('CMPXCHG') && fits) {
      view.setBigUint64(at, this.#register(Register.RAX), true);
      if (operation === 'CMPXCHG16B') view.setBigUint64(at + 8, this.#register(Register.RDX), true);
    } else if (repeatable) {
      const value = random.below(256);
      this.#window.fill(value);
      for (let times = 0; times < 3; times++) this.#window[random.below(windowBytes)] = random.below(256);
      if (random.chance(0.8)) this.#registers[Register.RAX] = BigInt(value) * 0x0101_0101_0101_0101n;
    }
  }
}

export function generateInstance(form: Form, random: Random): Instance {
  const i = new Instruction();
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { bytes, modrm } = encodeForm(form, random);
    if (decoder.decode(i, 64, bytes, 0, bytes.length) !== 'valid' || i.form !== form) continue;
    return new InstanceMaker(random, i, bytes).make(modrm);
  }
  throw new InvariantError(`no valid encoding of ${form.operation} (${form.opcode}) in ${attempts} attempts`);
}
