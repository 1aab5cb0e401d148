/** Seeded damage to texts: bytes, spans, lines and numbers, and pieces of other texts put in. */

import type { Random } from '../../src/base/random.ts';

const NUMBERS = [
  '0',
  '1',
  '-1',
  '4095',
  '4096',
  '4097',
  '65536',
  '1048577',
  '4294967296',
  '18446744073709551616',
  '0x',
  '0xffffffffffffffff',
  '1e9',
  '00000000000000000000000001',
];
const LONGEST_RUN = 70_000;

/** A damaged copy of `text`: one to three changes, each of one of the kinds below. */
export function mutate(text: string, others: readonly string[], words: readonly string[], random: Random): string {
  let mutant = text;
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    mutant = random.pick(MUTATIONS)(mutant, { others, words, random });
  }
  return mutant;
}

interface Source {
  readonly others: readonly string[];
  readonly words: readonly string[];
  readonly random: Random;
}

type Mutation = (text: string, source: Source) => string;

const MUTATIONS: readonly Mutation[] = [
  function changeByte(text, { random }) {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + random.below(2));
  },
  function dropSpan(text, { random }) {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + text.slice(at + 1 + random.below(40));
  },
  function repeatSpan(text, { random }) {
    const at = random.below(text.length + 1);
    const span = text.slice(at, at + 1 + random.below(80));
    return text.slice(0, at) + span.repeat(1 + random.below(3)) + text.slice(at);
  },
  function insertWord(text, { words, random }) {
    const at = random.below(text.length + 1);
    return `${text.slice(0, at)}${random.chance(0.5) ? ' ' : ''}${random.pick(words)}${text.slice(at)}`;
  },
  function changeNumber(text, { random }) {
    const numbers = [...text.matchAll(/[0-9]+/g)];
    if (numbers.length === 0) return text;
    const { index, 0: digits } = random.pick(numbers);
    return text.slice(0, index) + random.pick(NUMBERS) + text.slice(index + digits.length);
  },
  function swapLines(text, { random }) {
    const lines = text.split('\n');
    const one = random.below(lines.length);
    const other = random.below(lines.length);
    const kept = lines[one] ?? '';
    lines[one] = lines[other] ?? '';
    lines[other] = kept;
    return lines.join('\n');
  },
  function joinLines(text, { random }) {
    const ends = [...text.matchAll(/\n/g)];
    if (ends.length === 0) return text;
    const { index } = random.pick(ends);
    return text.slice(0, index) + text.slice(index + 1);
  },
  function splice(text, { others, random }) {
    const other = random.pick(others);
    const from = random.below(other.length + 1);
    const at = random.below(text.length + 1);
    return text.slice(0, at) + other.slice(from, from + random.below(400)) + text.slice(at);
  },
  function truncate(text, { random }) {
    return text.slice(0, random.below(text.length + 1));
  },
  function longRun(text, { random }) {
    if (!random.chance(0.02)) return text;
    const at = random.below(text.length + 1);
    return (
      text.slice(0, at) +
      random.pick(['x', '0', '"', '\\', '{', '(', ' ', 'a-', ' --> ']).repeat(random.below(LONGEST_RUN / 5)) +
      text.slice(at)
    );
  },
];
