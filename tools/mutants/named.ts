/**
 * The variants that stand beside the eras: mutants that were thought of, each with the scenario that is to tell it from its
 * era. Those of real bugs are in the museum.
 */
import { MIGRATED, type Occasion, OCCASIONS, STORES_AT_ONCE } from './occasions.ts';

export interface Named {
  /** The variant's id. */
  readonly era: string;
  readonly occasion: Occasion;
  readonly switches: readonly string[];
  /** Nothing may be found. */
  readonly harmless: boolean;
  /** In MiB. */
  readonly memory: number;
}

function occasion(name: string): Occasion {
  const found = OCCASIONS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no occasion '${name}'`);
  return found;
}

function users(title: string, pages: string, goes: string, switches: string): string {
  return `scenario "${title}"
processors 2
${switches}${STORES_AT_ONCE}space A
thread T0 in A on 0 {
  a = mmap ${pages}
  write a[0] 17
  signal ready
  await seen
  ${goes}
}
thread T1 in A on 1 {
  await ready
  read a[0]
  signal seen
  repeat 3 { read a[0] }
}
`;
}

const oneUnder = (switches: string): Occasion => ({
  name: 'one page',
  text: users('a page goes while another processor uses it', '1 rw', 'madvise a dontneed', switches),
  search: { from: 'seen', preemptions: 2 },
});
const many: Occasion = {
  name: 'many pages',
  text: users('pages go while another processor uses them', '40 rw', 'munmap a', 'set pti=on\n'),
  search: { from: 'seen', preemptions: 2 },
};
const large: Occasion = {
  name: 'a large page',
  text: users('a large page goes while another processor uses it', '1 rw 2M', 'munmap a', ''),
  search: { from: 'seen', preemptions: 1 },
};

const broadcasts: Occasion = {
  name: 'three flushes',
  text: `scenario "the third flush of three is by INVLPGB"
processors 2
set invlpgb=on
${STORES_AT_ONCE}space A
thread T0 in A on 0 {
  a = mmap 3 rw
  write a[0] 1
  write a[1] 2
  write a[2] 3
  signal ready
  await seen
  madvise a[0] dontneed
  read a[2]
}
thread T1 in A on 1 {
  await ready
  read a[0]
  read a[1]
  read a[2]
  signal seen
  madvise a[1] dontneed
  madvise a[2] dontneed
  read a[2]
}
`,
  search: { from: 'seen', preemptions: 1 },
};

interface Terms {
  readonly switches?: readonly string[];
  readonly harmless?: boolean;
  readonly memory?: number;
}

function named(era: string, where: Occasion, { switches = [], harmless = false, memory = 1 }: Terms = {}): Named {
  return { era, occasion: where, switches, harmless, memory };
}

export const NAMED: readonly Named[] = [
  named('E1-no-remote', occasion('user')),
  named('E1-no-wait', oneUnder('')),
  named('E1-M1', occasion('flushers')),
  named('E1-M2', occasion('flushers')),
  named('E1-M3', occasion('flushers'), { harmless: true }),
  named('E4-M5', many, { memory: 2 }),
  named('E3-M6', occasion('returner')),
  named('E1-M8', MIGRATED),
  named('E1-M9', oneUnder('')),
  named('E3-M9', oneUnder('')),
  named('E3-M10', occasion('tables'), { switches: ['pcid=off'] }),
  named('E5-M10', occasion('tables')),
  named('E1-M12', occasion('user')),
  named('E3-M12', occasion('user')),
  named('E3-M13', occasion('visitor')),
  named('E4-M15', oneUnder('set pti=on\n'), { memory: 2 }),
  named('E11-M18', broadcasts),
  named('E5-M21', large, { harmless: true, memory: 16 }),
  named('E1-M22', occasion('flushers'), { harmless: true }),
];
