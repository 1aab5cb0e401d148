/** Segment registers and descriptors (SDM 2A LAR, LDS, LSL; 2B MOV, POP, VERR). The checks are the helpers'. */
import type { Builder } from '../builder.ts';
import { Source } from '../decode/notation.ts';
import { Flag } from '../flags.ts';
import { type Examination, examinations } from '../system/segment-examination.ts';
import { type Instruction, Segment } from '../instruction.ts';
import { read, write } from './operand-access.ts';
import { type Body, row } from './row.ts';

/** The number of a segment register that is the first operand: by the opcode, or in ModR/M.reg. */
function segmentNumber<V>(b: Builder<V>, i: Instruction): V {
  const notation = i.form.operands[0];
  if (notation?.source === Source.fixed) return b.constant(BigInt(notation.register));
  return b.and(b.shiftRight(b.x87Opcode(i), b.constant(3n)), b.constant(7n));
}

/** Into the segment register that is the first operand. */
export function loadSegment<V>(b: Builder<V>, i: Instruction, selector: V): void {
  b.call('loadSegment', [segmentNumber(b, i), selector]);
}

/** A far pointer in memory: the offset first. */
export function loadFarPointer<V>(b: Builder<V>, i: Instruction, bytes: number): { offset: V; selector: V } {
  const at = b.effectiveAddress(i, 0);
  const offset = b.load(i.segment, at, bytes);
  const selector = b.load(i.segment, b.cut(b.add(at, b.constant(BigInt(bytes))), i.addressSize), 2);
  return { offset, selector };
}

const loadPointer =
  (segment: number): Body =>
  (b, i) => {
    const { offset, selector } = loadFarPointer(b, i, i.operandSize);
    b.call('loadSegment', [b.constant(BigInt(segment)), selector]);
    write(b, i, i.operands[0], offset);
  };

function examine<V>(b: Builder<V>, what: Examination, selector: V): readonly [V, V] {
  const none = b.constant(0n);
  const index = b.constant(BigInt(examinations.indexOf(what)));
  const [holds = none, value = none] = b.call('examineSegment', [index, b.cut(selector, 2)]);
  return [holds, value];
}

/** The destination changes only when ZF says that the descriptor may be seen. */
const learn =
  (what: Examination): Body =>
  (b, i) => {
    const [to, from] = i.operands;
    const [holds, value] = examine(b, what, read(b, i, from));
    b.setFlag(Flag.ZF, holds);
    b.when(holds, () => write(b, i, to, value));
  };

const verify =
  (what: Examination): Body =>
  (b, i) => {
    const [holds] = examine(b, what, read(b, i, i.operands[0]));
    b.setFlag(Flag.ZF, holds);
  };

export const segments = {
  LDS: row(loadPointer(Segment.DS)),
  LES: row(loadPointer(Segment.ES)),
  LSS: row(loadPointer(Segment.SS)),
  LFS: row(loadPointer(Segment.FS)),
  LGS: row(loadPointer(Segment.GS)),
  LAR: row(learn('rights')),
  LSL: row(learn('limit')),
  VERR: row(verify('readable')),
  VERW: row(verify('writable')),
};
