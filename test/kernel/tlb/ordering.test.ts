/**
 * The orders that the eras rely on (O1, O2, O6 of the ordering table), tried under every schedule of two processors with
 * at most two preemptions. Each fault is found; each era with the fault mended, and each harmless change, is silent.
 */
import { describe, expect, it } from 'vitest';
import { eraById } from '../../../src/kernel/tlb/eras.ts';
import { type Arrival, type Exploration, exploreTwoPreemptions } from '../schedule.ts';
import { type Operation, Rig, type RigOptions } from './rig.ts';

const change = (page: number): Operation => ({ kind: 'change', mm: 0, page, pages: 1, all: false });
const user = (mm: number): Operation => ({ kind: 'user', mm });
const touch = (page: number): Operation => ({ kind: 'touch', page });
const kthread: Operation = { kind: 'kthread' };

interface Race {
  /** Done before, processor by processor. */
  readonly before: readonly (readonly Operation[])[];
  readonly programs: readonly (readonly Operation[])[];
}

const RACES = {
  'a change meets a switch to its mm': {
    before: [[], [user(0), touch(0), user(1)]],
    programs: [[change(0)], [user(0), touch(0), touch(0)]],
  },
  'a change meets a return from lazy mode': {
    before: [[], [user(0), touch(0), kthread]],
    programs: [[change(0)], [user(0), touch(0), touch(0)]],
  },
  'a change meets a user of its mm': {
    before: [[], [user(0), touch(0)]],
    programs: [[change(0)], [touch(0), touch(0), touch(0)]],
  },
  'a batched unmap meets a user of its mm': {
    before: [[], [user(0), touch(0)]],
    programs: [[{ kind: 'batch', mms: [0], page: 0 }], [touch(0), touch(0), touch(0)]],
  },
  'a change meets another change': {
    before: [
      [user(0), touch(0), touch(1)],
      [user(0), touch(0), touch(1)],
    ],
    programs: [
      [change(0), touch(0), touch(1)],
      [change(1), touch(0), touch(1)],
    ],
  },
} satisfies Record<string, Race>;
type RaceName = keyof typeof RACES;

interface Setting extends Partial<RigOptions> {
  readonly arrival?: Arrival;
}

function explore(id: string, name: RaceName, { arrival = 'at once', ...options }: Setting = {}): Exploration {
  const race: Race = RACES[name];
  const make = (): Rig => {
    const rig = new Rig({ era: eraById(id), processors: 2, pages: 2, storeBuffers: true, ...options });
    race.before.forEach((operations, cpu) => {
      for (const operation of operations) rig.perform(cpu, rig.operation(cpu, operation));
    });
    race.programs.forEach((operations, cpu) => {
      rig.program(cpu, operations);
    });
    return rig;
  };
  return exploreTwoPreemptions(make, arrival);
}

const WITHOUT_PCID = { features: { pcid: false } };
const WITH_INVLPGB = { features: { invlpgbCountMax: 2 } };
const WITHOUT_STORE_BUFFERS = { storeBuffers: false };

describe('silent under every schedule', () => {
  for (const race of Object.keys(RACES) as RaceName[]) {
    for (const id of ['E0a', 'E0b', 'E1', 'E2', 'E3', 'E4', 'E5', 'E6', 'E7', 'E8', 'E9-fixed', 'E11']) {
      it(`${id}: ${race}`, () => {
        const { schedules, failure } = explore(id, race);
        expect(failure).toBeNull();
        expect(schedules).toBeGreaterThan(400);
      });
    }
    it.each(['E3', 'E5', 'E6', 'E9-fixed'])(`%s without PCID: ${race}`, (id) => {
      expect(explore(id, race, WITHOUT_PCID).failure).toBeNull();
    });
    it(`E1 with late IPIs: ${race}`, () => {
      expect(explore('E1', race, { arrival: 'late' }).failure).toBeNull();
    });
  }

  it.each(['a change meets a switch to its mm', 'a change meets another change'] as const)(
    'E11-eager with INVLPGB: %s',
    (race) => expect(explore('E11-eager', race, WITH_INVLPGB).failure).toBeNull(),
  );

  it.each(['E1-M3', 'E1-M22'])('%s, which is harmless', (id) => {
    expect(explore(id, 'a change meets another change').failure).toBeNull();
  });
});

describe('found', () => {
  const rows: readonly {
    readonly id: string;
    readonly race: RaceName;
    readonly failure: RegExp;
    readonly setting?: Setting;
  }[] = [
    {
      id: 'E0b-B9',
      race: 'a change meets a switch to its mm',
      failure: /reads version 1 of page 0 after 2 was promised/,
    },
    { id: 'E1-no-remote', race: 'a change meets a user of its mm', failure: /reads version 1 of page 0/ },
    {
      id: 'E1-no-wait',
      race: 'a change meets a user of its mm',
      failure: /reads version 1 of page 0/,
      setting: { arrival: 'late' },
    },
    { id: 'E1-M1', race: 'a change meets another change', failure: /records generation 2 and still holds/ },
    { id: 'E1-M2', race: 'a change meets another change', failure: /records generation 2 and still holds/ },
    { id: 'E1-M8', race: 'a change meets a switch to its mm', failure: /reads version 1 of page 0/ },
    {
      id: 'E3-M8',
      race: 'a change meets a switch to its mm',
      failure: /reads version 1 of page 0/,
      setting: WITHOUT_STORE_BUFFERS,
    },
    { id: 'E3-M6', race: 'a change meets a switch to its mm', failure: /reads version 1 of page 0/ },
    {
      id: 'E3-M10',
      race: 'a change meets a return from lazy mode',
      failure: /reads version 1 of page 0/,
      setting: WITHOUT_PCID,
    },
    { id: 'E5-no-mb', race: 'a change meets a return from lazy mode', failure: /reads version 1 of page 0/ },
    { id: 'E7-B4', race: 'a batched unmap meets a user of its mm', failure: /reads version 1 of page 0/ },
    {
      id: 'E9',
      race: 'a change meets a switch to its mm',
      failure: /reads version 1 of page 0/,
      setting: WITHOUT_STORE_BUFFERS,
    },
    {
      id: 'E9-B1',
      race: 'a change meets a switch to its mm',
      failure: /reads version 1 of page 0/,
      setting: WITHOUT_STORE_BUFFERS,
    },
    { id: 'E9-B3', race: 'a change meets a switch to its mm', failure: /reads version 1 of page 0/ },
    { id: 'E10', race: 'a change meets a switch to its mm', failure: /reads version 1 of page 0/ },
    {
      id: 'E10',
      race: 'a change meets a switch to its mm',
      failure: /reads version 1 of page 0/,
      setting: WITH_INVLPGB,
    },
  ];
  it.each(rows)('$id: $race', ({ id, race, failure, setting }) => {
    expect(explore(id, race, setting).failure).toMatch(failure);
  });
});

describe('needed only where the ordering is', () => {
  it.each(['E0b-B9', 'E1-M8', 'E9-B3', 'E10'])('%s does no harm without store buffers', (id) => {
    expect(explore(id, 'a change meets a switch to its mm', WITHOUT_STORE_BUFFERS).failure).toBeNull();
  });

  it.each(['E3-M6', 'E3-M8'])('%s does no harm without PCID', (id) => {
    const options = { ...WITHOUT_PCID, ...WITHOUT_STORE_BUFFERS };
    expect(explore(id, 'a change meets a switch to its mm', options).failure).toBeNull();
  });

  it('E5-no-mb does no harm without store buffers', () => {
    const { failure } = explore('E5-no-mb', 'a change meets a return from lazy mode', WITHOUT_STORE_BUFFERS);
    expect(failure).toBeNull();
  });

  it('E3-M10 does no harm with PCID, where lazy processors leave at once', () => {
    expect(explore('E3-M10', 'a change meets a return from lazy mode').failure).toBeNull();
  });
});
