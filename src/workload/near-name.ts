/** The name that someone probably meant. */

/**
 * `; did you mean "mprotect"?` for the candidate fewest edits away, at most a third of the word's length (of one letter
 * only the case may differ); else ''. Among equals one of the word's own length wins.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  let best: string | null = null;
  let fewest = (word.length === 1 ? 0 : Math.max(1, Math.floor(word.length / 3))) + 0.5;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > fewest) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    const edits = candidate.length === word.length ? distance - 0.5 : distance;
    if (edits >= fewest) continue;
    fewest = edits;
    best = candidate;
  }
  return best === null ? '' : `; did you mean "${best}"?`;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = at(last, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let edits = Math.min(at(last, column) + 1, at(current, column - 1) + 1, replaced);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        edits = Math.min(edits, at(beforeLast, column - 2) + 1);
      }
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
