/** Guest-physical memory, and how changes of paging structures show. */
import { describe, expect, test } from 'vitest';
import { addressInFrame, frameNumber, physicalAddress } from '../../src/arch/address.ts';
import { makeEntry } from '../../src/arch/paging-entry.ts';
import { UnsupportedError } from '../../src/base/errors.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { EventStream } from '../../src/event/stream.ts';
import { FrameGuards, Guard } from '../../src/memory/frame-guards.ts';
import { NO_PROCESSOR, PhysicalMemory } from '../../src/memory/physical-memory.ts';

const FRAME = frameNumber(3);
const at = (offset: number) => addressInFrame(FRAME, offset);

function memoryWithEvents() {
  const stream = new EventStream();
  const events: MachineEvent[] = [];
  stream.observe((event) => events.push(event));
  return { memory: new PhysicalMemory(16, stream), stream, events };
}

describe('reading and writing', () => {
  test('little-endian, of any size, aligned or not, across frames', () => {
    const { memory } = memoryWithEvents();
    memory.write64(at(0), 0x1122_3344_5566_7788n);
    expect([memory.read8(at(0)), memory.read16(at(1)), memory.read32(at(2))]).toEqual([0x88, 0x6677, 0x3344_5566]);
    memory.write64(at(4092), 0xaabb_ccdd_eeff_0011n);
    expect(memory.read64(at(4092))).toBe(0xaabb_ccdd_eeff_0011n);
    expect(memory.read32(at(4096))).toBe(0xaabb_ccdd);
    memory.write8(at(1), 0x1ff);
    memory.write16(at(2), 0x1_2345);
    memory.write32(at(4), 0xdead_beef);
    expect(memory.read64(at(0))).toBe(0xdead_beef_2345_ff88n);
  });

  test('beyond the end is unsupported, in part too, and says where', () => {
    const { memory } = memoryWithEvents();
    const end = physicalAddress(16 * 4096);
    for (const access of [
      () => memory.read8(end),
      () => memory.read32(physicalAddress(end - 2)),
      () => memory.read64(end),
      () => memory.read64(physicalAddress(end - 4)),
      () => memory.write8(end, 0),
      () => memory.write64(end, 0n),
      () => memory.store(0, end, 0n, 0),
      () => memory.zeroFrame(0, frameNumber(16)),
      () => memory.copyFrame(0, frameNumber(16), frameNumber(1)),
      () => memory.markPagingStructure(frameNumber(16)),
    ]) {
      expect(access).toThrow(UnsupportedError);
    }
    expect(() => memory.read8(end)).toThrow('0x10000: memory ends at 0x10000');
  });

  test('frames are zeroed and copied whole', () => {
    const { memory } = memoryWithEvents();
    memory.write64(at(8), 5n);
    memory.copyFrame(0, FRAME, frameNumber(4));
    memory.zeroFrame(0, FRAME);
    expect([memory.read64(at(8)), memory.read64(addressInFrame(frameNumber(4), 8))]).toEqual([0n, 5n]);
  });

  test('a gigabyte touched sparsely costs what is touched', () => {
    const before = process.memoryUsage().rss;
    const memory = new PhysicalMemory(2 ** 18, new EventStream());
    for (let frame = 0; frame < 2 ** 18; frame += 2 ** 8) memory.write8(addressInFrame(frameNumber(frame), 0), 1);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });
});

describe('paging structures', () => {
  test('outside of them nothing is announced', () => {
    const { memory, events } = memoryWithEvents();
    let asked = 0;
    memory.beforePagingWrite(() => {
      asked += 1;
    });
    memory.store(0, at(0), 5n, 0);
    memory.zeroFrame(0, FRAME);
    expect([events, asked]).toEqual([[], 0]);
  });

  test('a store that changes an entry: first those who asked to know, on the old value; then the event', () => {
    const { memory, stream, events } = memoryWithEvents();
    memory.markPagingStructure(FRAME);
    const seen: [number, bigint][] = [];
    memory.beforePagingWrite((address) => seen.push([address, memory.read64(address)]));
    stream.time = 12;
    memory.store(2, at(8), 7n, 10);
    expect(seen).toEqual([[at(8), 0n]]);
    expect(events).toEqual([
      { kind: 'paging-write', processor: 2, address: at(8), before: 0n, after: 7n, by: 'software', issued: 10 },
    ]);
  });

  test('a store of the same value is no change', () => {
    const { memory, events } = memoryWithEvents();
    memory.markPagingStructure(FRAME);
    memory.store(0, at(8), 0n, 0);
    expect(events).toEqual([]);
  });

  test('what a hook’s walk changed meanwhile is what was there before', () => {
    const { memory, events } = memoryWithEvents();
    memory.write64(at(8), 1n);
    memory.markPagingStructure(FRAME);
    memory.beforePagingWrite((address) => memory.updateEntry(1, address, 1n, 33n));
    memory.store(0, at(8), 2n, 0);
    expect(events).toMatchObject([
      { by: 'walk', before: 1n, after: 33n },
      { by: 'software', before: 33n, after: 2n },
    ]);
  });

  test('narrow writes, by nobody’s processor, are announced by the entry that they change', () => {
    const { memory, events } = memoryWithEvents();
    memory.write64(at(0), 0x1111_1111_1111_1111n);
    memory.markPagingStructure(FRAME);
    memory.write8(at(2), 0xff);
    expect(events).toMatchObject([{ processor: NO_PROCESSOR, address: at(0), after: 0x1111_1111_11ff_1111n }]);
  });

  test('a locked update writes only over what was read', () => {
    const { memory } = memoryWithEvents();
    memory.write64(at(0), 1n);
    expect([memory.updateEntry(0, at(0), 2n, 3n), memory.updateEntry(0, at(0), 1n, 3n)]).toEqual([false, true]);
    expect(memory.read64(at(0))).toBe(3n);
  });

  test('copying onto a structure announces the words that change', () => {
    const { memory, events } = memoryWithEvents();
    memory.markPagingStructure(FRAME);
    memory.write64(addressInFrame(frameNumber(4), 16), 9n);
    memory.copyFrame(1, frameNumber(4), FRAME);
    expect(events).toMatchObject([{ processor: 1, address: at(16), before: 0n, after: 9n }]);
  });
});

describe('discovery of what a loaded root reaches', () => {
  const [ROOT, L3, L2, L1, OTHER] = [1, 2, 3, 4, 5].map(frameNumber) as [
    typeof FRAME,
    typeof FRAME,
    typeof FRAME,
    typeof FRAME,
    typeof FRAME,
  ];
  const entry = (frame: typeof FRAME): bigint => makeEntry(frame, 7n);

  function hierarchy() {
    const { memory } = memoryWithEvents();
    memory.write64(addressInFrame(ROOT, 0), entry(L3));
    memory.write64(addressInFrame(L3, 8), entry(L2));
    memory.write64(addressInFrame(L2, 16), entry(L1));
    return memory;
  }
  const marked = (memory: PhysicalMemory): number[] =>
    Array.from({ length: 16 }, (_, frame) => frame).filter((frame) => memory.isPagingStructure(frameNumber(frame)));

  test('before a root is loaded nothing is known', () => {
    expect(marked(hierarchy())).toEqual([]);
  });

  test('loading it follows it whole', () => {
    const memory = hierarchy();
    memory.noteRoot(0, ROOT, 4);
    expect(marked(memory)).toEqual([ROOT, L3, L2, L1]);
    expect(memory.pagingReferences(L1)).toEqual([{ level: 1, parent: addressInFrame(L2, 16) }]);
    expect(memory.pagingReferences(ROOT)).toEqual([{ level: 4, parent: null }]);
  });

  test('a table that is hung in later is followed when it is; entries that map pages are not', () => {
    const memory = hierarchy();
    memory.noteRoot(0, ROOT, 4);
    memory.store(0, addressInFrame(L2, 24), makeEntry(frameNumber(6), 0x87n), 0);
    memory.store(0, addressInFrame(L1, 24), entry(frameNumber(7)), 0);
    expect(marked(memory)).not.toContain(6);
    expect(marked(memory)).not.toContain(7);
    memory.store(0, addressInFrame(L2, 32), entry(OTHER), 0);
    expect(marked(memory)).toContain(OTHER);
  });

  test('nothing is followed below a hierarchy that is not loaded any more', () => {
    const memory = hierarchy();
    memory.noteRoot(0, ROOT, 4);
    memory.noteRoot(0, frameNumber(8), 4);
    memory.store(0, addressInFrame(L2, 32), entry(OTHER), 0);
    expect(marked(memory)).not.toContain(OTHER);
  });

  test('references that no longer hold are left out', () => {
    const memory = hierarchy();
    memory.noteRoot(0, ROOT, 4);
    memory.store(0, addressInFrame(L2, 16), 0n, 0);
    expect(memory.pagingReferences(L1)).toEqual([]);
  });

  test('a hierarchy that refers to itself is followed once', () => {
    const memory = hierarchy();
    memory.write64(addressInFrame(ROOT, 4088), entry(ROOT));
    memory.noteRoot(0, ROOT, 4);
    expect(
      memory
        .pagingReferences(ROOT)
        .map(({ level }) => level)
        .sort(),
    ).toEqual([1, 2, 3, 4]);
  });
});

describe('memory that moves', () => {
  test('is where generated code reaches it, with everything that was written', () => {
    const memory = new PhysicalMemory(8, new EventStream());
    memory.write8(addressInFrame(frameNumber(1), 9), 7);
    memory.write64(addressInFrame(frameNumber(3), 8), 5n);
    memory.copyFrame(-1, frameNumber(3), frameNumber(5));
    memory.storeBytes(0, addressInFrame(frameNumber(6), 1), 7, 0x77_6655_4433_2211n);
    const buffer = new ArrayBuffer(10 * 4096);
    memory.moveTo(buffer, 4096);
    expect(memory.read8(addressInFrame(frameNumber(1), 9))).toBe(7);
    for (const frame of [3, 5]) expect(memory.read64(addressInFrame(frameNumber(frame), 8))).toBe(5n);
    expect(memory.readBytes(addressInFrame(frameNumber(6), 1), 7)).toBe(0x77_6655_4433_2211n);
    memory.write32(addressInFrame(frameNumber(2), 4), 0x0403_0201);
    expect([...new Uint8Array(buffer, 3 * 4096 + 4, 4)]).toEqual([1, 2, 3, 4]);
    // What is written there by others is seen, and zeroed.
    new Uint8Array(buffer)[8 * 4096] = 1;
    expect(memory.read8(addressInFrame(frameNumber(7), 0))).toBe(1);
    memory.zeroFrame(-1, frameNumber(7));
    expect(memory.read8(addressInFrame(frameNumber(7), 0))).toBe(0);
  });
});

describe('guarded frames', () => {
  test('of code tell of every write, and of nothing else', () => {
    const memory = new PhysicalMemory(8, new EventStream());
    const written: [number, number][] = [];
    memory.afterCodeWrite((address, bytes) => written.push([address, bytes]));
    memory.write8(addressInFrame(frameNumber(2), 1), 1);
    memory.guards.add(frameNumber(2), Guard.code);
    memory.write8(addressInFrame(frameNumber(2), 1), 2);
    memory.storeBytes(0, addressInFrame(frameNumber(2), 16), 8, 0n);
    memory.storeBytes(0, addressInFrame(frameNumber(2), 33), 3, 0n);
    memory.zeroFrame(0, frameNumber(2));
    memory.copyFrame(0, frameNumber(1), frameNumber(2));
    memory.write8(addressInFrame(frameNumber(3), 1), 2);
    expect(written).toEqual([
      [8193, 1],
      [8208, 8],
      [8225, 3],
      [8192, 4096],
      [8192, 4096],
    ]);
    memory.guards.remove(frameNumber(2), Guard.code);
    memory.write8(addressInFrame(frameNumber(2), 1), 1);
    expect(written).toHaveLength(5);
  });

  test('say when the first guard comes and the last goes', () => {
    const guards = new FrameGuards(4);
    const changes: number[] = [];
    guards.onChange((frame) => changes.push(frame));
    guards.add(frameNumber(1), Guard.code);
    guards.add(frameNumber(1), Guard.pagingStructure);
    guards.remove(frameNumber(1), Guard.code);
    expect([changes, guards.guarded(frameNumber(1)), guards.guarded(frameNumber(9))]).toEqual([[1], true, false]);
    guards.remove(frameNumber(1), Guard.pagingStructure);
    expect([changes, guards.guarded(frameNumber(1))]).toEqual([[1, 1], false]);
  });
});
