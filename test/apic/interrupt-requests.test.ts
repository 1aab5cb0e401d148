/** IRR, ISR, TPR and PPR against sets of vectors: the rules of SDM 3A 11.8.3 and 11.8.4 in their plainest form. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InterruptRequests } from '../../src/apic/interrupt-requests.ts';
import type { VectorSet } from '../../src/apic/vector-set.ts';

const SEED = 20230601;

interface Model {
  requested: Set<number>;
  inService: Set<number>;
  tpr: number;
}

function modelPpr({ inService, tpr }: Model): number {
  const isrv = inService.size === 0 ? 0 : Math.max(...inService);
  const tprClass = Math.floor(tpr / 16);
  const isrvClass = Math.floor(isrv / 16);
  return tprClass >= isrvClass ? tpr : isrvClass * 16;
}

function modelDeliverable(model: Model): number | null {
  const best = [...model.requested].sort((a, b) => b - a).at(0);
  if (best === undefined) return null;
  return Math.floor(best / 16) > Math.floor(modelPpr(model) / 16) ? best : null;
}

/** Few enough to meet again: three vectors in each of five classes, and any at all. */
const vector = fc.oneof(
  fc.constantFrom(...[0x20, 0x30, 0x40, 0xe0, 0xf0].flatMap((first) => [first, first + 1, first + 15])),
  fc.integer({ min: 16, max: 255 }),
);
const operation = fc.oneof(
  { weight: 4, arbitrary: vector.map((value) => ({ kind: 'request' as const, value })) },
  { weight: 3, arbitrary: fc.constant({ kind: 'serve' as const, value: 0 }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'finish' as const, value: 0 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 0x10, 0x2f, 0x35, 0xe0, 0xff).map((value) => ({ kind: 'tpr' as const, value })),
  },
);

describe('acceptance and priority of fixed interrupts', () => {
  it(`agrees with sets of vectors (seed ${SEED})`, () => {
    let served = 0;
    let coalesced = 0;
    fc.assert(
      fc.property(fc.array(operation, { minLength: 30, maxLength: 60, size: 'max' }), (operations) => {
        const requests = new InterruptRequests();
        const model: Model = { requested: new Set(), inService: new Set(), tpr: 0 };
        for (const { kind, value } of operations) {
          if (kind === 'request') {
            expect(requests.request(value)).toBe(model.requested.has(value));
            if (model.requested.has(value)) coalesced++;
            model.requested.add(value);
          } else if (kind === 'serve') {
            const expected = modelDeliverable(model);
            expect(requests.serve()).toBe(expected);
            if (expected !== null) {
              served++;
              model.requested.delete(expected);
              model.inService.add(expected);
            }
          } else if (kind === 'finish') {
            requests.finish();
            if (model.inService.size > 0) model.inService.delete(Math.max(...model.inService));
          } else {
            requests.taskPriority = value;
            model.tpr = value;
          }
          expect(requests.processorPriority()).toBe(modelPpr(model));
          expect(requests.deliverable()).toBe(modelDeliverable(model));
          expect(bits(requests.irr)).toEqual([...model.requested].sort((a, b) => a - b));
          expect(bits(requests.isr)).toEqual([...model.inService].sort((a, b) => a - b));
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
    expect(served).toBeGreaterThan(500);
    expect(coalesced).toBeGreaterThan(50);
  });

  const rows = [
    { cite: '11.8.3.1', given: { tpr: 0x4a, inService: 0x35 }, expect: 0x4a },
    { cite: '11.8.3.1', given: { tpr: 0x3a, inService: 0x45 }, expect: 0x40 },
    { cite: '11.8.3.1 (equal classes: model)', given: { tpr: 0x4a, inService: 0x45 }, expect: 0x4a },
    { cite: '11.8.3.1', given: { tpr: 0, inService: 0xff }, expect: 0xf0 },
  ];
  it.each(rows)('PPR ($cite) of $given', ({ given, expect: expected }) => {
    const requests = new InterruptRequests();
    requests.request(given.inService);
    requests.serve();
    requests.taskPriority = given.tpr;
    expect(requests.processorPriority()).toBe(expected);
  });

  it('holds back a vector of the same class as the one in service, and lets a higher class through (11.8.3)', () => {
    const requests = new InterruptRequests();
    requests.request(0x41);
    requests.serve();
    requests.request(0x4f);
    expect(requests.deliverable()).toBeNull();
    requests.request(0x50);
    expect(requests.deliverable()).toBe(0x50);
  });
});

function bits(set: VectorSet): number[] {
  return Array.from({ length: 256 }, (_, vectorOf) => vectorOf).filter((vectorOf) => set.has(vectorOf));
}
