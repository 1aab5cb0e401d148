/** Floating-point arithmetic and comparison of vectors and scalars (SDM 1 10.4.1, 11.4.1; 12.3.4, 12.3.5; 12.10.2, 12.10.6). */
import { Flag, FlagKind } from '../flags.ts';
import type { FloatLaneOperation } from '../vector-builder.ts';
import { bitAt } from './operand-access.ts';
import type { Semantics } from './row.ts';
import { everySecondLane, lanesByNumber, maskTable } from './vector-index.ts';
import { readVector, vectorRow, writeVector } from './vector-operand.ts';

type FloatBytes = 4 | 8;

function arithmetic(operation: FloatLaneOperation, bytes: FloatBytes, count: number): Semantics {
  return vectorRow((b, i) => {
    const [to, from] = i.operands;
    const source = readVector(b, i, from);
    writeVector(b, i, to, b.float(operation, bytes, count, readVector(b, i, to), source));
  });
}

/** By an immediate. */
function controlled(operation: FloatLaneOperation, bytes: FloatBytes, count: number, mask: bigint): Semantics {
  return vectorRow((b, i) => {
    const [to, from, immediate] = i.operands;
    const source = readVector(b, i, from);
    const control = b.and(b.immediate(immediate), b.constant(mask));
    writeVector(b, i, to, b.float(operation, bytes, count, readVector(b, i, to), source, control));
  });
}

const compare = (bytes: FloatBytes, count: number): Semantics => controlled('compare', bytes, count, 7n);
const round = (bytes: FloatBytes, count: number): Semantics => controlled('round', bytes, count, 15n);

/** Even with odd lanes, of the destination, then of the source. */
function neighbours(operation: 'add' | 'subtract', bytes: FloatBytes): Semantics {
  const even = everySecondLane(bytes, 16, 0);
  const odd = everySecondLane(bytes, 16, 1);
  return vectorRow((b, i) => {
    const [to, from] = i.operands;
    const source = readVector(b, i, from);
    const destination = readVector(b, i, to);
    const left = b.shuffle(destination, source, even);
    writeVector(b, i, to, b.float(operation, bytes, 16 / bytes, left, b.shuffle(destination, source, odd)));
  });
}

/** Sets ZF, PF and CF, clears the other status flags. */
function compareToFlags(bytes: FloatBytes, quiet: boolean): Semantics {
  return vectorRow((b, i) => {
    const [to, from] = i.operands;
    const source = readVector(b, i, from);
    const relation = b.compareFloats(bytes, readVector(b, i, to), source, quiet);
    // A result of 1 clears all flags.
    const one = b.constant(1n);
    b.setFlags(FlagKind.logic, 8, one, one, one);
    for (const flag of [Flag.ZF, Flag.PF, Flag.CF]) b.setFlag(flag, bitAt(b, relation, flag));
  });
}

/** Bits 7:4 of the immediate say which products are summed, bits 3:0 which lanes receive the sum; the others become zero. */
function dotProduct(bytes: FloatBytes): Semantics {
  const count = 16 / bytes;
  const summed = maskTable(`summed of ${count}`, bytes, (immediate, lane) => ((immediate >> (4 + lane)) & 1) === 1);
  const received = maskTable(`received of ${count}`, bytes, (immediate, lane) => ((immediate >> lane) & 1) === 1);
  const even = everySecondLane(bytes, 16, 0);
  const odd = everySecondLane(bytes, 16, 1);
  const lowest = lanesByNumber(bytes, [0]);
  return vectorRow((b, i) => {
    const [to, from, which] = i.operands;
    const immediate = b.immediate(which);
    const mask = b.lookUp(summed, immediate);
    const source = b.lanes('and', 8, readVector(b, i, from), mask);
    const destination = b.lanes('and', 8, readVector(b, i, to), mask);
    let sums = b.float('multiply', bytes, count, destination, source);
    for (let left = count / 2; left >= 1; left /= 2) {
      sums = b.float('add', bytes, left, b.shuffle(sums, sums, even), b.shuffle(sums, sums, odd));
    }
    writeVector(b, i, to, b.lanes('and', 8, b.shuffle(sums, sums, lowest), b.lookUp(received, immediate)));
  });
}

export const vectorFloats = {
  ADDPS: arithmetic('add', 4, 4),
  ADDPD: arithmetic('add', 8, 2),
  ADDSS: arithmetic('add', 4, 1),
  ADDSD: arithmetic('add', 8, 1),
  SUBPS: arithmetic('subtract', 4, 4),
  SUBPD: arithmetic('subtract', 8, 2),
  SUBSS: arithmetic('subtract', 4, 1),
  SUBSD: arithmetic('subtract', 8, 1),
  MULPS: arithmetic('multiply', 4, 4),
  MULPD: arithmetic('multiply', 8, 2),
  MULSS: arithmetic('multiply', 4, 1),
  MULSD: arithmetic('multiply', 8, 1),
  DIVPS: arithmetic('divide', 4, 4),
  DIVPD: arithmetic('divide', 8, 2),
  DIVSS: arithmetic('divide', 4, 1),
  DIVSD: arithmetic('divide', 8, 1),
  SQRTPS: arithmetic('squareRoot', 4, 4),
  SQRTPD: arithmetic('squareRoot', 8, 2),
  SQRTSS: arithmetic('squareRoot', 4, 1),
  SQRTSD: arithmetic('squareRoot', 8, 1),
  MINPS: arithmetic('minimum', 4, 4),
  MINPD: arithmetic('minimum', 8, 2),
  MINSS: arithmetic('minimum', 4, 1),
  MINSD: arithmetic('minimum', 8, 1),
  MAXPS: arithmetic('maximum', 4, 4),
  MAXPD: arithmetic('maximum', 8, 2),
  MAXSS: arithmetic('maximum', 4, 1),
  MAXSD: arithmetic('maximum', 8, 1),
  RCPPS: arithmetic('reciprocal', 4, 4),
  RCPSS: arithmetic('reciprocal', 4, 1),
  RSQRTPS: arithmetic('reciprocalSquareRoot', 4, 4),
  RSQRTSS: arithmetic('reciprocalSquareRoot', 4, 1),
  ADDSUBPS: arithmetic('addSubtract', 4, 4),
  ADDSUBPD: arithmetic('addSubtract', 8, 2),
  HADDPS: neighbours('add', 4),
  HADDPD: neighbours('add', 8),
  HSUBPS: neighbours('subtract', 4),
  HSUBPD: neighbours('subtract', 8),
  CMPPS: compare(4, 4),
  CMPPD: compare(8, 2),
  CMPSS: compare(4, 1),
  CMPSD: compare(8, 1),
  COMISS: compareToFlags(4, false),
  COMISD: compareToFlags(8, false),
  UCOMISS: compareToFlags(4, true),
  UCOMISD: compareToFlags(8, true),
  ROUNDPS: round(4, 4),
  ROUNDPD: round(8, 2),
  ROUNDSS: round(4, 1),
  ROUNDSD: round(8, 1),
  DPPS: dotProduct(4),
  DPPD: dotProduct(8),
};
