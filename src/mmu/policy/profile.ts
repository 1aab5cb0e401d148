/** A real part's caches: its sets, ways and sizes, for statistics that mean something. */
import type { TranslationCacheGeometry } from '../geometry.ts';
import { NO_PAGING_STRUCTURE_CACHES, PagingStructureCaches } from '../paging-structure-cache.ts';
import { SetAssociativeTlb } from '../set-associative-tlb.ts';
import type { TlbPolicy } from './policy.ts';

export interface ProfilePolicyOptions {
  readonly pagingStructureCaches?: boolean;
}

export function profilePolicy(geometry: TranslationCacheGeometry, options: ProfilePolicyOptions = {}): TlbPolicy {
  const { pagingStructureCaches = true } = options;
  return {
    name: `profile ${geometry.name}`,
    createTlb: (host) => new SetAssociativeTlb(host, geometry.arrays),
    createPagingStructureCaches: (removed) =>
      new PagingStructureCaches(
        pagingStructureCaches ? geometry.pagingStructureCaches : NO_PAGING_STRUCTURE_CACHES,
        removed,
      ),
    retainsAcrossMovToCr3: true,
    keepsCleanEntries: false,
  };
}
