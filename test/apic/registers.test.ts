/** The registers in both forms (SDM 3A table 11-1, table 11-6, 11.4.7.1), against rows that share nothing with src. */
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../src/base/errors.ts';
import { rig } from './rig.ts';

const GP = { vector: 13, errorCode: 0 };
const NONE = null;

/** Offset, whether each form reads and writes, the bits that a write of all ones leaves set, the bits that fault not. */
const registers = [
  { name: 'ID', offset: 0x20, x: 'r', x2: 'r' },
  { name: 'version', offset: 0x30, x: 'r', x2: 'r' },
  { name: 'TPR', offset: 0x80, x: 'rw', x2: 'rw', kept: 0xff, legal: 0xff },
  { name: 'APR', offset: 0x90, x: '', x2: '' },
  { name: 'PPR', offset: 0xa0, x: 'r', x2: 'r' },
  { name: 'EOI', offset: 0xb0, x: 'w', x2: 'w', legal: 0 },
  { name: 'RRD', offset: 0xc0, x: '', x2: '' },
  { name: 'LDR', offset: 0xd0, x: 'rw', x2: 'r', kept: 0xff00_0000 },
  { name: 'DFR', offset: 0xe0, x: 'rw', x2: '', kept: 0xffff_ffff },
  { name: 'SVR', offset: 0xf0, x: 'rw', x2: 'rw', kept: 0x1ff, legal: 0x1ff },
  ...[0x100, 0x180, 0x200].flatMap((first) =>
    Array.from({ length: 8 }, (_, index) => ({ name: 'vectors', offset: first + 16 * index, x: 'r', x2: 'r' })),
  ),
  { name: 'ESR', offset: 0x280, x: 'rw', x2: 'rw', kept: 0, legal: 0 },
  { name: 'LVT CMCI', offset: 0x2f0, x: 'rw', x2: 'rw', kept: 0x1_07ff, legal: 0x1_17ff },
  { name: 'LVT thermal', offset: 0x330, x: 'rw', x2: 'rw', kept: 0x1_07ff, legal: 0x1_17ff },
  { name: 'LVT performance', offset: 0x340, x: 'rw', x2: 'rw', kept: 0x1_07ff, legal: 0x1_17ff },
  { name: 'LVT LINT0', offset: 0x350, x: 'rw', x2: 'rw', kept: 0x1_a7ff, legal: 0x1_f7ff },
  { name: 'LVT LINT1', offset: 0x360, x: 'rw', x2: 'rw', kept: 0x1_a7ff, legal: 0x1_f7ff },
  { name: 'LVT error', offset: 0x370, x: 'rw', x2: 'rw', kept: 0x1_00ff, legal: 0x1_10ff },
  { name: 'initial count', offset: 0x380, x: 'rw', x2: 'rw', kept: 0xffff_ffff, legal: 0xffff_ffff },
  { name: 'current count', offset: 0x390, x: 'r', x2: 'r' },
  { name: 'divide configuration', offset: 0x3e0, x: 'rw', x2: 'rw', kept: 0b1011, legal: 0b1011 },
  { name: 'reserved', offset: 0x000, x: '', x2: '' },
  { name: 'reserved', offset: 0x290, x: '', x2: '' },
  { name: 'reserved', offset: 0x3a0, x: '', x2: '' },
  { name: 'reserved', offset: 0xff0, x: '', x2: '' },
];

/** Reads ESR as software does: a write first. */
function esr(apic: {
  writeRegister(offset: number, value: number): void;
  readRegister(offset: number): number;
}): number {
  apic.writeRegister(0x280, 0);
  return apic.readRegister(0x280);
}

describe('xAPIC mode', () => {
  it.each(registers)('$name at $offset is "$x"', ({ offset, x, kept }) => {
    const apic = rig([3]).apic(0);
    const before = apic.readRegister(offset);
    apic.writeRegister(offset, 0xffff_ffff);
    if (x === 'rw') expect(apic.readRegister(offset)).toBe(kept);
    else expect(apic.readRegister(offset)).toBe(before);
    expect(esr(apic)).toBe(x === '' ? 0x80 : 0);
  });

  it('refuses accesses off 16 bytes, which are undefined (11.4.1)', () => {
    const apic = rig([3]).apic(0);
    expect(() => apic.readRegister(0x84)).toThrow(UnsupportedError);
    expect(() => apic.writeRegister(0x302, 0)).toThrow(UnsupportedError);
  });
});

describe('x2APIC mode', () => {
  it.each(registers)('$name at $offset is "$x2"', ({ offset, x2, legal }) => {
    const apic = rig([3], 'x2APIC').apic(0);
    const msr = 0x800 + offset / 16;
    if (x2.includes('r')) expect(apic.readMsr(msr)).toBeTypeOf('bigint');
    else expect(apic.readMsr(msr)).toEqual(GP);
    if (!x2.includes('w')) {
      expect(apic.writeMsr(msr, 0n)).toEqual(GP);
      return;
    }
    for (let bit = 0; bit < 64; bit++) {
      const isLegal = bit < 32 && (((legal ?? 0) >>> bit) & 1) === 1;
      expect(apic.writeMsr(msr, 1n << BigInt(bit)), `bit ${bit}`).toEqual(isLegal ? NONE : GP);
    }
  });

  it('has no ICR_HIGH; ICR is 64 bits (11.12.9)', () => {
    const apic = rig([3], 'x2APIC').apic(0);
    expect(apic.readMsr(0x831)).toEqual(GP);
    expect(apic.writeMsr(0x831, 0n)).toEqual(GP);
    expect(apic.writeMsr(0x830, 0x1234_5678_0000_4840n)).toBeNull();
    expect(apic.readMsr(0x830)).toBe(0x1234_5678_0000_4840n);
  });

  it('ICR reserves bits 12, 13, 17:16 and 31:20', () => {
    const apic = rig([3], 'x2APIC').apic(0);
    const faulting = Array.from({ length: 64 }, (_, bit) => bit).filter(
      // Vector 40H and an assertion keep each of the others a legal command.
      (bit) => ![8, 9, 10].includes(bit) && apic.writeMsr(0x830, 0x4040n | (1n << BigInt(bit))) !== null,
    );
    expect(faulting).toEqual([12, 13, 16, 17, ...Array.from({ length: 12 }, (_, index) => 20 + index)]);
  });

  it('SELF IPI is write-only, of eight bits (11.12.11), and absent in xAPIC mode', () => {
    const { apic, deliverAll } = rig([3], 'x2APIC');
    expect(apic(0).readMsr(0x83f)).toEqual(GP);
    expect(apic(0).writeMsr(0x83f, 0x100n)).toEqual(GP);
    expect(apic(0).writeMsr(0x83f, 0x61n)).toBeNull();
    deliverAll();
    expect(apic(0).pendingVector(true)).toBe(0x61);
    const other = rig([3]).apic(0);
    other.writeRegister(0x3f0, 0x61);
    expect(esr(other)).toBe(0x80);
  });
});

describe('after power-up (11.4.7.1)', () => {
  const rows = [
    { given: 'ID', offset: 0x20, expect: 0x0300_0000 },
    { given: 'version, seven LVT entries', offset: 0x30, expect: 0x0006_0015 },
    { given: 'TPR', offset: 0x80, expect: 0 },
    { given: 'LDR', offset: 0xd0, expect: 0 },
    { given: 'DFR', offset: 0xe0, expect: 0xffff_ffff },
    { given: 'SVR', offset: 0xf0, expect: 0xff },
    { given: 'ICR', offset: 0x300, expect: 0 },
    { given: 'LVT CMCI', offset: 0x2f0, expect: 0x1_0000 },
    { given: 'LVT timer', offset: 0x320, expect: 0x1_0000 },
    { given: 'LVT LINT1', offset: 0x360, expect: 0x1_0000 },
    { given: 'LVT error', offset: 0x370, expect: 0x1_0000 },
    { given: 'divide configuration', offset: 0x3e0, expect: 0 },
  ];
  it.each(rows)('$given is $expect', ({ offset, expect: expected }) => {
    expect(rig([0x103], 'xAPIC', false).apic(0).readRegister(offset)).toBe(expected);
  });

  it('the x2APIC ID has 32 bits, the xAPIC ID its low eight (11.12.5.1)', () => {
    expect(rig([0x103], 'x2APIC').apic(0).readMsr(0x802)).toBe(0x103n);
  });
});

describe('software disabled (11.4.7.2)', () => {
  it('masks the LVT and keeps it masked', () => {
    const apic = rig([0]).apic(0);
    apic.writeRegister(0x350, 0x700);
    expect(apic.readRegister(0x350)).toBe(0x700);
    apic.writeRegister(0xf0, 0xff);
    expect(apic.readRegister(0x350)).toBe(0x1_0700);
    apic.writeRegister(0x350, 0x700);
    expect(apic.readRegister(0x350)).toBe(0x1_0700);
    apic.writeRegister(0xf0, 0x1ff);
    apic.writeRegister(0x350, 0x700);
    expect(apic.readRegister(0x350)).toBe(0x700);
  });
});

describe('errors (11.5.3)', () => {
  it('show at a write, once', () => {
    const apic = rig([0]).apic(0);
    apic.writeRegister(0x300, 0x400f);
    expect(apic.readRegister(0x280)).toBe(0);
    expect(esr(apic)).toBe(0x20);
    expect(apic.readRegister(0x280)).toBe(0x20);
    expect(esr(apic)).toBe(0);
  });

  it('raise the LVT error interrupt when it is not masked', () => {
    const apic = rig([0]).apic(0);
    apic.writeRegister(0x300, 0x400f);
    expect(apic.pendingVector(true)).toBeNull();
    apic.writeRegister(0x370, 0xfe);
    apic.writeRegister(0x300, 0x400f);
    expect(apic.pendingVector(true)).toBe(0xfe);
  });

  it('an illegal vector in the LVT error entry is an error of its own and ends there', () => {
    const apic = rig([0]).apic(0);
    apic.writeRegister(0x370, 0x0e);
    apic.writeRegister(0x300, 0x400f);
    expect(esr(apic)).toBe(0x60);
    expect(apic.pendingVector(true)).toBeNull();
  });
});
