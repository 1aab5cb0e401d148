/** The access-rights matrix (SDM 3A 4.6, 4.7, 4.8), a fraction of it; `tools/matrix/access-matrix.ts` runs it whole. */
import { describe, expect, test } from 'vitest';
import type { Access } from '../../src/arch/page-fault.ts';
import { PagingEntry, protectionKeyBits } from '../../src/arch/paging-entry.ts';
import { runAccessMatrix } from './access-matrix.ts';
import { expectAccess } from './access-oracle.ts';
import type { OracleControl } from './access-oracle.ts';

/** One case in so many, a prime; together with `SEED` it fixes which. */
const STRIDE = 23;
const SEED = 7;

/** 3,330 pairs of entries, 8 accesses, 240 control states. */
const CASES = 6_393_600;
const TRIED = 277_983;

describe(`the matrix, every ${STRIDE}th case from ${SEED}`, () => {
  test.each([
    { levels: 4, largeLevel: 2, supervisorKeys: false, allowed: 24_038 },
    { levels: 5, largeLevel: 2, supervisorKeys: false, allowed: 24_038 },
    { levels: 4, largeLevel: 2, supervisorKeys: true, allowed: 21_662 },
    { levels: 5, largeLevel: 3, supervisorKeys: false, allowed: 24_038 },
  ] as const)('$levels levels, large pages at level $largeLevel, supervisor keys $supervisorKeys', (matrix) => {
    const { failures, ...counts } = runAccessMatrix({ ...matrix, stride: STRIDE, seed: SEED });
    expect(failures).toEqual([]);
    expect(counts).toEqual({ cases: CASES, tried: TRIED, allowed: matrix.allowed });
  });
});

describe('the oracle itself, by rows of the manual', () => {
  const { P, RW, US, PS, XD } = PagingEntry;
  const NOTHING_SET: OracleControl = {
    wp: false,
    nxe: true,
    smep: false,
    smap: false,
    ac: false,
    pke: false,
    pks: false,
    pkru: 0,
    pkrs: 0,
  };
  const PART = { maxPhysicalAddressBits: 36, page1GB: true };
  const USER = P | RW | US;

  const rows: readonly {
    readonly cite: string;
    readonly given: string;
    readonly entry: bigint;
    readonly access: Access;
    readonly control?: Partial<OracleControl>;
    readonly expect: number | null;
  }[] = [
    { cite: '4.7', given: 'not present', entry: 0n, access: { kind: 'write', user: true }, expect: 6 },
    { cite: '4.7', given: 'reserved bit', entry: USER | (1n << 40n), access: { kind: 'read', user: false }, expect: 9 },
    {
      cite: '4.7',
      given: 'XD without NXE is reserved, and I/D stays clear',
      entry: USER | XD,
      access: { kind: 'fetch', user: true },
      control: { nxe: false },
      expect: 13,
    },
    {
      cite: '4.7',
      given: 'SMEP alone sets I/D',
      entry: 0n,
      access: { kind: 'fetch', user: false },
      control: { nxe: false, smep: true },
      expect: 16,
    },
    {
      cite: '4.6.1',
      given: 'user read of a supervisor page',
      entry: P | RW,
      access: { kind: 'read', user: true },
      expect: 5,
    },
    {
      cite: '4.6.1',
      given: 'supervisor write, WP = 0',
      entry: P,
      access: { kind: 'write', user: false },
      expect: null,
    },
    {
      cite: '4.6.1',
      given: 'supervisor write, WP = 1',
      entry: P,
      access: { kind: 'write', user: false },
      control: { wp: true },
      expect: 3,
    },
    {
      cite: '4.6.1',
      given: 'SMEP',
      entry: USER,
      access: { kind: 'fetch', user: false },
      control: { smep: true },
      expect: 17,
    },
    {
      cite: '4.6.1',
      given: 'SMAP with AC',
      entry: USER,
      access: { kind: 'read', user: false },
      control: { smap: true, ac: true },
      expect: null,
    },
    {
      cite: '4.6.1',
      given: 'SMAP with AC, implicit',
      entry: USER,
      access: { kind: 'read', user: false, implicit: true },
      control: { smap: true, ac: true },
      expect: 1,
    },
    {
      cite: '4.6.2',
      given: 'PKRU.AD5',
      entry: USER | protectionKeyBits(5),
      access: { kind: 'read', user: true },
      control: { pke: true, pkru: 1 << 10 },
      expect: 37,
    },
    {
      cite: '4.6.2',
      given: 'PKRU.AD5 does not bind fetches',
      entry: USER | protectionKeyBits(5),
      access: { kind: 'fetch', user: true },
      control: { pke: true, pkru: 1 << 10 },
      expect: null,
    },
    {
      cite: '4.6.2',
      given: 'PKRU.WD15, supervisor, WP = 0',
      entry: USER | protectionKeyBits(15),
      access: { kind: 'write', user: false },
      control: { pke: true, pkru: 0x8000_0000 },
      expect: null,
    },
    {
      cite: '4.6.2',
      given: 'PKRU.WD15, supervisor, WP = 1',
      entry: USER | protectionKeyBits(15),
      access: { kind: 'write', user: false },
      control: { pke: true, pkru: 0x8000_0000, wp: true },
      expect: 35,
    },
    {
      cite: '4.6.2',
      given: 'PKRS.AD5 binds supervisor pages only',
      entry: P | RW | protectionKeyBits(5),
      access: { kind: 'read', user: false },
      control: { pks: true, pkrs: 1 << 10 },
      expect: 33,
    },
    {
      cite: '4.5.4',
      given: 'bit 7 of a PTE is PAT',
      entry: USER | PS,
      access: { kind: 'read', user: true },
      expect: null,
    },
  ];

  test.each(rows)('$cite: $given', ({ entry, access, control, expect: errorCode }) => {
    const above = { level: 2 as const, entry: USER };
    const result = expectAccess([above, { level: 1, entry }], access, { ...NOTHING_SET, ...control }, PART);
    expect(result.errorCode).toBe(errorCode);
  });
});
