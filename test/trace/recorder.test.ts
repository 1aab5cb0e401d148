import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/base/errors.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { EventStream } from '../../src/event/stream.ts';
import { Recorder } from '../../src/trace/recorder.ts';

const lazy = (processor: number): MachineEvent => ({ kind: 'lazy', processor, lazy: true });

function record(recorder: Recorder, count: number): void {
  const stream = new EventStream();
  stream.observe(recorder.observe);
  for (let index = 0; index < count; index++) {
    stream.time = index * 10;
    stream.emit(lazy(index));
  }
}

describe('the recorder', () => {
  it('keeps every event with its time', () => {
    const recorder = new Recorder();
    record(recorder, 3);
    expect(recorder.events()).toEqual([0, 1, 2].map((index) => ({ time: index * 10, event: lazy(index) })));
    expect(recorder.dropped).toBe(0);
  });

  const rows = [
    { given: 0, expect: [], dropped: 0 },
    { given: 2, expect: [0, 1], dropped: 0 },
    { given: 3, expect: [0, 1, 2], dropped: 0 },
    { given: 4, expect: [1, 2, 3], dropped: 1 },
    { given: 8, expect: [5, 6, 7], dropped: 5 },
  ];
  it.each(rows)('with a limit of 3 keeps of $given events $expect', ({ given, expect: expected, dropped }) => {
    const recorder = new Recorder({ limit: 3 });
    record(recorder, given);
    expect(recorder.events().map(({ event }) => event)).toEqual(expected.map(lazy));
    expect(recorder.dropped).toBe(dropped);
  });

  it('refuses to keep nothing', () => {
    expect(() => new Recorder({ limit: 0 })).toThrow(InvariantError);
  });
});
