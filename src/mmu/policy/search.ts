/**
 * For searches over all that hardware may do: everything that walks find is kept until an operation takes it away, old
 * versions beside new ones, and whoever searches says for each access and each walk what it uses. Since using is a choice,
 * a translation that the processor could have failed to cache, or have evicted, is one that nothing uses.
 */
import { CollectingStructures } from '../collecting-structures.ts';
import { CollectingTlb } from '../collecting-tlb.ts';
import { NO_PAGING_STRUCTURE_CACHES, PagingStructureCaches } from '../paging-structure-cache.ts';
import type { TlbPolicy } from './policy.ts';

export interface SearchPolicyOptions {
  readonly pagingStructureCaches?: boolean;
}

export function searchPolicy(options: SearchPolicyOptions = {}): TlbPolicy {
  const { pagingStructureCaches = true } = options;
  return {
    name: 'search',
    createTlb: (host) => new CollectingTlb(host),
    createPagingStructureCaches: (removed) =>
      pagingStructureCaches
        ? new CollectingStructures(removed)
        : new PagingStructureCaches(NO_PAGING_STRUCTURE_CACHES, removed),
    retainsAcrossMovToCr3: true,
    keepsCleanEntries: true,
  };
}
