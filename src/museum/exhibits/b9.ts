/** BUGS 9: a flusher that reads mm_cpumask while its change still waits in the store buffer. */
import type { Exhibit } from '../exhibit.ts';

export const B9: Exhibit = {
  id: 'B9',
  title: 'no barrier between the change of an entry and the read of mm_cpumask',
  sources: [
    { kind: 'fix', text: '71b3c126e611 (v4.5)' },
    { kind: 'cve', text: 'CVE-2016-2069' },
  ],
  kernels: 'all before v4.5, on more than one processor',
  vulnerable: 'E0a-B9',
  fixed: 'E0a-plain',
  story:
    'A processor that does not run the mm itself has nothing to flush locally, so nothing serialized it between its store to the entry and its read of mm_cpumask. The store could still wait in its buffer when the mask was read. A processor that entered the mm just then was not in the mask yet, walked, and cached the old entry: nobody told it of the change.',
  scenario: `# A processor comes back to a space while the kernel moves a page of it to another frame.
scenario "a page moves while a processor comes back to its space"
processors 2
era E0a-B9
space A
space B

thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  await go
  read a[0]
  await moved
  read a[0]
}

thread Other in B on 0 {
  await ready
  signal away
}

kernel Mover on 1 {
  await away
  signal go
  migrate a of A
  signal moved
}
`,
  search: { from: 'go', preemptions: 1 },
  expected: 'stale-frame',
  needs: ['store buffers', 'an entry that is changed by a plain store: a locked exchange would be a barrier'],
  vanishes: [{ switches: ['store-buffers=off'], why: 'the entry is in memory before the mask is read' }],
  lesson:
    "Two processors, each storing one thing and reading the other: without a full barrier on both sides each may miss what the other wrote. The switch had its barrier, in the locked operation on the mask and in MOV to CR3, by accident rather than by design. The fix added the flusher's, and wrote down what pairs with what.",
  remedy: 'Naming, next to every barrier, the one that it pairs with; a model in which stores wait.',
};
