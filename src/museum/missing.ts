/** Bugs of the catalogue that cannot be shown, each with what there would have to be. */
import type { Missing } from './exhibit.ts';

export const MISSING: readonly Missing[] = [
  {
    id: 'B10',
    title: 'text_poke by a lazy kernel thread leaves a borrowed mm marked as not lazy (abee7c494d8c)',
    reason: 'there are no temporary address spaces; and nothing goes stale by it: it is book-keeping',
  },
  {
    id: 'B11',
    title: 'an NMI between the MOV to CR3 and the store to loaded_mm reads user memory',
    reason: 'the model has no NMIs',
  },
  {
    id: 'B12',
    title: 'slots that are remembered across suspend or hotplug',
    reason: 'a processor that comes up invalidates everything, so that what it remembers cannot mislead it',
  },
  {
    id: 'B15',
    title: 'LDT pages freed while still mapped',
    reason: 'there is no LDT; and it is the mapping that is left behind, before any translation of it',
  },
  {
    id: 'B17',
    title: 'global translations of the trampoline survive (f154f290855b, 71d5049b0538)',
    reason: 'processors come up in 64-bit mode: there is no trampoline page table',
  },
  {
    id: 'B18',
    title: 'user_pcid_flush_mask too small for global ASIDs (94a17f2dc90b)',
    reason: 'the eras with INVLPGB here do without it under page-table isolation, as this fix has them do',
  },
  {
    id: 'B19',
    title: 'INVLPGB before its maximum count is known (cb6075bc62dc)',
    reason: 'an endless loop, not a stale translation; the kernel begins when the count is known',
  },
  {
    id: 'B20',
    title: 'ioremap of a large page frees a table that speculation has cached again (5e0fb5df2ee8)',
    reason: 'the kernel maps its own memory by 4-KByte pages only, and keeps its page tables',
  },
  {
    id: 'B21',
    title: 'a change of kernel page attributes flushed for the wrong range',
    reason: 'there is no change_page_attr',
  },
  {
    id: 'B22',
    title: 'the bits of linear-address masking read twice in a switch',
    reason: 'linear-address masking is not modelled; nothing goes stale by it',
  },
  {
    id: 'B23',
    title: 'a PDPTE of 32-bit PAE paging changed and flushed on one processor only',
    reason: '32-bit and PAE paging are not modelled',
  },
  {
    id: 'B25',
    title: "an IOMMU goes on by way of the kernel's freed page tables (e37d5a2d60a3, CVE-2025-71202)",
    reason: 'there are no devices that walk page tables',
  },
  {
    id: 'B26',
    title: 'mremap lets go of the locks before it flushes (eb66ae030829, CVE-2018-18281)',
    reason:
      'stepped by hand in the tests (E3-B26): the window is one step wide and takes three preemptions, more than a search covers',
  },
  {
    id: 'B27',
    title: 'mremap moves whole page tables without the rmap lock (97113eb39fa7, CVE-2022-41222)',
    reason: 'mremap moves entries one by one here, and reclaim finds them by where they are',
  },
  {
    id: 'B29',
    title:
      'unmap_mapping_range misses a mapping that munmap has unlinked and not flushed (b67fbebd4cf9, CVE-2022-39188)',
    reason: 'there are no drivers that map pages which nobody counts',
  },
  {
    id: 'B34',
    title: 'tlb_flush_pending was a boolean (16af97dc5a89)',
    reason:
      'takes two that take rights away while they hold mmap_lock shared, as the NUMA scanner does; mprotect holds it alone',
  },
  {
    id: 'B36',
    title: 'KSM trusts an entry whose flush was deferred (b3a81d0841a9)',
    reason: 'there is no KSM; the schedule is that of B35',
  },
  {
    id: 'B37',
    title: 'userfaultfd write protection with a deferred flush (6ce64428d620)',
    reason: 'there is no userfaultfd; the schedule is that of B35',
  },
  {
    id: 'B38',
    title: 'a shared page-table page unshared without a flush (a4a118f2eead, CVE-2021-4002)',
    reason: 'address spaces share no page tables',
  },
  {
    id: 'B39',
    title: 'khugepaged takes a page table from under a walk by software (2ba99c5e0881)',
    reason: 'nobody walks page tables without a lock',
  },
  {
    id: 'B40',
    title: 'an IPI handler that asks for active_mm meets kthread_use_mm (38cf307c1f20)',
    reason: 'x86 is not affected',
  },
  {
    id: 'B41',
    title: 'vmalloc flushes from the last address to the first',
    reason: 'vfree flushes what it unmaps, at once and in one piece',
  },
  {
    id: 'B42',
    title: 'KVM overwrites the request to flush a preempted vCPU (8c6de56a42e0, CVE-2019-3016)',
    reason: 'searches do not take processors away yet, and the host here never marks one twice',
  },
  {
    id: 'B43',
    title: 'KVM calls a vCPU preempted in the middle of an instruction (6cd88243c7e0, CVE-2022-39189)',
    reason: 'an access is one step: no translation is on its way while its processor is taken away',
  },
  {
    id: 'B44',
    title: "KVM's walker yields before it flushes (a835429cda91)",
    reason: 'nested paging is not modelled',
  },
];
