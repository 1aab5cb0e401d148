/** BUGS 24: page tables freed after an IPI that interrupts and invalidates nothing. */
import type { Exhibit } from '../exhibit.ts';

export const B24: Exhibit = {
  id: 'B24',
  title: 'a page table is freed after an IPI that invalidates nothing',
  sources: [{ kind: 'fix', text: '0ed1325967ab (v5.6)' }],
  kernels: 'v4.14 to v5.5 on powerpc with radix page tables; here in the code that it shares with x86',
  vulnerable: 'E5-B24',
  fixed: 'E5',
  story:
    'When there was no memory for a batch, a single table was freed after an empty IPI to everybody. Whoever walks page tables in software does so with interrupts off, and is done when it has taken the IPI. Paging-structure caches take no interrupts.',
  scenario: `# One thread unmaps what another is using, and memory for batches is exhausted.
scenario "a page table goes while another processor walks by way of it"
processors 2
era E5-B24
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
  vanishes: [{ switches: ['paging-structure-caches=off'], why: 'every walk then begins at the root' }],
  lesson:
    'The way that is taken when memory is exhausted is the one that nobody tests. It repeated the fault of B7 with another mechanism: an IPI synchronizes code, as a grace period does. Neither is an invalidation.',
  remedy: 'Making the allocation fail in tests; the same rule for the slow path as for the fast one.',
};
