/** BUGS 4: generation 0, which names none, taken for one that has been reached. */
import type { Exhibit } from '../exhibit.ts';

export const B4: Exhibit = {
  id: 'B4',
  title: 'a batched unmap flushes nobody: generation 0 counts as reached',
  sources: [
    { kind: 'fix', text: '8f1d56f64f8d (v6.0)' },
    { kind: 'culprit', text: 'aa44284960d5 (v6.0-rc)' },
  ],
  kernels: 'none released: between aa44284960d5 and v6.0',
  vulnerable: 'E7-B4',
  fixed: 'E7',
  story:
    'A new early return skipped a flush whose generation the processor had reached already. The flush of a batched unmap is for many mms and names no generation: its field is 0, every processor has reached that, and none flushed. Reclaim then handed pages out that processors could still write.',
  scenario: `# A page is taken away, as under memory pressure, from a processor that is using it.
scenario "a page is reclaimed while a processor uses it"
processors 2
era E7-B4
set store-buffers=off
space A

thread T0 in A on 1 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  repeat 2 { read a[0] }
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
    'A value outside of the range that a comparison was written for is the classic hole of an early return. The optimisation was about one kind of request; a second kind shared its structure and was not thought of. It was found by a developer whose machine swapped.',
  remedy:
    'An assertion that a flush with no generation is never skipped (W13 came with the fix); any test that reclaims.',
};
