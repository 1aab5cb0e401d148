/** BUGS 1: the flush that passes over a processor in the middle of a switch. */
import type { Exhibit } from '../exhibit.ts';

export const B1: Exhibit = {
  id: 'B1',
  title: 'a flush passes over a processor that is switching to the mm',
  sources: [
    { kind: 'fix', text: 'fea4e317f9e7 (v6.15-rc6)' },
    { kind: 'culprit', text: '6db2526c1d69 (v6.14)' },
    { kind: 'cve', text: 'CVE-2025-37964' },
  ],
  kernels: 'v6.14 to v6.15-rc5',
  vulnerable: 'E9-B1',
  fixed: 'E9-fixed',
  story:
    'The flusher asked each processor of the mask which mm it had loaded, and sent an IPI only where the answer was its own. A processor in the middle of a switch answers LOADED_MM_SWITCHING, and may have read tlb_gen before the flusher advanced it: it is sent nothing, keeps the translations that its PCID still holds, and goes on with them after the flush has returned.',
  scenario: `# A processor comes back to a space that it ran before, while another gives a page of it back.
scenario "a flush meets a processor that comes back"
processors 2
era E9-B1
set store-buffers=off
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
  needs: ['PCIDs, or else a speculative walk between the MOV to CR3 and the end of the switch'],
  vanishes: [
    {
      switches: ['pcid=off', 'speculation=off'],
      why: 'without PCIDs the MOV to CR3 invalidates, and until the switch has ended nobody but speculation fills anything',
    },
  ],
  lesson:
    'Since v6.14 the mask no longer says who must be told; loaded_mm does, and its third value, neither the old mm nor the new, has to count as a yes. Every generation was recorded honestly, so no assertion about generations could fire. The contract that broke is that of the flush that had returned.',
  remedy: 'A search of the schedules of one switch against one flush; a rule that who is not known is told.',
};
