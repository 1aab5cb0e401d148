import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KernelEvent } from '../../../src/event/event.ts';
import type { Hardware } from '../../../src/kernel/hardware.ts';
import { type page, PageAllocator } from '../../../src/kernel/page_alloc.ts';

const FRAMES = 40;
const FIRST = 3;

/** Memory that nobody looks into; the allocator never does. */
function hardware(events: KernelEvent[]): Hardware {
  return {
    processors: 1,
    features: { pcid: true, invpcid: true, globalPages: true, nx: true, levels: 4 },
    frames: FRAMES,
    poke: () => {},
    peek: () => 0n,
    tell: (event) => events.push(event),
    listening: true,
  };
}

describe('page allocator', () => {
  test('the frame freed last is allocated next', () => {
    const pages = new PageAllocator(hardware([]), FIRST);
    const [one, two] = [pages.alloc_pages('user', 2, 0), pages.alloc_pages('user', 2, 0)] as [page, page];
    pages.put_page(0, one);
    pages.put_page(0, two);
    expect(pages.alloc_pages('user', 2, 0)?.frame).toBe(two.frame);
    expect(pages.alloc_pages('user', 2, 0)?.frame).toBe(one.frame);
  });

  test('every frame but the reserved ones can be had, once; then none', () => {
    const pages = new PageAllocator(hardware([]), FIRST);
    const frames = new Set<number>();
    for (let page = pages.alloc_pages('user', 2, 0); page !== null; page = pages.alloc_pages('user', 2, 0)) {
      frames.add(page.frame);
    }
    expect(frames.size).toBe(FRAMES - FIRST);
    expect(Math.min(...frames)).toBe(FIRST);
  });

  test('no frame has two owners, and each of its epochs is allocated once and freed once (seed 1)', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('allocate', 'get', 'put'), fc.nat()), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (run) => {
        const events: KernelEvent[] = [];
        const pages = new PageAllocator(hardware(events), FIRST);
        const held: page[] = [];
        for (const [step, choice] of run) {
          const page = held[choice % Math.max(1, held.length)];
          if (step === 'allocate') {
            const taken = pages.alloc_pages('user', 2, 0);
            if (taken !== null) held.push(taken);
          } else if (page !== undefined && step === 'get') {
            pages.get_page(page);
            held.push(page);
          } else if (page !== undefined) {
            held.splice(held.indexOf(page), 1);
            pages.put_page(0, page);
          }
        }
        expect(pages.allocated).toBe(new Set(held).size);
        const owned = new Map<number, number>();
        for (const event of events) {
          if (event.kind === 'frame-allocate') {
            expect(owned.has(event.frame)).toBe(false);
            owned.set(event.frame, event.epoch);
          } else if (event.kind === 'frame-free') {
            expect(owned.get(event.frame)).toBe(event.epoch);
            owned.delete(event.frame);
          }
        }
        expect(new Set(owned.keys())).toEqual(new Set(held.map(({ frame }) => frame)));
      }),
      { seed: 1 },
    );
  });
});
