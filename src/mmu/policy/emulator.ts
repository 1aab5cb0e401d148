/**
 * What emulators such as QEMU and Bochs can show: a TLB without paging-structure caches, of which every MOV to CR3 leaves
 * only the global entries, whatever the PCID and bit 63 say. Whole classes of bugs cannot happen under it.
 */
import { NO_PAGING_STRUCTURE_CACHES, PagingStructureCaches } from '../paging-structure-cache.ts';
import { UnboundedTlb } from '../unbounded-tlb.ts';
import type { TlbPolicy } from './policy.ts';

export function emulatorPolicy(): TlbPolicy {
  return {
    name: 'emulator',
    createTlb: (host) => new UnboundedTlb(host, { fracture: false }),
    createPagingStructureCaches: (removed) => new PagingStructureCaches(NO_PAGING_STRUCTURE_CACHES, removed),
    retainsAcrossMovToCr3: false,
    keepsCleanEntries: false,
  };
}
