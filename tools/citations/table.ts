/** docs/COVERAGE.md: for each section of the manuals that the code or the tests cite, how much of either does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceFiles } from '../layers/breaches.ts';
import { bySection, rowSections, type Section, sectionsCited } from './find-citations.ts';
import { SECTION_TITLES } from './section-titles.ts';

interface Coverage {
  rows: number;
  readonly tests: string[];
  readonly sources: string[];
}

/** The document, made from the files below `src` and `test` of this folder. */
export function coverageDocument(root: string): string {
  const sections = collect(root);
  const rows = [...sections].sort(([a], [b]) => bySection(a, b));
  const untested = rows.filter(([, { tests }]) => tests.length === 0);
  return `${HEADING}
| section | title | rows | tests | code |
| --- | --- | ---: | --- | --- |
${rows.map(([section, coverage]) => row(section, coverage)).join('\n')}

## Cited by code, named by no test

What these say may be tested all the same, by a test that names the section above or below; no test says so.

${untested.map(([section, { sources }]) => `- ${section}${title(section)}: ${sources.join(', ')}`).join('\n')}
`;
}

const HEADING = `# Coverage of the manuals

Made by \`npm run coverage\` from the sources; a test fails when it is out of date. *Rows* are table-driven test cases that
carry the section as their citation; one row may stand for many cases (the access-rights matrix has millions, and is one
test). *Tests* are the test files that name the section, *code* the number of source files that do. Which editions:
[SOURCES.md](SOURCES.md). Sections that nothing cites are not listed: what is known to be left out is in
[CAVEATS.md](CAVEATS.md).
`;

function collect(root: string): Map<Section, Coverage> {
  const sections = new Map<Section, Coverage>();
  const of = (section: Section): Coverage => {
    const known = sections.get(section) ?? { rows: 0, tests: [], sources: [] };
    sections.set(section, known);
    return known;
  };
  for (const folder of ['src', 'test'] as const) {
    for (const file of sourceFiles(join(root, folder))) {
      const source = readFileSync(join(root, folder, file), 'utf8');
      for (const section of sectionsCited(source)) of(section)[folder === 'src' ? 'sources' : 'tests'].push(file);
      if (folder === 'test') for (const section of rowSections(source)) of(section).rows++;
    }
  }
  return sections;
}

function row(section: Section, { rows, tests, sources }: Coverage): string {
  return `| ${section} | ${SECTION_TITLES[section] ?? ''} | ${rows === 0 ? '' : rows} | ${tests.join(', ')} | ${sources.length === 0 ? '' : sources.length} |`;
}

function title(section: Section): string {
  const known = SECTION_TITLES[section];
  return known === undefined ? '' : ` (${known})`;
}
