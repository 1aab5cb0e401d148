/** Linear memory through the MMU: page crossings, faults that leave nothing done, and stores that change page tables. */
import { describe, expect, it } from 'vitest';
import { addressInFrame, frameNumber } from '../../src/arch/address.ts';
import { Vector } from '../../src/cpu/exception.ts';
import { MmuMemory } from '../../src/cpu/mmu-memory.ts';
import { P, PagingFixture, US } from '../mmu/paging-fixture.ts';

const page = 0x40_0000n;
const next = page + 4096n;

class Bench {
  readonly fixture = new PagingFixture();
  readonly port = new MmuMemory(this.fixture.mmu, this.fixture.memory);

  constructor() {
    this.fixture.map(page, 100);
    this.fixture.mmu.setPrivilege(3, false);
    this.fixture.events.length = 0;
  }
}

describe('linear memory through the MMU', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('keeps %i bytes, over a page boundary too', (bytes) => {
    const { fixture, port } = new Bench();
    fixture.map(next, 77);
    const value = BigInt.asUintN(8 * bytes, 0xfedc_ba98_7654_3210n);
    for (let offset = 8; offset >= 0; offset--) {
      const linear = next - BigInt(offset);
      expect(port.write(linear, bytes, value)).toBeUndefined();
      expect(port.read(linear, bytes, false)).toBe(value);
    }
    expect(fixture.memory.read8(addressInFrame(frameNumber(77), 0))).toBe(0x10);
  });

  it('writes nothing when the second page faults, and says which address did', () => {
    const { fixture, port } = new Bench();
    expect(port.write(next - 4n, 8, -1n)).toEqual({ vector: Vector.PF, errorCode: 6, linear: next });
    expect(fixture.memory.read32(addressInFrame(frameNumber(100), 4092))).toBe(0);
    fixture.map(next, 77);
    expect(port.write(next - 4n, 8, 0x1234_5678_9abc_def0n)).toBeUndefined();
    expect(fixture.memory.read32(addressInFrame(frameNumber(100), 4092))).toBe(0x9abc_def0);
  });

  it('asks for the rights of a write where one follows', () => {
    const { fixture, port } = new Bench();
    fixture.map(next, 77, { flags: P | US });
    expect(port.read(next, 4, false)).toBe(0n);
    expect(port.read(next, 4, true)).toEqual({ vector: Vector.PF, errorCode: 7, linear: next });
    expect(port.fetch(next + 1n, new Uint8Array(15))).toBe(15);
    expect(port.fetch(next + 4090n, new Uint8Array(15))).toBe(6);
  });

  it.each([1, 2, 4, 8])('announces a store of %i bytes to a page table, and only such', (bytes) => {
    const { fixture, port } = new Bench();
    const table = fixture.entryAddress(page);
    fixture.map(next, Math.floor(table / 4096));
    fixture.events.length = 0;
    const before = fixture.memory.read64(table);
    port.write(next + BigInt(table % 4096), bytes, 0n);
    const stores = (): unknown[] => fixture.take('paging-write').filter(({ by }) => by === 'software');
    const after = before - BigInt.asUintN(8 * bytes, before);
    expect(stores()).toMatchObject([{ processor: 0, address: table, before, after }]);
    port.write(page, bytes, 7n);
    expect(stores()).toHaveLength(1);
  });
});
