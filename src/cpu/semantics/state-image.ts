/**
 * The image of x87, MMX and SSE state in memory (SDM 1 10.5, 13.4 to 13.8; 2A FXRSTOR, FXSAVE; 2D XRSTOR, XSAVE). XSAVE manages
 * states 0 and 1 and takes both for in use always, which the manual permits; of its header only the standard form is
 * there, other forms being #GP as without XSAVEC. What is loaded is loaded whole, before anything changes.
 */
import type { Builder } from '../builder.ts';
import { generalProtection } from '../exception.ts';
import type { Instruction } from '../instruction.ts';
import { Register } from '../registers.ts';
import { bitAt, isZero, not, notZero } from './operand-access.ts';
import { row } from './row.ts';

/** Offsets in the image. */
const Image = { instructionPointer: 8, dataPointer: 16, mxcsr: 24, x87: 32, xmm: 160, header: 512 } as const;
/** The bits of MXCSR that exist. */
export const mxcsrMask = 0xffffn;
const x87Registers = 8;

/** Those that the mode has (SDM 1 10.2). */
const xmmRegisters = (i: Instruction): number => (i.codeSize === 64 ? 16 : 8);

class StateImage<V> {
  readonly #b: Builder<V>;
  readonly #i: Instruction;
  readonly #start: V;

  constructor(b: Builder<V>, i: Instruction) {
    this.#b = b;
    this.#i = i;
    this.#start = b.effectiveAddress(i, 0);
  }

  #at(offset: number): V {
    const b = this.#b;
    return b.cut(b.add(this.#start, b.constant(BigInt(offset))), this.#i.addressSize);
  }

  load(offset: number): V {
    return this.#b.load(this.#i.segment, this.#at(offset), 8);
  }

  loadForWrite(offset: number): V {
    return this.#b.loadForWrite(this.#i.segment, this.#at(offset), 8);
  }

  store(offset: number, value: V): void {
    this.#b.store(this.#i.segment, this.#at(offset), 8, value);
  }

  loadVector(offset: number): V {
    return this.#b.loadVector(this.#i.segment, this.#at(offset), true);
  }

  storeVector(offset: number, value: V): void {
    this.#b.storeVector(this.#i.segment, this.#at(offset), true, value);
  }

  /** #GP unless aligned to 16; then any fault of a store up to `last`. */
  checkStores(last: number): void {
    this.#b.loadPairForWrite(this.#i.segment, this.#start);
    this.loadForWrite(last);
  }

  /** #GP unless a multiple of 64; a segment's base does not count. */
  checkAlignment64(): void {
    const b = this.#b;
    b.when(notZero(b, b.and(this.#start, b.constant(63n))), () => b.raise(generalProtection));
  }
}

/** Pointers are 64 bits with REX.W, else 32 and a selector that reads as 0. */
function pointer<V>(b: Builder<V>, i: Instruction, value: V): V {
  return b.cut(value, i.operandSize === 8 ? 8 : 4);
}

function first<V>(b: Builder<V>, values: readonly V[], at: number): V {
  return values[at] ?? b.constant(0n);
}

function saveX87<V>(b: Builder<V>, i: Instruction, image: StateImage<V>): void {
  const words = b.call('imageWords', []);
  image.store(0, first(b, words, 0));
  image.store(Image.instructionPointer, pointer(b, i, first(b, words, 1)));
  image.store(Image.dataPointer, pointer(b, i, first(b, words, 2)));
  for (let index = 0; index < x87Registers; index++) {
    const parts = b.call('x87Register', [b.constant(BigInt(index))]);
    image.storeVector(Image.x87 + index * 16, b.vectorOf(first(b, parts, 0), first(b, parts, 1)));
  }
}

function saveSse<V>(b: Builder<V>, i: Instruction, image: StateImage<V>): void {
  image.store(Image.mxcsr, b.or(b.mxcsr(), b.constant(mxcsrMask << 32n)));
  for (let register = 0; register < xmmRegisters(i); register++) {
    image.storeVector(Image.xmm + register * 16, b.vectorRegister(register));
  }
}

interface Loaded<V> {
  readonly words: readonly V[];
  readonly mxcsr: V;
  readonly x87: readonly V[];
  readonly xmm: readonly V[];
}

function load<V>(b: Builder<V>, i: Instruction, image: StateImage<V>): Loaded<V> {
  const vectors = (from: number, count: number): V[] =>
    Array.from({ length: count }, (_, at) => image.loadVector(from + at * 16));
  const x87 = vectors(Image.x87, x87Registers);
  return {
    words: [
      image.load(0),
      pointer(b, i, image.load(Image.instructionPointer)),
      pointer(b, i, image.load(Image.dataPointer)),
    ],
    mxcsr: b.cut(image.load(Image.mxcsr), 4),
    x87,
    xmm: vectors(Image.xmm, xmmRegisters(i)),
  };
}

/** #GP if `checked` and a bit that does not exist is set. */
export function checkMxcsr<V>(b: Builder<V>, value: V, checked: V): void {
  const reserved = notZero(b, b.and(value, b.constant(0xffff_ffffn ^ mxcsrMask)));
  b.when(b.and(checked, reserved), () => b.raise(generalProtection));
}

function restoreX87<V>(b: Builder<V>, { words, x87 }: Loaded<V>): void {
  b.call('setImageWords', words);
  for (const [index, value] of x87.entries()) {
    b.call('x87SetRegister', [b.constant(BigInt(index)), b.lane(8, value, 0), b.lane(8, value, 1)]);
  }
}

function restoreXmm<V>(b: Builder<V>, values: readonly V[]): void {
  for (const [register, value] of values.entries()) b.setVectorRegister(register, value);
}

/** RFBM: what EDX:EAX asks for of what XCR0 has (SDM 1 13.7). */
function requested<V>(b: Builder<V>): V {
  const enabled = first(b, b.call('extendedControl', [b.constant(0n)]), 0);
  return b.and(enabled, b.register(Register.RAX, 4));
}

function xsave<V>(b: Builder<V>, i: Instruction): void {
  b.requireUnit('extendedStates');
  const image = new StateImage(b, i);
  const components = requested(b);
  image.checkAlignment64();
  image.checkStores(Image.header);
  b.when(bitAt(b, components, 0), () => saveX87(b, i, image));
  b.when(bitAt(b, components, 1), () => saveSse(b, i, image));
  image.store(Image.header, b.or(image.load(Image.header), components));
}

function xrstor<V>(b: Builder<V>, i: Instruction): void {
  b.requireUnit('extendedStates');
  const image = new StateImage(b, i);
  const components = requested(b);
  image.checkAlignment64();
  const present = image.load(Image.header);
  const enabled = first(b, b.call('extendedControl', [b.constant(0n)]), 0);
  const reserved = b.or(image.load(Image.header + 8), image.load(Image.header + 16));
  const wrong = notZero(b, b.or(b.and(present, not(b, enabled)), reserved));
  b.when(wrong, () => b.raise(generalProtection));
  const loaded = load(b, i, image);
  const [x87, sse] = [bitAt(b, components, 0), bitAt(b, components, 1)];
  checkMxcsr(b, loaded.mxcsr, sse);
  const has = (component: number): V => bitAt(b, present, component);
  b.when(b.and(x87, has(0)), () => restoreX87(b, loaded));
  b.when(b.and(x87, isZero(b, has(0))), () => {
    b.call('x87Initialize', []);
    for (let index = 0; index < x87Registers; index++) {
      b.call('x87SetRegister', [b.constant(BigInt(index)), b.constant(0n), b.constant(0n)]);
    }
  });
  b.when(sse, () => b.setMxcsr(loaded.mxcsr));
  b.when(b.and(sse, has(1)), () => restoreXmm(b, loaded.xmm));
  b.when(b.and(sse, isZero(b, has(1))), () => {
    restoreXmm(
      b,
      loaded.xmm.map(() => b.vectorConstant(0n)),
    );
  });
}

export const stateImages = {
  FXSAVE: row((b, i) => {
    b.requireUnit('image');
    const image = new StateImage(b, i);
    image.checkStores(Image.xmm + xmmRegisters(i) * 16 - 8);
    saveX87(b, i, image);
    saveSse(b, i, image);
  }),
  FXRSTOR: row((b, i) => {
    b.requireUnit('image');
    const loaded = load(b, i, new StateImage(b, i));
    checkMxcsr(b, loaded.mxcsr, b.constant(1n));
    restoreX87(b, loaded);
    restoreXmm(b, loaded.xmm);
    b.setMxcsr(loaded.mxcsr);
  }),
  XSAVE: row(xsave),
  /** May save less than XSAVE, and need not. */
  XSAVEOPT: row(xsave),
  XRSTOR: row(xrstor),
};
