import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bySection, rowSections, sectionsCited } from '../../tools/citations/find-citations.ts';
import { coverageDocument } from '../../tools/citations/table.ts';
import { REPOSITORY } from '../cli/command.ts';

const ROW = 'cite:';

describe('docs/COVERAGE.md', () => {
  it('is what `npm run coverage` makes', () => {
    expect(readFileSync(join(REPOSITORY, 'docs/COVERAGE.md'), 'utf8')).toBe(coverageDocument(REPOSITORY));
  });
});

describe('citations', () => {
  it.each([
    { given: '// (SDM 3A 4.10.4.1)', expect: ['SDM 3A 4.10.4.1'] },
    {
      given: '// (SDM 3A 9.4.2, 11.4.7.3) and SDM 2A INVPCID',
      expect: ['SDM 3A 9.4.2', 'SDM 3A 11.4.7.3', 'SDM 2A INVPCID'],
    },
    { given: '/** By SDM 3A\n * 4.7 and 4.8. */', expect: ['SDM 3A 4.7', 'SDM 3A 4.8'] },
    { given: '// APM 2 5.5.3, in 4.14 releases', expect: ['APM 2 5.5.3'] },
    { given: '// version 4.14', expect: [] },
    { given: `${ROW} '4.10.4.1 INVLPG'`, expect: ['SDM 3A 4.10.4.1'] },
  ])('of $given', ({ given, expect: expected }) => {
    expect([...sectionsCited(given)]).toEqual(expected);
  });

  it.each([
    { given: `${ROW} '4.7'`, expect: ['SDM 3A 4.7'] },
    { given: `${ROW} 'SDM 3A 4.10.2.3'`, expect: ['SDM 3A 4.10.2.3'] },
    { given: `${ROW} '2A INVPCID'`, expect: ['SDM 2A INVPCID'] },
    { given: `${ROW} 'APM 2 5.5.3'`, expect: ['APM 2 5.5.3'] },
    { given: `${ROW} 'ADL063'`, expect: [] },
    { given: `${ROW} 'flush'`, expect: [] },
  ])('of the row $given', ({ given, expect: expected }) => {
    expect(rowSections(given)).toEqual(expected);
  });

  it('are sorted as numbers', () => {
    expect(['SDM 3A 4.10.1', 'SDM 3A 11.4', 'SDM 3A 4.9'].sort(bySection)).toEqual([
      'SDM 3A 4.9',
      'SDM 3A 4.10.1',
      'SDM 3A 11.4',
    ]);
  });
});
