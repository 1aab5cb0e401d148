/**
 * The manual says what a processor may cache and what it must forget; between the two, a policy chooses. It is asked once
 * for each processor, for the stores in which that processor keeps its translations. A policy may also choose fill by
 * fill, as a search over all hardware behaviours must: a store may keep none of what it is offered.
 */
import type { PagingStructureCacheEntry } from '../../event/cached-translation.ts';
import type { RemovalCause } from '../../event/event.ts';
import type { StructureStore } from '../structure-store.ts';
import type { TlbHost, TlbStore } from '../tlb.ts';

export interface TlbPolicy {
  readonly name: string;
  createTlb(host: TlbHost): TlbStore;
  createPagingStructureCaches(removed: (entry: PagingStructureCacheEntry, cause: RemovalCause) => void): StructureStore;
  /**
   * Whether MOV to CR3 keeps what the manual lets it keep: other PCIDs' translations, and those of the PCID being loaded
   * when bit 63 is set. Otherwise it drops everything that is not global.
   */
  readonly retainsAcrossMovToCr3: boolean;
  /** Whether a walk that sets D leaves the page's entries that lack it, which the manual does not make invalid. */
  readonly keepsCleanEntries: boolean;
}
