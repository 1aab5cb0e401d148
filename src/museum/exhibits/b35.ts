/** BUGS 35: a page migrates although the flush that takes its rights away is still to come. */
import type { Exhibit } from '../exhibit.ts';

export const B35: Exhibit = {
  id: 'B35',
  title: 'a page is copied while processors may still write it: its flush was deferred',
  sources: [{ kind: 'fix', text: '20841405940e (v3.13)' }],
  kernels: 'up to v3.12',
  vulnerable: 'E0a-B35',
  fixed: 'E0a',
  story:
    'Whoever takes rights away from a range makes the entries inaccessible one by one and flushes once at the end. Migration that found such an entry took it that no processor could have it cached any more, left its own flush out, copied the page and freed the old one. Processors went on with the old page until the other flush came. In Linux it was the NUMA scanner that deferred; here it is mprotect, which defers in the same way.',
  scenario: `# A thread takes the rights to a page away while the kernel moves the page.
scenario "a page moves while rights to it are taken away"
processors 3
era E0a-B35
set store-buffers=off
space A

thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  await seen
  mprotect a none
}

thread T1 in A on 1 {
  await ready
  read a[0]
  signal seen
  read a[0]
}

kernel Mover on 2 {
  await seen
  migrate a of A
}
`,
  search: { from: 'seen', preemptions: 1 },
  expected: 'stale-frame',
  needs: ['nothing special'],
  vanishes: [],
  lesson:
    'An optimisation that reads the entry to learn what is cached is only as good as the rule that the entry and its flush go together. Deferring the flush broke the rule somewhere else in the tree. The fix made the debt visible, as tlb_flush_pending.',
  remedy: 'An owner for every page-table entry that is changed and not flushed yet.',
};
