/**
 * The comparison of two vectors of text that PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM share (SDM 2B 4.1). Elements
 * past the end of a text are invalid; what a comparison with one counts as, the aggregation says (table 4-7). Results are
 * numbers with a bit for each element of the second text.
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

type Elements = Uint8Array | Int8Array | Uint16Array | Int16Array;

interface Text {
  readonly elements: Elements;
  /** How many are valid. */
  readonly length: number;
}

/** Of a vector in scratch. */
function elementsOf(scratch: BigUint64Array, place: number, { bytes, signed }: Control): Elements {
  const at = scratch.byteOffset + place * 16;
  if (bytes === 1) return signed ? new Int8Array(scratch.buffer, at, 16) : new Uint8Array(scratch.buffer, at, 16);
  return signed ? new Int16Array(scratch.buffer, at, 8) : new Uint16Array(scratch.buffer, at, 8);
}

/** Up to the first zero. */
function implicitLength(elements: Elements): number {
  const end = elements.indexOf(0);
  return end < 0 ? elements.length : end;
}

/** The magnitude, at most all elements (SDM 2B 4.1.2). */
function explicitLength(value: bigint, elements: Elements): number {
  const signed = BigInt.asIntN(64, value);
  const magnitude = signed < 0n ? -signed : signed;
  return magnitude > BigInt(elements.length) ? elements.length : Number(magnitude);
}

/** Elements `at` of two texts, both valid. */
function areEqual(first: Text, at: number, second: Text, other: number): boolean {
  return first.elements[at] === second.elements[other];
}

/** Whether element `at` of the second text is one of the first. */
function equalAny(set: Text, text: Text, at: number): boolean {
  if (at >= text.length) return false;
  for (let member = 0; member < set.length; member++) if (areEqual(set, member, text, at)) return true;
  return false;
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
  return areEqual(first, at, second, at);
}

/** Whether the first text is found at an element of the second, as far as the vector goes. */
function equalOrdered(wanted: Text, text: Text, at: number): boolean {
  for (let offset = 0; offset < wanted.length && at + offset < text.elements.length; offset++) {
    if (at + offset >= text.length || !areEqual(wanted, offset, text, at + offset)) return false;
  }
  return true;
}

const aggregations = [equalAny, inRange, equalEach, equalOrdered] as const;

const lowBits = (count: number): number => (1 << count) - 1;

/** Bit 0 of the polarity inverts; bit 1 lets it invert the results of valid elements only (SDM 2B 4.1.5). */
function inverted({ elements, length }: Text, polarity: number): number {
  if ((polarity & 1) === 0) return 0;
  return lowBits((polarity & 2) === 0 ? elements.length : length);
}

function resultOf(first: Text, second: Text, { aggregation, polarity }: Control): number {
  const compare = aggregations[aggregation] ?? equalAny;
  let result = 0;
  for (let at = 0; at < second.elements.length; at++) if (compare(first, second, at)) result |= 1 << at;
  return result ^ inverted(second, polarity);
}

/** The number of elements if no bit is set. */
function indexOf(result: number, { alternative, bytes }: Control): number {
  if (result === 0) return 16 / bytes;
  return 31 - Math.clz32(alternative ? result : result & -result);
}

/** A bit for each element, or all bits of it. */
function maskOf(result: number, { alternative, bytes }: Control): bigint {
  if (!alternative) return BigInt(result);
  const ones = (1n << BigInt(bytes * 8)) - 1n;
  let mask = 0n;
  for (let at = 0; at < 16 / bytes; at++) if (((result >> at) & 1) === 1) mask |= ones << BigInt(at * bytes * 8);
  return mask;
}

const carryFlag = 0x1;
const zeroFlag = 0x40;
const signFlag = 0x80;
const overflowFlag = 0x800;

function flagsOf(first: Text, second: Text, result: number): number {
  return (
    (result !== 0 ? carryFlag : 0) |
    (second.length < second.elements.length ? zeroFlag : 0) |
    (first.length < first.elements.length ? signFlag : 0) |
    ((result & 1) === 1 ? overflowFlag : 0)
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
      const textOf = (place: number, length: bigint): Text => {
        const elements = elementsOf(scratch, place, control);
        return { elements, length: explicit === 1n ? explicitLength(length, elements) : implicitLength(elements) };
      };
      const first = textOf(0, firstLength);
      const second = textOf(1, secondLength);
      const result = resultOf(first, second, control);
      const flags = flagsOf(first, second, result);
      const mask = maskOf(result, control);
      scratch[0] = BigInt.asUintN(64, mask);
      scratch[1] = mask >> 64n;
      return [BigInt(indexOf(result, control)), BigInt(flags)];
    },
  },
} as const satisfies Record<string, Helper>;
