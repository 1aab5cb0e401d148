/** BUGS 51: another way to live with the processors of B16. */
import type { Exhibit } from '../exhibit.ts';
import { VFREE_SCENARIO } from './vfree-scenario.ts';

export const B51: Exhibit = {
  id: 'B51',
  title: 'INVLPG leaves global translations, and FreeBSD keeps its PCIDs',
  sources: [{ kind: 'elsewhere', text: 'FreeBSD amd64, vm.pmap.pcid_invlpg_workaround' }],
  kernels: 'FreeBSD 13 and 14 before the work-around; shown in a Linux kernel',
  vulnerable: 'E7',
  fixed: 'E7-wide',
  story:
    'The same processors as in B16. FreeBSD keeps PCIDs on and gives INVLPG up instead: where a range of the kernel is to be flushed it uses INVPCID, of the kind that takes global translations along. The price is paid at each such flush, in translations that nobody wanted to lose.',
  scenario: VFREE_SCENARIO('E7'),
  search: { from: 'seen', preemptions: 1 },
  expected: 'stale-frame',
  needs: ['the erratum', 'PCIDs', 'global pages'],
  vanishes: [{ switches: ['invlpg-global-erratum=off'], why: 'INVLPG does what the manual says' }],
  lesson:
    'One erratum, two remedies, both right: what matters is that no path is left that relies on INVLPG for a global address. Giving PCIDs up makes every switch flush; giving INVLPG up makes every flush of the kernel a full one. Which is dearer depends on the workload, and the counters of the two eras can be compared.',
  remedy: 'A list of every place that relies on INVLPG for kernel addresses, which the change of one function gives.',
};
