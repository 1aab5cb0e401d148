/**
 * The opcode maps compiled for lookup: for each map and opcode byte an entry, which is a form's index, 0 for undefined,
 * or the negated place of a node that asks for one more thing (mandatory prefix, REX.B, W, VEX.L, ModR/M) and has an
 * entry for each answer. Equal nodes are shared, and a thing that no row asks for is not asked.
 */
import { InvariantError } from '../../base/errors.ts';
import type { Feature } from './feature.ts';
import type { Form } from './form.ts';
import { opcodeSpaces } from './maps.ts';

/** What a node asks for; its answers are 0, 1, ... */
export const Question = { prefix: 0, rexB: 1, w: 2, vectorLength: 3, modrm: 4 } as const;
type Question = (typeof Question)[keyof typeof Question];

/** A ModR/M byte as an answer: the digit when it names memory, else 8 and its low six bits. */
export const memoryDigits = 8;
const answerCounts: readonly number[] = [4, 2, 2, 2, memoryDigits + 64];

export interface OpcodeTable {
  /** Entry by space * 256 + opcode byte. */
  readonly roots: Int32Array;
  /** Nodes: question, then entries. */
  readonly nodes: Int32Array;
}

type Mode = 'long' | 'legacy';

function acceptsModrm(form: Form, answer: number): boolean {
  if (answer < memoryDigits) {
    const memory = form.memory || form.modIgnored;
    return memory && form.exactModrm < 0 && (form.digit < 0 || form.digit === answer);
  }
  if (form.exactModrm >= 0) return form.exactModrm === 0xc0 + answer - memoryDigits;
  return form.register && (form.digit < 0 || form.digit === (answer - memoryDigits) >> 3);
}

/** The bit set of answers the form accepts, of the questions that have few. */
function accepted(form: Form, question: Question, mode: Mode): number {
  switch (question) {
    case Question.prefix:
      return form.prefixes;
    case Question.rexB:
      return form.rexB;
    case Question.w:
      return mode === 'long' ? form.w : form.wLegacy;
    default:
      return form.vectorLengths;
  }
}

function accepts(form: Form, question: Question, answer: number, mode: Mode): boolean {
  if (question === Question.modrm) return acceptsModrm(form, answer);
  return ((accepted(form, question, mode) >> answer) & 1) === 1;
}

/** Whether the answer matters to the form. */
function asks(form: Form, question: Question, mode: Mode): boolean {
  if (question !== Question.modrm) return accepted(form, question, mode) !== (1 << (answerCounts[question] ?? 0)) - 1;
  return form.digit >= 0 || form.exactModrm >= 0 || !form.register || !(form.memory || form.modIgnored);
}

/** How many combinations of answers the form accepts: the fewer, the more specific. */
function breadth(form: Form, mode: Mode): number {
  let product = 1;
  for (const question of Object.values(Question)) {
    let count = 0;
    for (let answer = 0; answer < (answerCounts[question] ?? 0); answer++) {
      if (accepts(form, question, answer, mode)) count++;
    }
    product *= count;
  }
  return product;
}

function narrowest(candidates: readonly Form[], mode: Mode): number {
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only.index;
  const ranked = candidates.map((form) => ({ form, breadth: breadth(form, mode) }));
  const [first, second] = ranked.sort((a, b) => a.breadth - b.breadth);
  if (first === undefined) return 0;
  if (second?.breadth === first.breadth) {
    throw new InvariantError(`opcode maps: '${first.form.opcode}' and '${second.form.opcode}' mean the same bytes`);
  }
  return first.form.index;
}

class TableBuilder {
  readonly #mode: Mode;
  readonly #nodes: number[] = [0];
  readonly #places = new Map<string, number>();

  constructor(mode: Mode) {
    this.#mode = mode;
  }

  build(forms: readonly Form[]): OpcodeTable {
    const byOpcode: Form[][] = Array.from({ length: opcodeSpaces.length * 256 }, () => []);
    for (const form of forms) {
      for (let byte = form.byte; byte < form.byte + form.byteCount; byte++)
        byOpcode[form.space * 256 + byte]?.push(form);
    }
    const roots = Int32Array.from(byOpcode, (candidates) => this.#entry(candidates, Question.prefix));
    return { roots, nodes: Int32Array.from(this.#nodes) };
  }

  #entry(candidates: readonly Form[], question: number): number {
    if (candidates.length === 0) return 0;
    if (question > Question.modrm) return narrowest(candidates, this.#mode);
    // Safe: the questions are the numbers up to Question.modrm.
    const asked = question as Question;
    if (!candidates.some((form) => asks(form, asked, this.#mode))) return this.#entry(candidates, question + 1);
    // Unless a row names a whole ModR/M byte, the rm field of a register makes no difference.
    const repeats = asked === Question.modrm && candidates.every((form) => form.exactModrm < 0);
    const answers: number[] = [];
    for (let answer = 0; answer < (answerCounts[asked] ?? 0); answer++) {
      const previous = answers[answer - 1];
      if (repeats && answer > memoryDigits && (answer & 7) !== 0 && previous !== undefined) {
        answers.push(previous);
        continue;
      }
      const left = candidates.filter((form) => accepts(form, asked, answer, this.#mode));
      answers.push(this.#entry(left, question + 1));
    }
    return this.#node(question, answers);
  }

  #node(question: number, answers: readonly number[]): number {
    const [first] = answers;
    if (first !== undefined && answers.every((answer) => answer === first)) return first;
    const key = `${question}:${answers.join()}`;
    const known = this.#places.get(key);
    if (known !== undefined) return -known;
    const place = this.#nodes.length;
    this.#nodes.push(question, ...answers);
    this.#places.set(key, place);
    return -place;
  }
}

/** Compiles the rows whose features are all offered, for 64-bit mode or for the others. */
export function buildOpcodeTable(forms: readonly Form[], offered: ReadonlySet<Feature>, mode: Mode): OpcodeTable {
  const valid = forms.filter(
    (form) => form.index > 0 && form[mode] && form.features.every((feature) => offered.has(feature)),
  );
  return new TableBuilder(mode).build(valid);
}
