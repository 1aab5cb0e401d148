/** NMI, INIT and start-up IPIs as a local APIC takes them (SDM 3A 9.4, 6.7.1, 11.4.7, 11.6.1). */
import { describe, expect, it } from 'vitest';
import { InvariantError, UnsupportedError } from '../../src/base/errors.ts';
import { rig } from './rig.ts';

/** ICR_LOW values. */
const NMI = 0x4400;
const INIT = 0xc500;
const INIT_DEASSERT = 0x8500;
const SIPI_AT_8000 = 0x4608;
const OTHERS = 0xc_0000;

describe('NMI', () => {
  it('is latched whatever IF and TPR say, even while software disabled, and once (6.7.1, 11.4.7.2)', () => {
    const { apic, deliverAll, events } = rig([0, 1]);
    apic(1).writeRegister(0x80, 0xff);
    apic(1).writeRegister(0xf0, 0xff);
    apic(0).writeRegister(0x300, NMI | OTHERS);
    expect(apic(1).nmiPending).toBe(false);
    deliverAll();
    expect(apic(1).nmiPending).toBe(true);
    expect(apic(0).nmiPending).toBe(false);
    expect(apic(1).pendingVector(false)).toBeNull();
    expect(apic(1).pendingVector(true)).toBeNull();
    apic(0).writeRegister(0x300, NMI | OTHERS);
    deliverAll();
    expect(events.filter(({ kind }) => kind === 'ipi-accept')).toMatchObject([
      { coalesced: false },
      { coalesced: true },
    ]);
    apic(1).acknowledgeNmi();
    expect(apic(1).nmiPending).toBe(false);
    expect(() => apic(1).acknowledgeNmi()).toThrow(InvariantError);
  });
});

describe('INIT and start-up', () => {
  it('INIT makes an application processor wait; a start-up IPI starts it at its page; a second is ignored (9.4.4)', () => {
    const { apic, bus, deliverAll } = rig([0, 1]);
    apic(0).writeRegister(0x300, INIT | OTHERS);
    deliverAll();
    expect(apic(1)).toMatchObject({ startup: 'wait-for-sipi', initPending: true, softwareEnabled: false });
    apic(1).acknowledgeInit();
    apic(0).writeRegister(0x300, SIPI_AT_8000 | OTHERS);
    deliverAll();
    expect(apic(1)).toMatchObject({ startup: 'running', startupVector: 0x08, initPending: false });
    apic(0).writeRegister(0x300, 0x4609 | OTHERS);
    const [second] = bus.inFlight;
    if (second === undefined) throw new Error('nothing in flight');
    expect(bus.deliver(second)).toBe('dropped');
    expect(apic(1).startupVector).toBe(0x08);
  });

  it('INIT leaves the bootstrap processor running', () => {
    const { apic, deliverAll } = rig([0, 1]);
    apic(1).writeRegister(0x300, INIT | OTHERS);
    deliverAll();
    expect(apic(0)).toMatchObject({ startup: 'running', initPending: true });
  });

  it('INIT level de-assert does nothing (11.6.1)', () => {
    const { apic, bus } = rig([0, 1]);
    apic(0).writeRegister(0x300, INIT_DEASSERT | OTHERS);
    expect(bus.inFlight).toEqual([]);
  });

  it('a start-up IPI overtakes the INIT before it and is lost: in-flight IPIs have no order', () => {
    const { apic, bus } = rig([0, 1]);
    apic(0).writeRegister(0x300, INIT | OTHERS);
    apic(0).writeRegister(0x300, SIPI_AT_8000 | OTHERS);
    const [init, sipi] = bus.inFlight;
    if (init === undefined || sipi === undefined) throw new Error('two are in flight');
    expect(bus.deliver(sipi)).toBe('dropped');
    expect(bus.deliver(init)).toBe('accepted');
    expect(apic(1).startup).toBe('wait-for-sipi');
  });

  it('INIT forgets what was pending, and keeps ID and mode (11.4.7.3, 11.12.5.1)', () => {
    const { apic, deliverAll } = rig([0, 0x33], 'x2APIC');
    apic(0).sendFixed(0x40, [1]);
    apic(0).writeMsr(0x830, 0x4400n | BigInt(OTHERS));
    deliverAll();
    expect(apic(1)).toMatchObject({ nmiPending: true });
    expect(apic(1).pendingVector(true)).toBe(0x40);
    apic(0).writeMsr(0x830, 0x4500n | BigInt(OTHERS));
    deliverAll();
    expect(apic(1)).toMatchObject({ nmiPending: false, mode: 'x2APIC' });
    expect(apic(1).readMsr(0x802)).toBe(0x33n);
    expect(apic(1).readMsr(0x80d)).toBe(0x3_0008n);
    expect(apic(1).readMsr(0x80f)).toBe(0xffn);
    apic(1).startup = 'running';
    expect(apic(1).pendingVector(true)).toBeNull();
  });

  it('a processor that waits takes no interrupt', () => {
    const { apic, deliverAll } = rig([0, 1]);
    apic(0).sendFixed(0x40, [1]);
    deliverAll();
    apic(1).startup = 'wait-for-sipi';
    expect(apic(1).pendingVector(true)).toBeNull();
    apic(1).startup = 'running';
    expect(apic(1).pendingVector(true)).toBe(0x40);
  });
});

describe('what is not modelled stops', () => {
  it.each([
    { given: 'SMI', low: 0x4200 },
    { given: 'a reserved delivery mode', low: 0x4340 },
    { given: 'NMI to itself by shorthand', low: 0x4_4400 },
  ])('$given', ({ low }) => {
    expect(() => rig([0, 1]).apic(0).writeRegister(0x300, low)).toThrow(UnsupportedError);
  });
});
