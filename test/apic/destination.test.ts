/** Who an IPI is for, against the manual's rules written a second time (SDM 3A 11.6.2, 11.12.10). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../src/base/errors.ts';
import { isDestination, logicalX2apicId } from '../../src/apic/destination.ts';
import type { IpiDestination, IpiTarget } from '../../src/apic/ipi.ts';
import { rig, toX2apic } from './rig.ts';

const SEED = 20230602;

function target(fields: Partial<IpiTarget>): IpiTarget {
  return {
    processor: 1,
    id: 1,
    mode: 'xAPIC',
    logicalDestination: 0,
    destinationFormat: 0xffff_ffff,
    accept: () => 'accepted',
    ...fields,
  };
}

function matches(mode: 'xAPIC' | 'x2APIC', destination: IpiDestination, fields: Partial<IpiTarget>): boolean {
  return isDestination({ sender: 0, mode, destination }, target({ mode, ...fields }));
}

/** The eight bits from the most significant, as text: a second way to compare. */
const byte = (value: number): string => value.toString(2).padStart(8, '0');
const shareOne = (a: string, b: string): boolean => [...a].some((bit, index) => bit === '1' && b[index] === '1');

describe('xAPIC logical destinations', () => {
  it('match in the flat model where a bit is shared, or at 0xFF: all 65536 (11.6.2.2)', () => {
    let matched = 0;
    for (let mda = 0; mda < 256; mda++) {
      for (let logicalId = 0; logicalId < 256; logicalId++) {
        const expected = mda === 255 || shareOne(byte(mda), byte(logicalId));
        const actual = matches('xAPIC', { kind: 'logical', id: mda }, { logicalDestination: (logicalId << 24) >>> 0 });
        if (actual !== expected) expect({ mda, logicalId, actual }).toEqual({ mda, logicalId, actual: expected });
        if (actual) matched++;
      }
    }
    // Of 4^8 pairs, 3^8 share no bit; LDR 0 with MDA 0xFF shares none and matches.
    expect(matched).toBe(4 ** 8 - 3 ** 8 + 1);
  });

  it('match in the cluster model within one cluster, or at 0xFF: all 65536 (11.6.2.2)', () => {
    for (let mda = 0; mda < 256; mda++) {
      for (let logicalId = 0; logicalId < 256; logicalId++) {
        const [a, b] = [byte(mda), byte(logicalId)];
        const expected = mda === 255 || (a.slice(0, 4) === b.slice(0, 4) && shareOne(a.slice(4), b.slice(4)));
        const actual = matches(
          'xAPIC',
          { kind: 'logical', id: mda },
          { logicalDestination: (logicalId << 24) >>> 0, destinationFormat: 0x0fff_ffff },
        );
        if (actual !== expected) expect({ mda, logicalId, actual }).toEqual({ mda, logicalId, actual: expected });
      }
    }
  });

  it('refuse the models that DFR does not define', () => {
    expect(() => matches('xAPIC', { kind: 'logical', id: 1 }, { destinationFormat: 0x7fff_ffff })).toThrow(
      UnsupportedError,
    );
  });
});

describe('x2APIC logical destinations', () => {
  it(`match within one cluster (seed ${SEED})`, () => {
    const id = fc.integer({ min: 0, max: 0xf_ffff });
    fc.assert(
      fc.property(id, id, fc.integer({ min: 0, max: 0xffff }), (targetId, clusterSource, bits) => {
        const cluster = clusterSource % 4 === 0 ? Math.floor(targetId / 16) : Math.floor(clusterSource / 16);
        const address = (cluster % 65536) * 65536 + bits;
        const expected = cluster === Math.floor(targetId / 16) && Math.floor(bits / 2 ** (targetId % 16)) % 2 === 1;
        const destination: IpiDestination = { kind: 'logical', id: address };
        const fields = { id: targetId, logicalDestination: logicalX2apicId(targetId) };
        fc.pre(address !== 0xffff_ffff);
        expect(matches('x2APIC', destination, fields)).toBe(expected);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  const rows = [
    { cite: '11.12.10.2', given: 0, expect: 0x0000_0001 },
    { cite: '11.12.10.2', given: 0xf, expect: 0x0000_8000 },
    { cite: '11.12.10.2', given: 0x10, expect: 0x0001_0001 },
    { cite: '11.12.10.2', given: 0xf_fff3, expect: 0xffff_0008 },
  ];
  it.each(rows)('$cite: the logical ID of $given', ({ given, expect: expected }) => {
    expect(logicalX2apicId(given)).toBe(expected);
  });
});

describe('physical destinations and shorthands', () => {
  const rows = [
    {
      given: 'xAPIC: its ID',
      mode: 'xAPIC',
      destination: { kind: 'physical', id: 5 },
      fields: { id: 5 },
      expect: true,
    },
    {
      given: 'xAPIC: eight bits',
      mode: 'xAPIC',
      destination: { kind: 'physical', id: 5 },
      fields: { id: 0x105 },
      expect: true,
    },
    {
      given: 'xAPIC: another ID',
      mode: 'xAPIC',
      destination: { kind: 'physical', id: 5 },
      fields: { id: 4 },
      expect: false,
    },
    {
      given: 'xAPIC: all',
      mode: 'xAPIC',
      destination: { kind: 'physical', id: 0xff },
      fields: { id: 4 },
      expect: true,
    },
    {
      given: 'x2APIC: its ID',
      mode: 'x2APIC',
      destination: { kind: 'physical', id: 0x105 },
      fields: { id: 0x105 },
      expect: true,
    },
    {
      given: 'x2APIC: 255 is one',
      mode: 'x2APIC',
      destination: { kind: 'physical', id: 0xff },
      fields: { id: 4 },
      expect: false,
    },
    {
      given: 'x2APIC: all',
      mode: 'x2APIC',
      destination: { kind: 'physical', id: 0xffff_ffff },
      fields: { id: 4 },
      expect: true,
    },
    {
      given: 'x2APIC: all, logical',
      mode: 'x2APIC',
      destination: { kind: 'logical', id: 0xffff_ffff },
      fields: {},
      expect: true,
    },
    {
      given: 'disabled',
      mode: 'xAPIC',
      destination: { kind: 'physical', id: 0xff },
      fields: { mode: 'disabled' },
      expect: false,
    },
    { given: 'self: another', mode: 'xAPIC', destination: { kind: 'self' }, fields: {}, expect: false },
    { given: 'self', mode: 'xAPIC', destination: { kind: 'self' }, fields: { processor: 0 }, expect: true },
    {
      given: 'all: itself',
      mode: 'xAPIC',
      destination: { kind: 'all including self' },
      fields: { processor: 0 },
      expect: true,
    },
    {
      given: 'others: itself',
      mode: 'xAPIC',
      destination: { kind: 'all excluding self' },
      fields: { processor: 0 },
      expect: false,
    },
    { given: 'others', mode: 'xAPIC', destination: { kind: 'all excluding self' }, fields: {}, expect: true },
  ] as const;
  it.each(rows)('$given: $expect', ({ mode, destination, fields, expect: expected }) => {
    expect(matches(mode, destination, fields)).toBe(expected);
  });

  it('reach an APIC in the other mode by physical ID, and refuse a logical one', () => {
    const { apic, bus } = rig([0, 1]);
    toX2apic(apic(0));
    apic(0).writeMsr(0x830, 0x1_0000_4040n);
    expect(bus.inFlight).toMatchObject([{ sender: 0, target: 1, vector: 0x40 }]);
    expect(() => apic(0).writeMsr(0x830, 0x2_0000_4840n)).toThrow(UnsupportedError);
  });
});
