/** BUGS 7: page tables freed after a grace period, and no invalidation. */
import type { Exhibit } from '../exhibit.ts';

export const B7: Exhibit = {
  id: 'B7',
  title: 'page tables go back to the allocator before the TLB flush',
  sources: [{ kind: 'fix', text: 'd86564a2f085 (v4.19)' }],
  kernels: 'v4.14 to v4.18, where page tables are freed by RCU',
  vulnerable: 'E3-B7',
  fixed: 'E3',
  story:
    'When the batch of page tables was full they were handed to RCU, before the flush of the range that they had mapped. A grace period makes software walkers let go. It says nothing of paging-structure caches, which still refer to the table when it has become something else.',
  scenario: `# One thread unmaps what another is using.
scenario "a page table goes while another processor walks by way of it"
processors 2
era E3-B7
set store-buffers=off
space A

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
  read a[1]
}
`,
  search: { from: 'seen', preemptions: 2 },
  expected: 'freed-table-walked',
  needs: ['paging-structure caches'],
  vanishes: [
    {
      switches: ['paging-structure-caches=off'],
      why: 'every walk then begins at the root, where the table is unhooked',
    },
  ],
  lesson:
    'Unhook, invalidate, free: in this order, for tables as for pages. RCU protects readers that are code; a page walk is a reader that no grace period waits for. Plain user code reaches it, without speculation.',
  remedy: 'One rule for whatever a translation can refer to, leaf or table: nothing is freed before the flush returns.',
};
