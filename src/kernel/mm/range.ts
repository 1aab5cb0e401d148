/** Half-open ranges of addresses. */
export interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** What both have in common; an empty range may end before it starts. */
export function intersection(one: Range, other: Range): Range {
  const last = one.start > other.start ? one : other;
  const first = one.end < other.end ? one : other;
  return { start: last.start, end: first.end };
}
