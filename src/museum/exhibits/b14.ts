/** BUGS 14: with page-table isolation, a kernel page flushed under the loaded PCID and left under the others. */
import type { Exhibit } from '../exhibit.ts';

export const B14: Exhibit = {
  id: 'B14',
  title: 'with page-table isolation, kernel pages are flushed in the loaded PCID only',
  sources: [{ kind: 'fix', text: '2ea907c4fe7b, before isolation was released in v4.15' }],
  kernels: 'none released: page-table isolation in the making',
  vulnerable: 'E5-B14',
  fixed: 'E5',
  story:
    'Isolation makes kernel mappings non-global, so that the same kernel page may be cached under the PCID of every slot. INVLPG reaches the loaded PCID. The processor runs another address space when the flush of a kernel page comes, goes back to the first without flushing, and the kernel uses the page that it has freed.',
  scenario: `# The kernel uses a page of its own while two address spaces take turns, and frees it.
scenario "the kernel frees a page that it has used in an address space"
processors 2
era E5-B14
set pti=on
set store-buffers=off
space A
space B

kernel K0 on 0 {
  v = vmalloc 1
  write v[0] 1
  signal ready
  await away
  vfree v
  signal gone
}

thread T1 in A on 1 {
  await ready
  signal here
  await gone
  signal back
}

kernel K1 on 1 {
  await here
  read v[0]
  signal used
  await back
  read v[0]
}

thread Other in B on 1 {
  await used
  signal away
  await gone
}
`,
  search: { from: 'used', preemptions: 1 },
  expected: 'stale-frame',
  needs: [
    'page-table isolation',
    'PCIDs',
    'lazy TLB mode: the kernel thread runs on the tables of the thread before it',
  ],
  vanishes: [
    { switches: ['pti=off'], why: 'kernel mappings are global then, and INVLPG takes those wherever they are' },
    { switches: ['pcid=off'], why: 'every switch then flushes' },
  ],
  lesson:
    'Who gives up global pages gives up what made the flush of a kernel page a local affair of one address. The remedy is a flag: the next switch empties the slots that are not loaded, so that going back to them flushes. It is cheap because kernel pages are seldom flushed, and easily forgotten for the same reason.',
  remedy:
    'Asking of every flush under which tags the translation may be cached, and not only under which it is cached now.',
};
