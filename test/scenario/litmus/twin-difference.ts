/** In how many lines two litmus tests differ, apart from what is said about them: a twin is one thing away. */
import { readFileSync } from 'node:fs';

const TOLD = ['litmus ', 'cite ', 'because ', 'twin ', 'allowed ', 'forbidden '];

export interface Difference {
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** Whether the same things stand in another order. */
  readonly moved: boolean;
}

export function differenceOf(file: URL, twin: URL): Difference {
  const [ours, theirs] = [thingsIn(file), thingsIn(twin)];
  const removed = without(ours, theirs);
  const added = without(theirs, ours);
  return { removed, added, moved: removed.length + added.length === 0 && ours.join('\n') !== theirs.join('\n') };
}

/** Lines of the initial state and of handlers, and the instructions of each processor, in order. */
function thingsIn(file: URL): string[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const table = lines.findIndex((line) => line.startsWith('P0'));
  const columns: string[][] = [];
  const others: string[] = [];
  let isTable = false;
  for (const [number, line] of lines.entries()) {
    if (number === table) isTable = true;
    if (isTable && line.trim() === '') isTable = false;
    if (!isTable) {
      if (!TOLD.some((word) => line.startsWith(word)) && line.trim() !== '') others.push(line.trim());
      continue;
    }
    for (const [column, cell] of line.split(/\|(?!->)/).entries()) {
      columns[column] ??= [];
      if (cell.trim() !== '') columns[column]?.push(`P${column}: ${cell.trim()}`);
    }
  }
  return [...others, ...columns.flat()];
}

/** What is in the first list more often than in the second. */
function without(some: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return some.filter((each) => {
    const index = left.indexOf(each);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}
