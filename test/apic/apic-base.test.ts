/** IA32_APIC_BASE: every move between modes, and its reserved bits (SDM 3A 11.12.5 figure 11-27, 11.4.4). */
import { describe, expect, it } from 'vitest';
import { ApicMsr } from '../../src/arch/apic-registers.ts';
import { EventStream } from '../../src/event/stream.ts';
import { IpiBus } from '../../src/apic/ipi-bus.ts';
import { LocalApic } from '../../src/apic/local-apic.ts';
import { rig } from './rig.ts';

const EN = 0x800n;
const EXTD = 0x400n;
const ADDRESS = 0xfee0_0000n;
const GP = { vector: 13, errorCode: 0 };
const BITS = { disabled: 0n, invalid: EXTD, xAPIC: EN, x2APIC: EN | EXTD } as const;

/** The paths by which each mode is reached from reset. */
const REACH = { disabled: ['disabled'], xAPIC: [], x2APIC: ['x2APIC'] } as const;

/** Figure 11-27, arrow by arrow. */
const moves = [
  { from: 'disabled', to: 'disabled', allowed: true },
  { from: 'disabled', to: 'invalid', allowed: false },
  { from: 'disabled', to: 'xAPIC', allowed: true },
  { from: 'disabled', to: 'x2APIC', allowed: false },
  { from: 'xAPIC', to: 'disabled', allowed: true },
  { from: 'xAPIC', to: 'invalid', allowed: false },
  { from: 'xAPIC', to: 'xAPIC', allowed: true },
  { from: 'xAPIC', to: 'x2APIC', allowed: true },
  { from: 'x2APIC', to: 'disabled', allowed: true },
  { from: 'x2APIC', to: 'invalid', allowed: false },
  { from: 'x2APIC', to: 'xAPIC', allowed: false },
  { from: 'x2APIC', to: 'x2APIC', allowed: true },
] as const;

describe('the modes of a local APIC', () => {
  it.each(moves)('$from to $to: allowed $allowed', ({ from, to, allowed }) => {
    const apic = rig([0]).apic(0);
    for (const step of REACH[from]) expect(apic.writeMsr(ApicMsr.IA32_APIC_BASE, ADDRESS | BITS[step])).toBeNull();
    expect(apic.mode).toBe(from);
    expect(apic.writeMsr(ApicMsr.IA32_APIC_BASE, ADDRESS | BITS[to])).toEqual(allowed ? null : GP);
    expect(apic.mode).toBe(allowed ? to : from);
  });

  const reserved = [
    ...Array.from({ length: 8 }, (_, bit) => ({ bit, faults: true })),
    { bit: 8, faults: false },
    { bit: 9, faults: true },
    { bit: 12, faults: false },
    { bit: 35, faults: false },
    { bit: 36, faults: true },
    { bit: 63, faults: true },
  ];
  it.each(reserved)('bit $bit set: #GP $faults, with 36 physical-address bits', ({ bit, faults }) => {
    const bus = new IpiBus(new EventStream());
    const features = { x2apic: true, physicalAddressBits: 36 };
    const apic = new LocalApic({ id: 0, processor: 0, bus, stream: new EventStream(), features });
    const value = ADDRESS | EN | (1n << BigInt(bit));
    expect(apic.writeMsr(ApicMsr.IA32_APIC_BASE, value)).toEqual(faults ? GP : null);
    expect(apic.readMsr(ApicMsr.IA32_APIC_BASE) === value).toBe(!faults);
  });

  it('EXTD is reserved without x2APIC', () => {
    const stream = new EventStream();
    const apic = new LocalApic({ id: 0, processor: 0, bus: new IpiBus(stream), stream, features: { x2apic: false } });
    expect(apic.writeMsr(ApicMsr.IA32_APIC_BASE, ADDRESS | EN | EXTD)).toEqual(GP);
  });

  it('the registers are in memory in xAPIC mode only, where the base says', () => {
    const apic = rig([0]).apic(0);
    expect(apic.registerPage).toBe(0xfee0_0000);
    apic.writeMsr(ApicMsr.IA32_APIC_BASE, 0x1234_5000n | EN);
    expect(apic.registerPage).toBe(0x1234_5000);
    apic.writeMsr(ApicMsr.IA32_APIC_BASE, 0x1234_5000n | EN | EXTD);
    expect(apic.registerPage).toBeNull();
  });

  it('MSRs 800H to 8FFH fault outside x2APIC mode', () => {
    const apic = rig([0]).apic(0);
    expect(apic.readMsr(0x802)).toEqual(GP);
    expect(apic.writeMsr(0x80b, 0n)).toEqual(GP);
    apic.writeMsr(ApicMsr.IA32_APIC_BASE, ADDRESS | EN | EXTD);
    expect(apic.readMsr(0x802)).toBe(0n);
    expect(apic.writeMsr(0x80b, 0n)).toBeNull();
  });

  it('only processor 0 reports BSP', () => {
    const { apics } = rig([0, 1]);
    expect(apics.map((apic) => apic.readMsr(ApicMsr.IA32_APIC_BASE))).toEqual([0xfee0_0900n, 0xfee0_0800n]);
  });

  it('xAPIC to x2APIC keeps the registers but LDR and ICR_HIGH; disabling loses them (11.12.5.1, 11.4.3)', () => {
    const apic = rig([0x21]).apic(0);
    apic.writeRegister(0x80, 0x33);
    apic.writeRegister(0xd0, 0x5500_0000);
    apic.writeRegister(0x310, 0x0900_0000);
    apic.writeRegister(0x320, 0x40);
    apic.writeMsr(ApicMsr.IA32_APIC_BASE, ADDRESS | EN | EXTD);
    expect(apic.readMsr(0x808)).toBe(0x33n);
    expect(apic.readMsr(0x832)).toBe(0x40n);
    expect(apic.readMsr(0x80f)).toBe(0x1ffn);
    expect(apic.readMsr(0x80d)).toBe(0x2_0002n);
    expect(apic.readMsr(0x830)).toBe(0n);
    apic.writeMsr(ApicMsr.IA32_APIC_BASE, ADDRESS);
    apic.writeMsr(ApicMsr.IA32_APIC_BASE, ADDRESS | EN);
    expect(apic.readRegister(0x80)).toBe(0);
    expect(apic.readRegister(0xd0)).toBe(0);
    expect(apic.readRegister(0x320)).toBe(0x1_0000);
    expect(apic.readRegister(0xf0)).toBe(0xff);
    expect(apic.readRegister(0x20)).toBe(0x2100_0000);
  });
});
