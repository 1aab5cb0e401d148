/**
 * No-operations and hints, CRC32, and what is read from the processor rather than computed (SDM 1 7.3.17; SDM 2A CPUID,
 * CRC32; 2B RDPID, RDRAND, RDSEED, RDTSC; 2D XGETBV). Fences order nothing here: memory is sequentially consistent.
 */
import type { Builder } from '../builder.ts';
import { Flag, FlagKind } from '../flags.ts';
import type { HelperName } from '../helpers/table.ts';
import { Register } from '../registers.ts';
import { read, write } from './operand-access.ts';
import { type Body, row } from './row.ts';

const nothing = row(() => {});

/** The Castagnoli polynomial 11EDC6F41h, its bits reversed. */
const reflectedPolynomial = 0x82f63b78n;

/** The destination is the remainder so far, bits reflected. */
function crc<V>(b: Builder<V>, initial: V, data: V, bytes: number): V {
  let remainder = b.xor(initial, data);
  const polynomial = b.constant(reflectedPolynomial);
  const one = b.constant(1n);
  for (let bit = 0; bit < bytes * 8; bit++) {
    const out = b.subtract(b.constant(0n), b.and(remainder, one));
    remainder = b.xor(b.shiftRight(remainder, one), b.and(polynomial, out));
  }
  return remainder;
}

/** EDX:EAX. */
function setPair<V>(b: Builder<V>, value: V): void {
  b.setRegister(Register.RAX, 4, value);
  b.setRegister(Register.RDX, 4, b.shiftRight(value, b.constant(32n)));
}

function single<V>(b: Builder<V>, values: readonly V[]): V {
  return values[0] ?? b.constant(0n);
}

const timestamp =
  (withProcessor: boolean): Body =>
  (b) => {
    setPair(b, single(b, b.call('timestamp', [])));
    if (withProcessor) b.setRegister(Register.RCX, 4, single(b, b.call('processorId', [])));
  };

/** A random number is always there: CF is 1, the other flags 0. */
const random: Body = (b, i) => {
  const one = b.constant(1n);
  b.setFlags(FlagKind.logic, 8, one, one, one);
  b.setFlag(Flag.PF, b.constant(0n));
  b.setFlag(Flag.CF, one);
  write(b, i, i.operands[0], single(b, b.call('random', [])));
};

const fromHelper =
  (helper: HelperName): Body =>
  (b, i) =>
    write(b, i, i.operands[0], single(b, b.call(helper, [])));

export const miscellaneous = {
  NOP: nothing,
  PAUSE: nothing,
  ENDBR32: nothing,
  ENDBR64: nothing,
  PREFETCH: nothing,
  PREFETCHW: nothing,
  PREFETCHWT1: nothing,
  PREFETCHNTA: nothing,
  PREFETCHT0: nothing,
  PREFETCHT1: nothing,
  PREFETCHT2: nothing,
  CLDEMOTE: nothing,
  LFENCE: nothing,
  MFENCE: nothing,
  SFENCE: nothing,
  CRC32: row((b, i) => {
    const [to, from] = i.operands;
    const initial = b.register(to.register, 4);
    write(b, i, to, crc(b, initial, read(b, i, from), from.bytes));
  }),
  CPUID: row((b) => {
    const results = b.call('cpuid', [b.register(Register.RAX, 4), b.register(Register.RCX, 4)]);
    const order = [Register.RAX, Register.RBX, Register.RCX, Register.RDX];
    for (const [at, value] of results.entries()) b.setRegister(order[at] ?? Register.RAX, 4, value);
  }),
  RDTSC: row(timestamp(false)),
  RDTSCP: row(timestamp(true)),
  RDPID: row(fromHelper('processorId')),
  RDRAND: row(random),
  RDSEED: row(random),
  XGETBV: row((b) => setPair(b, single(b, b.call('extendedControl', [b.register(Register.RCX, 4)])))),
};
