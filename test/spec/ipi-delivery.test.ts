/**
 * The protocol between an ICR write on one processor and an interrupt on another (SDM 3A 11.6, 11.8, 11.9): what is
 * promised, and what is not. Both forms of the local APIC must agree.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/base/errors.ts';
import { type Rig, rig, takeAll } from '../apic/rig.ts';

const SEED = 20230604;

function received({ apics }: Rig): number[][] {
  return apics.map(takeAll);
}

describe.each(['xAPIC', 'x2APIC'] as const)('in %s mode', (mode) => {
  const make = (): Rig => rig([0, 1, 2], mode);
  /** Writes the whole ICR. */
  const command = ({ apic }: Rig, destination: number, low: number): void => {
    if (mode === 'x2APIC') {
      apic(0).writeMsr(0x830, (BigInt(destination) << 32n) | BigInt(low));
      return;
    }
    apic(0).writeRegister(0x310, destination << 24);
    apic(0).writeRegister(0x300, low);
  };

  it('an IPI is nowhere but in flight until it is delivered', () => {
    const all = make();
    all.apic(0).sendFixed(0xfd, [1]);
    expect(all.bus.inFlight).toEqual([{ id: 0, sender: 0, target: 1, delivery: 'fixed', vector: 0xfd }]);
    expect(all.apic(1).pendingVector(true)).toBeNull();
    all.deliverAll();
    expect(all.bus.inFlight).toEqual([]);
    expect(all.apic(1).pendingVector(true)).toBe(0xfd);
    expect(all.events).toEqual([
      { kind: 'ipi-send', processor: 0, ipi: 0, vector: 0xfd, delivery: 'fixed', target: 1 },
      { kind: 'ipi-accept', processor: 1, ipi: 0, vector: 0xfd, coalesced: false },
    ]);
  });

  const reach = [
    { given: 'one processor', destination: 2, low: 0x40f0, expect: [[], [], [0xf0]] },
    {
      given: 'all processors, physical',
      destination: mode === 'xAPIC' ? 0xff : 0xffff_ffff,
      low: 0x40f0,
      expect: [[0xf0], [0xf0], [0xf0]],
    },
    { given: 'itself', destination: 0, low: 0x4_40f0, expect: [[0xf0], [], []] },
    { given: 'all including itself', destination: 0, low: 0x8_40f0, expect: [[0xf0], [0xf0], [0xf0]] },
    { given: 'all but itself', destination: 0, low: 0xc_40f0, expect: [[], [0xf0], [0xf0]] },
    { given: 'nobody', destination: 9, low: 0x40f0, expect: [[], [], []] },
    { given: 'nobody: lowest priority is not sent', destination: 2, low: 0x41f0, expect: [[], [], []] },
    { given: 'nobody: illegal vector', destination: 2, low: 0x400f, expect: [[], [], []] },
  ];
  it.each(reach)('the ICR reaches $given', ({ destination, low, expect: expected }) => {
    const all = make();
    command(all, destination, low);
    all.deliverAll();
    expect(received(all)).toEqual(expected);
  });

  it('logical destinations reach a set', () => {
    const all = make();
    if (mode === 'xAPIC') {
      for (const apic of all.apics) apic.writeRegister(0xd0, 1 << (24 + apic.processor));
    }
    command(all, 0b110, 0x48f0);
    all.deliverAll();
    expect(received(all)).toEqual([[], [0xf0], [0xf0]]);
  });

  it('IF = 0 holds an interrupt back, and keeps it (6.8.1)', () => {
    const all = make();
    all.apic(0).sendFixed(0xfd, [1]);
    all.deliverAll();
    expect(all.apic(1).pendingVector(false)).toBeNull();
    expect(all.apic(1).pendingVector(true)).toBe(0xfd);
  });

  it('two of one vector become one while the first waits in IRR (11.8.4)', () => {
    const all = make();
    all.apic(0).sendFixed(0xfd, [1]);
    all.apic(2).sendFixed(0xfd, [1]);
    all.deliverAll();
    expect(all.events.filter(({ kind }) => kind === 'ipi-accept')).toMatchObject([
      { ipi: 0, coalesced: false },
      { ipi: 1, coalesced: true },
    ]);
    expect(takeAll(all.apic(1))).toEqual([0xfd]);
    all.apic(1).endOfInterrupt();
    expect(takeAll(all.apic(1))).toEqual([]);
  });

  it('two of one vector stay two once the first is in service: the second comes after the EOI (11.8.4)', () => {
    const all = make();
    all.apic(0).sendFixed(0xfd, [1]);
    all.deliverAll();
    expect(all.apic(1).acknowledge()).toBe(0xfd);
    all.apic(2).sendFixed(0xfd, [1]);
    all.deliverAll();
    expect(all.events.at(-1)).toMatchObject({ kind: 'ipi-accept', coalesced: false });
    expect(all.apic(1).pendingVector(true)).toBeNull();
    all.apic(1).endOfInterrupt();
    expect(all.apic(1).pendingVector(true)).toBe(0xfd);
  });

  it('a higher class interrupts a handler, the same class waits for its EOI (11.8.3)', () => {
    const all = make();
    all.apic(0).sendFixed(0x52, [1]);
    all.deliverAll();
    all.apic(1).acknowledge();
    all.apic(0).sendFixed(0x5f, [1]);
    all.deliverAll();
    expect(all.apic(1).pendingVector(true)).toBeNull();
    all.apic(0).sendFixed(0x61, [1]);
    all.deliverAll();
    expect(takeAll(all.apic(1))).toEqual([0x61]);
    all.apic(1).endOfInterrupt();
    expect(all.apic(1).pendingVector(true)).toBeNull();
    all.apic(1).endOfInterrupt();
    expect(takeAll(all.apic(1))).toEqual([0x5f]);
  });

  it('TPR raised between the request and the acknowledgement gives the spurious vector, and no EOI is due (11.9)', () => {
    const all = make();
    const target = all.apic(1);
    target.enable(0xef);
    all.apic(0).sendFixed(0x52, [1]);
    all.deliverAll();
    expect(target.pendingVector(true)).toBe(0x52);
    writeTpr(target, 0x50);
    expect(target.acknowledge()).toBe(0xef);
    expect(target.pendingVector(true)).toBeNull();
    writeTpr(target, 0x4f);
    expect(takeAll(target)).toEqual([0x52]);
  });

  it('what reaches a software-disabled APIC is lost (11.4.7.2)', () => {
    const all = rig([0, 1], mode, false);
    all.apic(0).sendFixed(0xfd, [1]);
    all.deliverAll();
    expect(all.events.map(({ kind }) => kind)).toEqual(['ipi-send']);
    all.apic(1).enable();
    expect(takeAll(all.apic(1))).toEqual([]);
  });

  it(`whatever the order of delivery, the same interrupts are taken (seed ${SEED})`, () => {
    const sends = fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 2 }), fc.integer({ min: 16, max: 40 })), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(sends, fc.infiniteStream(fc.nat()), (messages, choices) => {
        const all = make();
        for (const [from, to, vector] of messages) all.apic(from).sendFixed(vector, [to]);
        expect(all.bus.inFlight).toHaveLength(messages.length);
        while (all.bus.inFlight.length > 0) {
          const ipi = all.bus.inFlight[choices.next().value % all.bus.inFlight.length];
          if (ipi !== undefined) all.bus.deliver(ipi);
        }
        const distinct = new Set(messages.map(([, to, vector]) => `${to}:${vector}`));
        const accepted = all.events.filter((event) => event.kind === 'ipi-accept');
        expect(accepted).toHaveLength(messages.length);
        expect(accepted.filter((event) => event.kind === 'ipi-accept' && !event.coalesced)).toHaveLength(distinct.size);
        const taken = all.apics.flatMap((apic, to) => drain(apic).map((vector) => `${to}:${vector}`));
        expect(taken.sort()).toEqual([...distinct].sort());
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  it('an IPI is delivered once', () => {
    const all = make();
    all.apic(0).sendFixed(0xfd, [1]);
    const [ipi] = all.bus.inFlight;
    if (ipi === undefined) throw new Error('nothing in flight');
    all.bus.deliver(ipi);
    expect(() => all.bus.deliver(ipi)).toThrow(InvariantError);
  });

  function writeTpr(apic: Rig['apics'][number], value: number): void {
    if (mode === 'x2APIC') apic.writeMsr(0x808, BigInt(value));
    else apic.writeRegister(0x80, value);
  }
});

/** Takes and finishes every interrupt, one at a time: the highest first. */
function drain(apic: Rig['apics'][number]): number[] {
  const taken: number[] = [];
  while (apic.pendingVector(true) !== null) {
    taken.push(apic.acknowledge());
    apic.endOfInterrupt();
  }
  expect(taken).toEqual([...taken].sort((a, b) => b - a));
  return taken;
}
