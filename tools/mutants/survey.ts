/**
 * All mutations of an era at the sites that its scenarios come by, and what becomes of each. Killed: a search finds a
 * violation, an assertion that does not hold, an access with another outcome than stated, a deadlock, a dead guest or one
 * that never ends. Silent: every search is exhausted and clean, so within these scenarios and bounds the change makes no
 * difference. Open: a search met its limit, which says nothing.
 */
import { changesOf, keyOf, type Mutation, type Site } from './action-site.ts';
import { type Hunted, hunt, type Target } from './hunt.ts';
import { mutatedEra } from './mutated-era.ts';
import type { Occasion } from './occasions.ts';

export type Fate =
  | { readonly kind: 'killed'; readonly occasion: string; readonly by: string }
  | { readonly kind: 'silent'; readonly occasions: number }
  | { readonly kind: 'open'; readonly occasions: readonly string[] };

export interface Mutant {
  readonly mutation: Mutation;
  readonly fate: Fate;
  readonly executions: number;
}

export interface Baseline {
  readonly sites: readonly SiteOccasions[];
  /** Where the era as it is is not clean: no mutant is tried there. */
  readonly unfit: readonly { readonly occasion: string; readonly why: string }[];
}

export interface SiteOccasions {
  readonly site: Site;
  /** Those that come by it. A mutant is tried only there: elsewhere it is the era itself. */
  readonly occasions: readonly Occasion[];
}

/** Tries the era as it is, and watches which sites it comes by. */
export function baselineOf(target: Target, occasions: readonly Occasion[], most: number): Baseline {
  const sites = new Map<string, { site: Site; occasions: Occasion[] }>();
  const unfit: { occasion: string; why: string }[] = [];
  for (const occasion of occasions) {
    const seen = new Map<string, Site>();
    const era = mutatedEra(target.era, null, (site) => seen.set(keyOf(site), site));
    const { found, covered } = hunt({ ...target, era }, occasion, most);
    if (found !== null || !covered) {
      unfit.push({ occasion: occasion.name, why: found ?? 'not covered' });
      continue;
    }
    for (const [key, site] of seen) {
      const known = sites.get(key);
      if (known === undefined) sites.set(key, { site, occasions: [occasion] });
      else known.occasions.push(occasion);
    }
  }
  return { sites: [...sites.values()], unfit };
}

export function mutationsAt({ site }: SiteOccasions): Mutation[] {
  return changesOf(site.what).map((change) => ({ ...site, change }));
}

export function tryMutant(target: Target, mutation: Mutation, occasions: readonly Occasion[], most: number): Mutant {
  const era = mutatedEra(target.era, mutation);
  const open: string[] = [];
  let executions = 0;
  for (const occasion of occasions) {
    const hunted: Hunted = hunt({ ...target, era }, occasion, most);
    executions += hunted.executions;
    const { found, covered } = hunted;
    if (found !== null) return { mutation, fate: { kind: 'killed', occasion: occasion.name, by: found }, executions };
    if (!covered) open.push(occasion.name);
  }
  const fate: Fate =
    open.length > 0 ? { kind: 'open', occasions: open } : { kind: 'silent', occasions: occasions.length };
  return { mutation, fate, executions };
}
