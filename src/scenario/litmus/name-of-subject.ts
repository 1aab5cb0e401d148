/** Cells and entries as a litmus test writes them. */
import { unreachable } from '../../base/assert.ts';
import type { CellRef, EntryRef, Subject } from '../../workload/litmus-ast.ts';
import { MAIN_SPACE } from '../../workload/litmus-term-parser.ts';

export function nameOfSubject(subject: Subject): string {
  switch (subject.kind) {
    case 'register':
      return `P${subject.processor}:${subject.register}`;
    case 'cell':
      return nameOfCell(subject.cell);
    case 'entry':
      return nameOfEntry(subject.entry);
    default:
      return unreachable(subject);
  }
}

export function nameOfCell({ name, piece }: Pick<CellRef, 'name' | 'piece'>): string {
  return piece === null ? `[${name}]` : `[${name}[${piece}]]`;
}

export function nameOfEntry(entry: EntryRef): string {
  const { page, space } = entry.page;
  const where = space === MAIN_SPACE ? page : `${page}@${space}`;
  return entry.kind === 'in-table' ? `${entry.table}[${where}]` : `${entry.kind}(${where})`;
}
