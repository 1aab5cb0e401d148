import { describe, expect, it } from 'vitest';
import { printCount, printTable } from '../../src/trace/table.ts';

describe('tables', () => {
  it('align their columns and end without blanks', () => {
    const columns = [
      { title: 'processor', align: 'left' },
      { title: 'flushes', align: 'right' },
      { title: 'note', align: 'left' },
    ] as const;
    expect(printTable(columns, [['CPU 0', 12345, 'busy'], ['all', 7], []])).toEqual([
      'processor  flushes  note',
      'CPU 0       12,345  busy',
      'all              7',
      '',
    ]);
  });

  const rows = [
    { given: 0, expect: '0' },
    { given: 999, expect: '999' },
    { given: 1000, expect: '1,000' },
    { given: 123456789, expect: '123,456,789' },
  ];
  it.each(rows)('print $given as $expect', ({ given, expect: expected }) => {
    expect(printCount(given)).toBe(expected);
  });
});
