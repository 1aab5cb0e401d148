/** BUGS 5: lazy processors that hear of nothing, freed page tables included. */
import type { Exhibit } from '../exhibit.ts';

export const B5: Exhibit = {
  id: 'B5',
  title: 'a lazy processor walks page tables that have been freed',
  sources: [
    { kind: 'culprit', text: '94b1b03b519b (v4.14-rc1)' },
    { kind: 'fix', text: 'b956575bed91 (v4.14)' },
  ],
  kernels: 'v4.14-rc1 to v4.14-rc4',
  vulnerable: 'E2',
  fixed: 'E3',
  story:
    'A processor that ran a kernel thread left mm_cpumask of the mm whose tables it still had loaded, since kernel threads touch no user addresses. The processor itself may: a speculative walk starts from a cached upper-level entry, reads a page table that munmap has freed and somebody else has filled, caches what it finds there, and may set A in it.',
  scenario: `# A thread waits, its processor is idle and keeps its tables loaded; another thread unmaps.
scenario "a processor stays lazy while page tables are freed"
processors 3
era E2
set pcid=off
set store-buffers=off
space A

thread T0 in A on 0 {
  a = mmap 2 rw at 0x4000_0000
  write a[0] 17
  signal ready
  await idle
  munmap a
  signal gone
}

thread T1 in A on 1 {
  await ready
  read a[0]
  signal idle
  await gone
}

kernel Speculation on 2 {
  await idle
  speculate a[1] of A on 1
}
`,
  search: { from: 'idle', preemptions: 1 },
  expected: 'freed-table-walked',
  needs: ['paging-structure caches', 'speculative walks', 'lazy TLB mode'],
  vanishes: [
    {
      switches: ['paging-structure-caches=off'],
      why: 'a walk then begins at the root, where the way to the freed table is gone',
    },
  ],
  lesson:
    'What software never does, hardware may do on its own. Lazy mode may leave leaf entries stale, for they are checked on the way back; it may not leave an upper-level entry that refers to a table which somebody frees. A detector that looks at leaf entries alone sees nothing here.',
  remedy:
    'Remembering for each cached upper-level entry which table it refers to, and complaining when that table is freed.',
};
