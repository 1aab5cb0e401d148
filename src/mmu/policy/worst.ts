/**
 * The worst processor that the manual allows: it caches every translation that it may, in TLB and paging-structure
 * caches of all kinds, and keeps it until an operation takes it away.
 */
import { NO_PAGING_STRUCTURE_CACHES, PagingStructureCaches, UNBOUNDED } from '../paging-structure-cache.ts';
import { UnboundedTlb } from '../unbounded-tlb.ts';
import type { TlbPolicy } from './policy.ts';

export interface WorstPolicyOptions {
  /** Keep large pages in slots of 4 KBytes. */
  readonly fracture?: boolean;
  readonly pagingStructureCaches?: boolean;
}

export function worstPolicy(options: WorstPolicyOptions = {}): TlbPolicy {
  const { fracture = false, pagingStructureCaches = true } = options;
  return {
    name: 'worst',
    createTlb: (host) => new UnboundedTlb(host, { fracture }),
    createPagingStructureCaches: (removed) =>
      new PagingStructureCaches(pagingStructureCaches ? UNBOUNDED : NO_PAGING_STRUCTURE_CACHES, removed),
    retainsAcrossMovToCr3: true,
    keepsCleanEntries: false,
  };
}
