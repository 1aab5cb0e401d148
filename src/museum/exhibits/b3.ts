/** BUGS 3: a switch without a full barrier between marking loaded_mm and reading tlb_gen. */
import type { Exhibit } from '../exhibit.ts';

export const B3: Exhibit = {
  id: 'B3',
  title: 'no full barrier between LOADED_MM_SWITCHING and the read of tlb_gen',
  sources: [
    { kind: 'fix', text: '83b0177a6c48 (v6.18, v6.17.5)' },
    { kind: 'culprit', text: '209954cbc7d0 (v6.14)' },
    { kind: 'cve', text: 'CVE-2025-40174' },
  ],
  kernels: 'v6.14 to v6.17.4',
  vulnerable: 'E10',
  fixed: 'E11',
  story:
    'To save locked operations the switch sets its bit in mm_cpumask only where it is clear. That locked operation had also been the barrier between the store of LOADED_MM_SWITCHING and the read of tlb_gen. Where the bit was set already the store could wait in the store buffer while tlb_gen was read: the switch sees the old generation, the flusher sees the old loaded_mm, and both conclude that there is nothing to do.',
  scenario: `# A processor comes back to a space that it ran before, while another gives a page of it back.
scenario "a flush meets a processor that comes back"
processors 2
era E10
space A
space B

thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  await visited
  madvise a dontneed
  signal gone
}

thread T1 in A on 1 {
  await ready
  read a[0]
  signal seen
  await visited
  read a[0]
  await gone
  read a[0]
}

thread Other in B on 1 {
  await seen
  signal visited
}
`,
  search: { from: 'visited', preemptions: 1 },
  expected: 'stale-frame',
  needs: ['store buffers', 'PCIDs'],
  vanishes: [
    { switches: ['store-buffers=off'], why: 'under sequential consistency program order is enough' },
    { switches: ['pcid=off'], why: 'the MOV to CR3 then invalidates whatever was missed' },
  ],
  lesson:
    'A locked operation does two things, and who removes it for the sake of the first removes the second. Store buffering is the one reordering that x86 has, and this is its litmus test: each side stores its own flag and reads the other. Both sides need the barrier; the increment of tlb_gen was only one of them.',
  remedy: 'Testing on a machine model whose stores wait: with stores visible at once the code is right.',
};
