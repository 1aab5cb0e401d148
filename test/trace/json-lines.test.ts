/** Events to lines of JSON and back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { EVENT_KINDS } from '../../src/trace/event-json.ts';
import { EventLinesReader, EventLinesWriter } from '../../src/trace/json-lines.ts';
import type { TimedEvent } from '../../src/trace/timed-event.ts';
import { ARBITRARY_KINDS, eventRuns } from './events.ts';

const SEED = 20230605;
const HEADER = '{"format":"tlbsan events","schema":1}';

function print(events: readonly MachineEvent[]): string[] {
  const lines: string[] = [];
  const writer = new EventLinesWriter((line) => lines.push(line));
  events.forEach((event, index) => {
    writer.observe(event, index * 3);
  });
  return lines;
}

function parse(lines: readonly string[]): TimedEvent[] {
  const reader = new EventLinesReader('run.jsonl');
  return lines.map((line) => reader.read(line)).filter((timed) => timed !== null);
}

describe('lines of events', () => {
  it(`read as they were written, and print again to the same bytes (seed ${SEED})`, () => {
    const seen = new Set<string>();
    let bySerial = 0;
    fc.assert(
      fc.property(eventRuns, (events) => {
        const lines = print(events);
        for (const { kind } of events) seen.add(kind);
        bySerial += lines.filter((line) => /"(?:cached|shortcut)":\d/.test(line)).length;
        const read = parse(lines);
        expect(read).toEqual(events.map((event, index) => ({ time: index * 3, event })));
        expect(print(read.map(({ event }) => event))).toEqual(lines);
      }),
      { seed: SEED, numRuns: 150 },
    );
    expect([...seen].sort()).toEqual([...EVENT_KINDS].sort());
    expect([...ARBITRARY_KINDS].sort()).toEqual([...EVENT_KINDS].sort());
    expect(bySerial).toBeGreaterThan(100);
  });

  it('keep the identity of a translation between its fill and its removal', () => {
    const [first, second, third] = parse([
      HEADER,
      `{"time":1,"event":{"kind":"fill","processor":0,"cached":${UPPER}}}`,
      '{"time":2,"event":{"kind":"removal","processor":0,"cached":7,"cause":"INVLPG"}}',
      `{"time":3,"event":{"kind":"fill","processor":0,"cached":${UPPER}}}`,
    ]).map(({ event }) => ('cached' in event ? event.cached : null));
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it('forget a translation at its removal: told again, it is told in full, and its serial alone means nothing', () => {
    const fill = `{"time":0,"event":{"kind":"fill","processor":0,"cached":${UPPER}}}`;
    const removal = '{"time":3,"event":{"kind":"removal","processor":0,"cached":7,"cause":"INVLPG"}}';
    const [told] = parse([HEADER, fill]);
    if (told?.event.kind !== 'fill' || told.event.cached.kind === 'tlb') throw new Error('a fill of an upper entry');
    const { cached } = told.event;
    const walkRead = { kind: 'walk-read', processor: 0, walk: 1, level: 1, address: 0, entry: 0n, speculative: false };
    const lines = print([
      told.event,
      { kind: 'removal', processor: 0, cached, cause: 'INVLPG' },
      { ...walkRead, shortcut: cached } as MachineEvent,
    ]);
    expect(lines.slice(0, 3)).toEqual([HEADER, fill, removal]);
    expect(lines[3]).toContain(`"shortcut":${UPPER}`);
    expect(() => parse([HEADER, fill, removal, removal])).toThrow('run.jsonl:4: event: cached: expected a translation');
  });

  const UPPER =
    '{"kind":"pde","serial":7,"processor":0,"pcid":1,"root":9,"page":512,"pages":512,"sources":[],"writable":true,"user":true,"executable":false,"level":2,"table":5}';

  const bad = [
    { given: [''], expect: `run.jsonl:1: expected ${HEADER}` },
    { given: ['{"format":"tlbsan events","schema":2}'], expect: `run.jsonl:1: expected ${HEADER}` },
    { given: [HEADER, '{'], expect: 'run.jsonl:2: not JSON:' },
    { given: [HEADER, '7'], expect: 'run.jsonl:2: expected an object, found 7' },
    { given: [HEADER, '{"time":-1}'], expect: 'run.jsonl:2: time: expected a natural number, found -1' },
    { given: [HEADER, '{"time":1}'], expect: 'run.jsonl:2: event: expected an object, found nothing' },
    {
      given: [HEADER, '{"time":1,"event":{"kind":"flush"}}'],
      expect: 'run.jsonl:2: event: kind: expected the kind of an event, found "flush"',
    },
    {
      given: [HEADER, '{"time":1,"event":{"kind":"lazy","processor":0}}'],
      expect: 'run.jsonl:2: event: lazy: expected true or false, found nothing',
    },
    {
      given: [HEADER, '{"time":1,"event":{"kind":"lazy","processor":0,"lazy":true,"more":1}}'],
      expect: 'run.jsonl:2: event: unexpected field "more"',
    },
    {
      given: [HEADER, '{"time":1,"event":{"kind":"removal","processor":0,"cached":7,"cause":"INVLPG"}}'],
      expect: 'run.jsonl:2: event: cached: expected a translation, or the serial of one told before, found 7',
    },
    {
      given: [HEADER, '{"time":1,"event":{"kind":"store-drained","processor":0,"address":0,"value":"0x1FF"}}'],
      expect: 'run.jsonl:2: event: value: expected a string of 0x and up to 16 hexadecimal digits, found "0x1FF"',
    },
    {
      given: [
        HEADER,
        '{"time":1,"event":{"kind":"removal","processor":0,"cached":{"kind":"tlb","serial":1},"cause":"INVLPG"}}',
      ],
      expect: 'run.jsonl:2: event: cached: processor: expected a natural number, found nothing',
    },
  ];
  it.each(bad)('$expect', ({ given, expect: expected }) => {
    expect(() => parse(given)).toThrow(InputError);
    expect(() => parse(given)).toThrow(expected);
  });

  it(`throw only InputError, whatever the bytes (seed ${SEED})`, () => {
    const lines = print(fc.sample(eventRuns, { seed: SEED, numRuns: 20 }).flat());
    const mutation = fc.tuple(
      fc.nat(),
      fc.nat(),
      fc.nat({ max: 3 }),
      fc.constantFrom('"', '{', '}', '0', '-', ':', ',', 'x', '1e9', 'null'),
    );
    let rejected = 0;
    fc.assert(
      fc.property(mutation, ([line, place, cut, insert]) => {
        const before = lines[1 + (line % (lines.length - 1))] ?? '';
        const at = place % before.length;
        const after = before.slice(0, at) + insert + before.slice(at + cut);
        try {
          parse([HEADER, after]);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          rejected++;
        }
      }),
      { seed: SEED, numRuns: 3000 },
    );
    expect(rejected).toBeGreaterThan(1000);
  });
});
