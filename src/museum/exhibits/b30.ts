/** BUGS 30: the second of two that give the same pages back finds nothing to flush. */
import type { Exhibit } from '../exhibit.ts';

export const B30: Exhibit = {
  id: 'B30',
  title: 'two madvise of the same pages: the second returns before anybody has flushed',
  sources: [{ kind: 'fix', text: '99baac21e458 (v4.13)' }],
  kernels: 'up to v4.12',
  vulnerable: 'E0a-B30',
  fixed: 'E0a',
  story:
    'Who calls madvise holds mmap_lock shared, so two may work on the same range. The first clears the entries and has not flushed yet; the second finds them clear, has nothing of its own to flush, and returns. Its caller goes on with a translation that its own call was to end.',
  scenario: `# Two threads tell the kernel that the same page is not needed any more.
scenario "two threads give the same page back"
processors 2
era E0a-B30
set store-buffers=off
space A

thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  await seen
  madvise a dontneed
  read a[0]
}

thread T1 in A on 1 {
  await ready
  read a[0]
  signal seen
  madvise a dontneed
}
`,
  search: { from: 'seen', preemptions: 1 },
  expected: 'stale-frame',
  needs: ['nothing special'],
  vanishes: [],
  lesson:
    'An entry that is clear is no proof that nobody has it cached: it may have been cleared a moment ago by somebody who owes the flush. Whoever finds such entries shares the debt. The fix counts those who gather; who is not alone flushes the whole range.',
  remedy: 'Judging the promise of each call on its own: madvise has returned, and the old page is still read.',
};
