/** Not in any list of bugs: a window that the eras from v4.14-rc1 to v6.13 have, found by reading them and shown here. */
import type { Exhibit } from '../exhibit.ts';

export const A1: Exhibit = {
  id: 'A1',
  title: 'a processor that leaves an mm walks its page tables when nobody tells it any more that they are freed',
  sources: [
    {
      kind: 'analysis',
      text: 'no report is known; the order is that of switch_mm_irqs_off from 94b1b03b519b (v4.14-rc1) on',
    },
    { kind: 'fix', text: '209954cbc7d0 (v6.14), by the way: the bit of the old mm is not cleared any more' },
  ],
  kernels: 'v4.14 to v6.13, where page tables are freed as soon as the flush returns',
  vulnerable: 'E8',
  fixed: 'E9-fixed',
  story:
    "A switch takes the processor out of the old mm's mm_cpumask first and loads CR3 some instructions later. In between it still runs on the old tables, and no flush of that mm is sent to it. Another processor that unmaps frees the page tables, and a speculative walk on the first may start from a cached upper-level entry and read them. Interrupts are off, so kernels that free page tables only after a grace period are safe: none can end before the switch has.",
  scenario: `# A processor goes from one space to another while page tables of the first are freed.
scenario "page tables are freed while a processor leaves their space"
processors 3
era E8
set store-buffers=off
space A
space B

thread T0 in A on 0 {
  a = mmap 2 rw at 0x4000_0000
  write a[0] 17
  signal ready
  await seen
  munmap a
}

thread T1 in A on 1 {
  await ready
  read a[0]
  signal seen
}

thread Other in B on 1 {
  await seen
}

kernel Speculation on 2 {
  await seen
  speculate a[1] of A on 1
}
`,
  search: { from: 'seen', preemptions: 1 },
  expected: 'freed-table-walked',
  needs: ['paging-structure caches', 'speculative walks', 'page tables that are freed without a grace period'],
  vanishes: [
    {
      switches: ['paging-structure-caches=off'],
      why: 'a walk then begins at the root, where the way to the freed table is gone',
    },
  ],
  lesson:
    'Leaf translations may go stale in this window, for the recorded generation lags behind and the next switch back will flush. Upper-level entries may not, because what they refer to is given away. It is the fault of B5 in a few instructions instead of a whole idle period, and it went away when the mask was made lazy for the sake of speed.',
  remedy: 'Clearing the bit after the MOV to CR3, as E0b and E1 did; or freeing page tables after a grace period.',
};
