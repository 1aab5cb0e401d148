/** Random scenarios small enough to be searched whole: two processors, one or two spaces, two pages, a few operations. */
import { Random } from '../../../src/base/random.ts';

export function smallScenario(seed: number, operations: number): string {
  const random = new Random(seed);
  const spaces = random.chance(0.5) ? ['A', 'B'] : ['A'];
  const own = (): string[] => Array.from({ length: 1 + random.below(operations) }, () => operation(random));
  const lines = [
    `scenario "small ${seed}"`,
    'processors 2',
    `set pcid=${random.chance(0.7) ? 'on' : 'off'}`,
    `set store-buffers=${random.chance(0.6) ? 'on' : 'off'}`,
    ...spaces.map((space) => `space ${space}`),
    ...block('T0 in A on 0', ['a = mmap 2 rw', 'write a[0] 1', 'write a[1] 2', 'signal ready', ...own()]),
    ...block('T1 in A on 1', ['await ready', ...own()]),
  ];
  if (spaces.length > 1) {
    const body = ['await ready', 'a = mmap 2 rw', ...(random.chance(0.5) ? ['write a[0] 5'] : [])];
    lines.push(...block(`Other in B on ${random.below(2)}`, body));
  }
  return `${lines.join('\n')}\n`;
}

function block(head: string, body: readonly string[]): string[] {
  return [`thread ${head} {`, ...body.map((line) => `  ${line}`), '}'];
}

function operation(random: Random): string {
  const page = `a[${random.below(2)}]`;
  return random.pick([
    `read ${page}`,
    `read ${page}`,
    `write ${page} ${10 + random.below(3)}`,
    `write ${page} ${10 + random.below(3)}`,
    `madvise ${page} dontneed`,
    `munmap ${page}`,
    `mprotect ${page} r`,
    `mprotect ${page} rw`,
    `mprotect ${page} none`,
    'run on 1',
  ]);
}
