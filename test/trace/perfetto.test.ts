/** The trace that Perfetto loads, read back by a decoder of its own. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LinearAddress } from '../../src/arch/address.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { PerfettoTrace } from '../../src/trace/perfetto.ts';
import { ProtobufWriter } from '../../src/trace/protobuf.ts';
import { eventRuns } from './events.ts';
import { type DecodedEvent, readTrace } from './perfetto-decoder.ts';

const SEED = 20230607;

function traceOf(record: (trace: PerfettoTrace) => void, processors = 2): { bytes: Uint8Array; chunks: number } {
  const chunks: Uint8Array[] = [];
  const trace = new PerfettoTrace({ processors, write: (chunk) => chunks.push(chunk) });
  record(trace);
  return { bytes: Uint8Array.from(chunks.flatMap((chunk) => [...chunk])), chunks: chunks.length };
}

/** What happened, one line each; times begin at 1. */
function lines(events: readonly MachineEvent[]): string[] {
  const { bytes } = traceOf((trace) => {
    events.forEach((event, index) => {
      trace.observe(event, index + 1);
    });
    trace.finish(events.length + 1);
  });
  return readTrace(bytes).events.map(line);
}

function line({ type, time, track, name, value, flows, flowsEnding }: DecodedEvent): string {
  const arrows = [...flows.map((flow) => ` ~${flow}`), ...flowsEnding.map((flow) => ` >${flow}`)].join('');
  return `${time} ${track.replace('tlbsan/', '')}: ${type}${name === undefined ? '' : ` ${name}`}${value === undefined ? '' : ` ${value}`}${arrows}`;
}

describe('tracks', () => {
  it('are one for each processor, under one group', () => {
    const { bytes } = traceOf((trace) => trace.finish(0), 3);
    expect(readTrace(bytes)).toEqual({
      tracks: ['tlbsan', 'tlbsan/CPU 0', 'tlbsan/CPU 1', 'tlbsan/CPU 2'],
      events: [],
    });
  });
});

describe('slices', () => {
  const begin = (operation: number, name: string): MachineEvent => ({
    kind: 'operation-begin',
    processor: 0,
    operation,
    name,
    mm: 1,
  });

  it('nest: task, operation, flush, interrupt', () => {
    expect(
      lines([
        { kind: 'task', processor: 0, task: 'init' },
        begin(5, 'munmap'),
        { kind: 'flush-begin', processor: 0, flush: 9, reason: 'munmap', ranges: [], batch: false, freedTables: true },
        { kind: 'interrupt-begin', processor: 0, vector: 0xfd },
        { kind: 'interrupt-end', processor: 0, vector: 0xfd },
        { kind: 'flush-return', processor: 0, flush: 9 },
        { kind: 'operation-end', processor: 0, operation: 5 },
      ]),
    ).toEqual([
      '1 CPU 0: begin init',
      '2 CPU 0: begin munmap',
      '3 CPU 0: begin flush: munmap',
      '4 CPU 0: begin interrupt 0xfd',
      '5 CPU 0: end',
      '6 CPU 0: end',
      '7 CPU 0: end',
      '8 CPU 0: end',
    ]);
  });

  it('that do not nest are cut, so that the trace does', () => {
    expect(
      lines([
        { kind: 'task', processor: 0, task: 'a' },
        begin(1, 'mmap'),
        { kind: 'task', processor: 0, task: 'b' },
        begin(2, 'munmap'),
        { kind: 'operation-end', processor: 0, operation: 1 },
        { kind: 'operation-end', processor: 0, operation: 7 },
      ]),
    ).toEqual([
      '1 CPU 0: begin a',
      '2 CPU 0: begin mmap',
      '3 CPU 0: end',
      '3 CPU 0: end',
      '3 CPU 0: begin b',
      '3 CPU 0: begin mmap',
      '4 CPU 0: begin munmap',
      '5 CPU 0: end',
      '5 CPU 0: end',
      '5 CPU 0: begin munmap',
      '7 CPU 0: end',
      '7 CPU 0: end',
    ]);
  });
});

describe('IPIs', () => {
  it('are arrows from the sender over the acceptance to the handler, coalesced ones too', () => {
    expect(
      lines([
        { kind: 'ipi-send', processor: 0, ipi: 0, vector: 0xfd, delivery: 'fixed', target: 1 },
        { kind: 'ipi-send', processor: 0, ipi: 1, vector: 0xfd, delivery: 'fixed', target: 1 },
        { kind: 'ipi-accept', processor: 1, ipi: 0, vector: 0xfd, coalesced: false },
        { kind: 'ipi-accept', processor: 1, ipi: 1, vector: 0xfd, coalesced: true },
        { kind: 'interrupt-begin', processor: 1, vector: 0xfd },
        { kind: 'interrupt-end', processor: 1, vector: 0xfd },
        { kind: 'interrupt-begin', processor: 1, vector: 0xfd },
      ]),
    ).toEqual([
      '1 CPU 0: instant send fixed IPI to CPU 1 ~1',
      '2 CPU 0: instant send fixed IPI to CPU 1 ~2',
      '3 CPU 1: instant accept IPI ~1',
      '4 CPU 1: instant accept IPI, coalesced ~2',
      '5 CPU 1: begin interrupt 0xfd >1 >2',
      '6 CPU 1: end',
      '7 CPU 1: begin interrupt 0xfd',
      '8 CPU 1: end',
    ]);
  });

  it('that no interrupt follows end where they are accepted', () => {
    expect(
      lines([
        { kind: 'ipi-send', processor: 0, ipi: 3, vector: 2, delivery: 'NMI', target: 1 },
        { kind: 'ipi-accept', processor: 1, ipi: 3, vector: 2, coalesced: false },
      ]),
    ).toEqual(['1 CPU 0: instant send NMI IPI to CPU 1 ~4', '2 CPU 1: instant accept IPI >4']);
  });
});

describe('counters', () => {
  const cached = {
    kind: 'tlb',
    serial: 1,
    processor: 1,
    pcid: 0,
    root: 0,
    page: 0,
    pages: 1,
    sources: [],
    watched: false,
    writable: true,
    user: true,
    executable: true,
    global: false,
    slotPage: 0,
    slotPages: 1,
    frame: 0,
    dirty: false,
    protectionKey: 0,
    memoryTypeIndex: 0,
  } as unknown as Extract<MachineEvent, { kind: 'fill' }>['cached'];

  it('are sampled once a step, and when they change', () => {
    const { bytes } = traceOf((trace) => {
      trace.observe({ kind: 'fill', processor: 1, cached }, 1);
      trace.observe({ kind: 'fill', processor: 1, cached }, 1);
      trace.observe({ kind: 'fill', processor: 1, cached }, 2);
      trace.observe({ kind: 'removal', processor: 1, cached, cause: 'eviction' }, 3);
      trace.observe({ kind: 'fill', processor: 1, cached }, 3);
      trace.counter('stale entries', 1, 2, 4);
      trace.observe({ kind: 'removal', processor: 1, cached, cause: 'INVLPG' }, 4);
      trace.finish(5);
    });
    expect(readTrace(bytes).events.map(line)).toEqual([
      '1 CPU 1/live TLB entries: counter 2',
      '2 CPU 1/live TLB entries: counter 3',
      '4 CPU 1/stale entries: counter 2',
      '4 CPU 1/live TLB entries: counter 2',
    ]);
  });
});

describe('instants', () => {
  const range = { mm: 3, start: 0x1000n as LinearAddress, end: 0x3000n as LinearAddress };
  const rows: { given: MachineEvent; expect: object }[] = [
    {
      given: { kind: 'exception', processor: 0, exception: { vector: 14, errorCode: 7, address: 0x7fff_0000n } },
      expect: { name: '#PF', category: 'exception', details: { address: '0x7fff0000', 'error code': '0x7' } },
    },
    {
      given: { kind: 'invalidation', processor: 0, by: 'INVLPG', address: range.start, pcid: 4, removed: 2 },
      expect: { name: 'INVLPG', category: 'invalidation', details: { removed: 2, address: '0x1000', pcid: 4 } },
    },
    {
      given: { kind: 'flush-decision', processor: 0, flush: 8, range, action: 'skip', why: 'lazy' },
      expect: {
        name: 'skip flush',
        category: 'flush-decision',
        details: { why: 'lazy', range: 'mm 3 0x1000-0x3000', flush: 8 },
      },
    },
    {
      given: { kind: 'assertion', processor: 0, id: 'W3', detail: 'café' },
      expect: { name: 'assertion W3', category: 'assertion', details: { detail: 'café' } },
    },
  ];
  it.each(rows)('tell of $given.kind', ({ given, expect: expected }) => {
    const { bytes } = traceOf((trace) => {
      trace.observe(given, 1);
      trace.finish(2);
    });
    expect(readTrace(bytes).events).toMatchObject([{ type: 'instant', time: 1, track: 'tlbsan/CPU 0', ...expected }]);
  });

  it('tell of violations, which are no events', () => {
    const { bytes } = traceOf((trace) => {
      trace.violation(1, 6, 'stale frame', { flush: 3 });
      trace.finish(7);
    });
    expect(readTrace(bytes).events).toMatchObject([
      {
        type: 'instant',
        time: 6,
        track: 'tlbsan/CPU 1',
        name: 'stale frame',
        category: 'violation',
        details: { flush: 3 },
      },
    ]);
  });
});

describe('any run', () => {
  it(`is well formed: known fields, declared tracks, slices that nest, time that goes forward (seed ${SEED})`, () => {
    let slices = 0;
    fc.assert(
      fc.property(eventRuns, fc.array(fc.nat({ max: 2 }), { minLength: 60, maxLength: 60 }), (events, gaps) => {
        const record = (trace: PerfettoTrace): void => {
          let time = 0;
          events.forEach((event, index) => {
            time += gaps[index] ?? 0;
            trace.observe(event, time);
          });
          trace.finish(time);
        };
        const { bytes } = traceOf(record, 4);
        expect(traceOf(record, 4).bytes).toEqual(bytes);
        const depth = new Map<string, number>();
        let last = 0;
        for (const { type, track, time } of readTrace(bytes).events) {
          expect(time).toBeGreaterThanOrEqual(last);
          last = time;
          if (type === 'begin') {
            slices++;
            depth.set(track, (depth.get(track) ?? 0) + 1);
          }
          if (type === 'end') {
            expect(depth.get(track)).toBeGreaterThan(0);
            depth.set(track, (depth.get(track) ?? 0) - 1);
          }
        }
        expect([...depth.values()].every((open) => open === 0)).toBe(true);
      }),
      { seed: SEED, numRuns: 100 },
    );
    expect(slices).toBeGreaterThan(300);
  });

  it('goes out in chunks as it grows, which together are the trace', () => {
    const { bytes, chunks } = traceOf((trace) => {
      for (let time = 0; time < 4000; time++)
        trace.observe({ kind: 'assertion', processor: 0, id: 'W1', detail: 'x' }, time);
      trace.finish(4000);
    });
    expect(chunks).toBeGreaterThan(2);
    expect(readTrace(bytes).events).toHaveLength(4000);
  });
});

describe('the wire format', () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const rows = [
    {
      given: "varint 150, the format's own example",
      write: (w: ProtobufWriter) => w.natural(1, 150),
      expect: '089601',
    },
    { given: '2^53 - 1', write: (w: ProtobufWriter) => w.natural(1, 2 ** 53 - 1), expect: '08ffffffffffffff0f' },
    { given: 'field 60', write: (w: ProtobufWriter) => w.natural(60, 0), expect: 'e00300' },
    { given: 'fixed64', write: (w: ProtobufWriter) => w.fixed64(47, 2 ** 40 + 3), expect: 'f9020300000000010000' },
    { given: 'the string "testing"', write: (w: ProtobufWriter) => w.text(2, 'testing'), expect: '120774657374696e67' },
    { given: 'UTF-8', write: (w: ProtobufWriter) => w.text(1, 'é'), expect: '0a02c3a9' },
  ];
  it.each(rows)('$given', ({ write, expect: expected }) => {
    const writer = new ProtobufWriter();
    write(writer);
    expect(hex(writer.bytes())).toBe(expected);
  });

  it('nests messages, however long', () => {
    const inner = new ProtobufWriter();
    inner.natural(1, 150);
    const outer = new ProtobufWriter();
    outer.message(3, inner);
    expect(hex(outer.bytes())).toBe('1a03089601');
    inner.text(2, 'x'.repeat(1000));
    outer.clear();
    outer.message(3, inner);
    expect(outer.length).toBe(3 + inner.length);
  });
});
