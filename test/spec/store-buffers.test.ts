/**
 * Store buffers (SDM 3A 9.2.2) and page walks: a walk reads memory, and neither a locked operation nor MFENCE orders it.
 */
import { describe, expect, test } from 'vitest';
import { linearAddress } from '../../src/arch/address.ts';
import { makeEntry } from '../../src/arch/paging-entry.ts';
import { StoreBuffer } from '../../src/memory/store-buffer.ts';
import { A, PagingFixture, READ, USER_RW } from '../mmu/paging-fixture.ts';

const HERE = 0x1000n;
const X = 0x10_0000 as never;
const Y = 0x10_0008 as never;

function withBuffers(enabled = true): { fixture: PagingFixture; buffers: readonly [StoreBuffer, StoreBuffer] } {
  const fixture = new PagingFixture({ processors: 2 });
  const { memory, stream } = fixture;
  const buffer = (processor: number): StoreBuffer => new StoreBuffer({ processor, memory, stream, enabled });
  return { fixture, buffers: [buffer(0), buffer(1)] };
}

describe('total store order', () => {
  test('store buffering: both processors may read 0, which no interleaving of memory accesses gives', () => {
    const { buffers } = withBuffers();
    buffers[0].push(X, 1n);
    buffers[1].push(Y, 1n);
    expect([buffers[0].load(Y), buffers[1].load(X)]).toEqual([0n, 0n]);
    buffers[0].drainAll();
    buffers[1].drainAll();
    expect([buffers[0].load(Y), buffers[1].load(X)]).toEqual([1n, 1n]);
  });

  test('drained before the loads, as by MFENCE, one of them reads 1', () => {
    const { buffers } = withBuffers();
    buffers[0].push(X, 1n);
    buffers[0].drainAll();
    buffers[1].push(Y, 1n);
    buffers[1].drainAll();
    expect(buffers[1].load(X)).toBe(1n);
  });

  test('a processor reads its own latest store; others read memory', () => {
    const { buffers } = withBuffers();
    buffers[0].push(X, 1n);
    buffers[0].push(X, 2n);
    expect([buffers[0].load(X), buffers[1].load(X)]).toEqual([2n, 0n]);
  });

  test('message passing: stores become visible in program order', () => {
    const { buffers } = withBuffers();
    buffers[0].push(X, 42n);
    buffers[0].push(Y, 1n);
    const seen: [bigint, bigint][] = [];
    do seen.push([buffers[1].load(Y), buffers[1].load(X)]);
    while (buffers[0].drainOne());
    expect(seen).toEqual([
      [0n, 0n],
      [0n, 42n],
      [1n, 42n],
    ]);
  });

  test('disabled, stores are visible at once and nothing waits', () => {
    const { buffers, fixture } = withBuffers(false);
    buffers[0].push(X, 1n);
    expect([buffers[1].load(X), buffers[0].size, buffers[0].drainOne()]).toEqual([1n, 0, false]);
    expect(fixture.take('store-buffered')).toEqual([]);
  });

  test('what is announced: buffered when executed, drained when visible', () => {
    const { buffers, fixture } = withBuffers();
    fixture.events.length = 0;
    buffers[0].push(X, 1n);
    buffers[0].drainAll();
    expect(fixture.events).toEqual([
      { kind: 'store-buffered', processor: 0, address: X, value: 1n },
      { kind: 'store-drained', processor: 0, address: X, value: 1n },
    ]);
  });
});

describe('walks read memory', () => {
  test('not another processor’s store buffer', () => {
    const { fixture, buffers } = withBuffers();
    buffers[0].push(fixture.entryAddress(HERE), makeEntry(100 as never, USER_RW));
    expect(fixture.outcome(HERE, READ, fixture.mmus[1])).toBe('PF 4');
    buffers[0].drainAll();
    expect(fixture.outcome(HERE, READ, fixture.mmus[1])).toBe(100);
  });

  test('nor their own processor’s, though its loads do', () => {
    const { fixture, buffers } = withBuffers();
    const place = fixture.entryAddress(HERE);
    buffers[0].push(place, makeEntry(100 as never, USER_RW));
    expect(buffers[0].load(place)).not.toBe(0n);
    expect(fixture.outcome(HERE)).toBe('PF 4');
  });

  test('a walk’s A waits in no buffer, and a buffered store that drains later overwrites it', () => {
    const { fixture, buffers } = withBuffers();
    const place = fixture.map(HERE, 100);
    buffers[1].push(place, makeEntry(100 as never, USER_RW));
    fixture.outcome(HERE);
    expect(fixture.memory.read64(place) & A).toBe(A);
    buffers[1].drainAll();
    expect(fixture.memory.read64(place) & A).toBe(0n);
  });

  test('a cleared entry that still waits lets others fill from the old one (CVE-2016-2069)', () => {
    const { fixture, buffers } = withBuffers();
    const place = fixture.map(HERE, 100);
    buffers[0].push(place, 0n);
    expect(fixture.outcome(HERE, READ, fixture.mmus[1])).toBe(100);
    buffers[0].drainAll();
    expect(fixture.outcome(HERE, READ, fixture.mmus[1])).toBe(100);
  });

  test('a paging write is dated by its execution and takes effect when it drains', () => {
    const { fixture, buffers } = withBuffers();
    const place = fixture.map(HERE, 100);
    fixture.outcome(HERE);
    const before = fixture.memory.read64(place);
    fixture.events.length = 0;
    fixture.stream.time = 7;
    buffers[0].push(place, 0n);
    fixture.stream.time = 9;
    expect(fixture.take('paging-write')).toEqual([]);
    buffers[0].drainAll();
    expect(fixture.take('paging-write')).toEqual([
      { kind: 'paging-write', processor: 0, address: place, before, after: 0n, by: 'software', issued: 7 },
    ]);
  });
});

describe('neither LOCK nor MFENCE orders walks; what serializes does', () => {
  /** A speculative walk has read everything but the last entry, when the store buffer is drained. */
  function walkInFlight() {
    const { fixture, buffers } = withBuffers();
    fixture.map(HERE, 100);
    const walk = fixture.mmu.beginWalk(linearAddress(HERE), READ, { speculative: true });
    for (let step = 0; step < 3; step++) fixture.mmu.stepWalk(walk);
    buffers[0].push(fixture.entryAddress(HERE, 2), 0n);
    buffers[0].drainAll();
    return { fixture, walk };
  }

  test('draining, as MFENCE does, leaves it in flight: it ends on what it read before', () => {
    const { fixture, walk } = walkInFlight();
    expect(fixture.mmu.stepWalk(walk)).toBe('translated');
    expect(fixture.outcome(HERE)).toBe(100);
  });

  test('MOV to CR3 ends it', () => {
    const { fixture, walk } = walkInFlight();
    fixture.mmu.writeCr3(fixture.mmu.control.cr3);
    expect(fixture.mmu.stepWalk(walk)).toBe('abandoned');
    expect(fixture.outcome(HERE)).toBe('PF 4');
  });
});
