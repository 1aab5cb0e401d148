/** Tables of plain text: columns aligned, two spaces between, no trailing blanks. */

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

export type Cell = string | number;

/** A line for the titles and one for each row. Rows may be shorter than the columns. */
export function printTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string[] {
  const texts = [columns.map(({ title }) => title), ...rows.map((row) => row.map(printCell))];
  const widths = columns.map((_, index) => Math.max(...texts.map((row) => row[index]?.length ?? 0)));
  return texts.map((row) =>
    columns
      .map(({ align }, index) => {
        const cell = row[index] ?? '';
        const width = widths[index] ?? 0;
        return align === 'left' ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Numbers get a comma before each group of three digits. */
function printCell(cell: Cell): string {
  return typeof cell === 'string' ? cell : printCount(cell);
}

export function printCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}
