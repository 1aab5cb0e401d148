/** BUGS 16: INVLPG that leaves global translations where PCIDs are enabled. */
import type { Exhibit } from '../exhibit.ts';
import { VFREE_SCENARIO } from './vfree-scenario.ts';

export const B16: Exhibit = {
  id: 'B16',
  title: 'INVLPG leaves global translations (a fault of the processor)',
  sources: [{ kind: 'fix', text: 'ce0b15d11ad8 (v6.4): no PCIDs on these parts' }],
  kernels: 'v4.14 to v6.3, on Alder Lake and Raptor Lake',
  vulnerable: 'E7',
  fixed: 'E8',
  story:
    'The manual says that INVLPG invalidates global translations of its address whatever the PCID (SDM 3A 4.10.4.1), and flush_tlb_kernel_range relies on it. Some parts do not do it while CR4.PCIDE is set. The kernel frees a page that other processors go on reading and writing by its old address.',
  scenario: VFREE_SCENARIO('E7'),
  search: { from: 'seen', preemptions: 1 },
  expected: 'stale-frame',
  needs: ['the erratum', 'PCIDs', 'global pages'],
  vanishes: [
    { switches: ['invlpg-global-erratum=off'], why: 'INVLPG does what the manual says' },
    { switches: ['pcid=off'], why: 'the erratum needs CR4.PCIDE' },
    {
      switches: ['global-pages=off'],
      why: 'there are no global translations, and no PCIDs without them in this kernel',
    },
  ],
  lesson:
    'The algorithm was right and the processor was wrong. What can be done is to give up one of the two features that meet: Linux gave up PCIDs on these parts until their microcode was mended. A kernel that knows what it relies on finds the one line where that is said.',
  remedy: 'Only a test on the part itself: the kernel kept its side of the contract.',
};
