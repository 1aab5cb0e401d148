/**
 * The comparison of two vectors of text that PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM share (SDM 2B 4.1). Elements
 * past the end of a text are invalid; what a comparison with one counts as, the aggregation says (table 4-7).
 */
import type { Helper } from './helper.ts';

/** The control byte taken apart (SDM 2B 4.1.1 to 4.1.7). */
interface Control {
  /** Bytes of an element. */
  readonly bytes: 1 | 2;
  readonly signed: boolean;
  readonly aggregation: number;
  readonly polarity: number;
  /** Index of the most significant bit; or a mask of whole elements. */
  readonly alternative: boolean;
}

function controlOf(byte: number): Control {
  return {
    bytes: (byte & 1) === 0 ? 1 : 2,
    signed: (byte & 2) !== 0,
    aggregation: (byte >> 2) & 3,
    polarity: (byte >> 4) & 3,
    alternative: (byte & 0x40) !== 0,
  };
}

interface Text {
  readonly elements: readonly number[];
  /** How many are valid. */
  readonly length: number;
}

function elementsOf(halves: BigUint64Array, { bytes, signed }: Control): number[] {
  const perHalf = 8 / bytes;
  return Array.from({ length: 2 * perHalf }, (_, at) => {
    const half = halves[Math.trunc(at / perHalf)] ?? 0n;
    const bits = bytes * 8;
    const element = half >> BigInt((at % perHalf) * bits);
    return Number(signed ? BigInt.asIntN(bits, element) : BigInt.asUintN(bits, element));
  });
}

/** Up to the first zero. */
function implicitLength(elements: readonly number[]): number {
  const end = elements.indexOf(0);
  return end < 0 ? elements.length : end;
}

/** The magnitude, at most all elements (SDM 2B 4.1.2). */
function explicitLength(value: bigint, elements: readonly number[]): number {
  const signed = BigInt.asIntN(64, value);
  const magnitude = signed < 0n ? -signed : signed;
  return magnitude > BigInt(elements.length) ? elements.length : Number(magnitude);
}

/** Whether element `at` of the second text is one of the first. */
function equalAny(set: Text, text: Text, at: number): boolean {
  return at < text.length && set.elements.slice(0, set.length).includes(text.elements[at] ?? 0);
}

/** Whether it lies between two neighbours of the first. */
function inRange(ranges: Text, text: Text, at: number): boolean {
  const element = text.elements[at] ?? 0;
  if (at >= text.length) return false;
  for (let range = 0; range + 1 < ranges.length; range += 2) {
    if ((ranges.elements[range] ?? 0) <= element && element <= (ranges.elements[range + 1] ?? 0)) return true;
  }
  return false;
}

/** Two ends of text are equal. */
function equalEach(first: Text, second: Text, at: number): boolean {
  if (at >= first.length || at >= second.length) return at >= first.length && at >= second.length;
  return first.elements[at] === second.elements[at];
}

/** Whether the first text is found at an element of the second, as far as the vector goes. */
function equalOrdered(wanted: Text, text: Text, at: number): boolean {
  for (let offset = 0; offset < wanted.length && at + offset < text.elements.length; offset++) {
    if (at + offset >= text.length || wanted.elements[offset] !== text.elements[at + offset]) return false;
  }
  return true;
}

const aggregations = [equalAny, inRange, equalEach, equalOrdered] as const;

/** Bit 0 inverts; bit 1 lets it invert the results of valid elements only (SDM 2B 4.1.5). */
function inverts(polarity: number, valid: boolean): boolean {
  return (polarity & 1) === 1 && ((polarity & 2) === 0 || valid);
}

function resultOf(first: Text, second: Text, { aggregation, polarity }: Control): boolean[] {
  const compare = aggregations[aggregation] ?? equalAny;
  return second.elements.map((_, at) => compare(first, second, at) !== inverts(polarity, at < second.length));
}

/** The number of elements if no bit is set. */
function indexOf(result: readonly boolean[], { alternative }: Control): number {
  const index = alternative ? result.lastIndexOf(true) : result.indexOf(true);
  return index < 0 ? result.length : index;
}

/** A bit for each element, or all bits of it. */
function maskOf(result: readonly boolean[], { alternative, bytes }: Control): bigint {
  const width = alternative ? bytes * 8 : 1;
  const ones = (1n << BigInt(width)) - 1n;
  return result.reduceRight((mask, set) => (mask << BigInt(width)) | (set ? ones : 0n), 0n);
}

const carryFlag = 0x1n;
const zeroFlag = 0x40n;
const signFlag = 0x80n;
const overflowFlag = 0x800n;

function flagsOf(first: Text, second: Text, result: readonly boolean[]): bigint {
  return (
    (result.includes(true) ? carryFlag : 0n) |
    (second.length < second.elements.length ? zeroFlag : 0n) |
    (first.length < first.elements.length ? signFlag : 0n) |
    (result[0] === true ? overflowFlag : 0n)
  );
}

export const stringComparisonHelpers = {
  /**
   * Control byte, whether lengths are explicit, and they; texts are vectors 0 and 1. Gives the index, and CF, ZF, SF and
   * OF in their places; the mask in place of vector 0.
   */
  compareTexts: {
    arguments: 4,
    results: 2,
    run: ({ registers: { scratch } }, byte, explicit, firstLength, secondLength) => {
      const control = controlOf(Number(byte));
      const textOf = (halves: BigUint64Array, length: bigint): Text => {
        const elements = elementsOf(halves, control);
        return { elements, length: explicit === 1n ? explicitLength(length, elements) : implicitLength(elements) };
      };
      const first = textOf(scratch.subarray(0, 2), firstLength);
      const second = textOf(scratch.subarray(2, 4), secondLength);
      const result = resultOf(first, second, control);
      const mask = maskOf(result, control);
      scratch[0] = BigInt.asUintN(64, mask);
      scratch[1] = mask >> 64n;
      return [BigInt(indexOf(result, control)), flagsOf(first, second, result)];
    },
  },
} as const satisfies Record<string, Helper>;
