/** BUGS 52: an invalidation sent by one processor and waited for by another. */
import type { Exhibit } from '../exhibit.ts';

export const B52: Exhibit = {
  id: 'B52',
  title: 'a batched flush is sent by one processor and waited for by another',
  sources: [
    { kind: 'elsewhere', text: 'arm64, flush the entire mm in arch_flush_tlb_batched_pending (R. Roberts, May 2025)' },
  ],
  kernels: 'arm64 in v6.6 to v6.15; shown with INVLPGB and TLBSYNC in an x86 kernel',
  vulnerable: 'E11-B52',
  fixed: 'E11-early',
  story:
    'Reclaim sends an invalidation with each page, to all processors, and waits for them once at the end of its batch. mprotect that comes in between finds that a flush is owed, and waits: but waiting is for the invalidations of the processor that waits, and those of reclaim were sent by another. mprotect returns while the old translation is still in use.',
  scenario: `# A thread gives up writing to a page that is being reclaimed, on a part that broadcasts invalidations.
scenario "a page is reclaimed while its protection changes"
processors 2
era E11-B52
set invlpgb=on
set store-buffers=off
space A

thread T0 in A on 1 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  read a[0]
  mprotect a r
  write a[0] 18
}

kernel Reclaimer on 0 {
  await ready
  reclaim a of A
}
`,
  search: { from: 'ready', preemptions: 2 },
  expected: 'stale-frame',
  needs: ['INVLPGB, or another invalidation that is broadcast and completes later'],
  vanishes: [{ switches: ['invlpgb=off'], why: 'flushes then go by IPI, and whoever finds one owed does it itself' }],
  lesson:
    'TLBSYNC waits for the INVLPGBs of its own processor and for no others; DSB on arm64 covers what was sent there in the same way. Sending and waiting are one flush only on one processor. Whoever takes over a debt must send again.',
  remedy: 'A model in which an invalidation that was sent is still on its way until its sender has waited.',
};
