/** BUGS 32: mprotect that does not ask whether reclaim still owes a flush. */
import type { Exhibit } from '../exhibit.ts';

export const B32: Exhibit = {
  id: 'B32',
  title: 'mprotect returns while reclaim still owes the flush of its pages',
  sources: [{ kind: 'fix', text: '3ea277194daa (v4.13)' }],
  kernels: 'v4.3 to v4.12',
  vulnerable: 'E0a-B32',
  fixed: 'E0a',
  story:
    'Since v4.3 reclaim clears entries and flushes them later, in one batch. mprotect that comes in between finds no entry to change and hence nothing to flush, and returns. The thread that called it then writes to the page that it has just made read-only, through the translation that reclaim has not flushed yet.',
  scenario: `# A thread gives up writing to a page that is being reclaimed.
scenario "a page is reclaimed while its protection changes"
processors 2
era E0a-B32
set store-buffers=off
space A

thread T0 in A on 1 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  read a[0]
  mprotect a r
  write a[0] 18
}

kernel Reclaimer on 0 {
  await ready
  reclaim a of A
}
`,
  search: { from: 'ready', preemptions: 2 },
  expected: 'stale-frame',
  needs: ['nothing special'],
  vanishes: [],
  lesson:
    'A flush that is deferred is a debt, and whoever could notice it must ask for it first. The debt was kept by the task that reclaims, where nobody else could see it. The fix wrote it into the mm.',
  remedy: 'Judging mprotect by what it promises when it returns, and not by what it found in the table.',
};
