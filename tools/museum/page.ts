/** The museum's page in docs. */
import type { Exhibit, Missing } from '../../src/museum/exhibit.ts';

export function printMuseumPage(exhibits: readonly Exhibit[], missing: readonly Missing[]): string {
  return `${[
    '# The museum',
    '',
    'Written by `npx tsx tools/museum/update.ts` from `src/museum`. Each exhibit is a real bug: the smallest change of an era',
    'that has it, a scenario that gives it the occasion and no more, and a search that has to find it. `tlbsan bugs run ID`',
    'finds it, makes the schedule short, and covers the same bound with the fix and without the hardware that it needs:',
    'those searches must be exhausted and clean. `tlbsan bugs show ID` has the whole page.',
    '',
    '| bug | what | vulnerable | mended | finds | preemptions | gone with |',
    '| --- | --- | --- | --- | --- | ---: | --- |',
    ...exhibits.map(({ id, title, vulnerable, fixed, expected, search, vanishes }) => {
      const gone = vanishes.map(({ switches }) => `\`${switches.join(' ')}\``).join(', ');
      return `| ${id} | ${title} | ${vulnerable} | ${fixed} | ${expected} | ${search.preemptions} | ${gone} |`;
    }),
    ...exhibits.flatMap(({ id, title, sources, kernels, story, lesson, remedy }) => [
      '',
      `## ${id}: ${title}`,
      '',
      `${sources.map(({ kind, text }) => (kind === 'fix' || kind === 'culprit' ? `${kind} ${text}` : text)).join('; ')}. Kernels: ${kernels}.`,
      '',
      story,
      '',
      `*To learn.* ${lesson}`,
      '',
      `*What would have caught it.* ${remedy}`,
    ]),
    '',
    '## Not shown',
    '',
    '| bug | what | why not |',
    '| --- | --- | --- |',
    ...missing.map(({ id, title, reason }) => `| ${id} | ${title} | ${reason} |`),
  ].join('\n')}\n`;
}
