/** Random programs for the rig. */
import fc from 'fast-check';
import type { Operation } from './rig.ts';

export interface ProgramBounds {
  readonly processors: number;
  readonly mms: number;
  readonly pages: number;
  readonly length: number;
}

/** One list of operations a processor; switching and touching are commonest, so that there is something to go stale. */
export function programs({ processors, mms, pages, length }: ProgramBounds): fc.Arbitrary<Operation[][]> {
  const mm = fc.nat(mms - 1);
  const page = fc.nat(pages - 1);
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    { weight: 4, arbitrary: mm.map((mm): Operation => ({ kind: 'user', mm })) },
    { weight: 2, arbitrary: fc.constant<Operation>({ kind: 'kthread' }) },
    { weight: 6, arbitrary: page.map((page): Operation => ({ kind: 'touch', page })) },
    {
      weight: 5,
      arbitrary: fc
        .tuple(mm, page, fc.integer({ min: 1, max: pages }), fc.boolean())
        .map(([mm, page, pages, all]): Operation => ({ kind: 'change', mm, page, pages, all })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.uniqueArray(mm, { minLength: 1, maxLength: 2 }), page)
        .map(([mms, page]): Operation => ({ kind: 'batch', mms, page })),
    },
    { weight: 1, arbitrary: fc.constantFrom<Operation>({ kind: 'flush-all' }, { kind: 'kernel-range' }) },
  );
  return fc.tuple(
    ...Array.from({ length: processors }, () => fc.array(operation, { minLength: 1, maxLength: length, size: 'max' })),
  );
}
