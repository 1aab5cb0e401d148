/** The eras that a run can choose, as data for whoever lists or compares them. */
import { InputError } from '../base/errors.ts';
import { ERAS, eraById } from '../kernel/tlb/eras.ts';
import type { Era } from '../kernel/tlb/era.ts';

export interface EraSummary {
  readonly id: string;
  readonly kernels: string;
  readonly summary: string;
  /** For a variant: the era it departs from, how, and whether it is meant to be harmless. */
  readonly variantOf: { readonly era: string; readonly change: string; readonly harmless: boolean } | null;
}

export function listEras(): readonly EraSummary[] {
  return ERAS.map(summarize);
}

/** What one era did differently from the one before it. */
export interface EraStep {
  readonly id: string;
  readonly kernels: string;
  readonly changes: readonly string[];
}

export interface EraPath {
  readonly from: EraSummary;
  readonly to: EraSummary;
  /** From one era to the other, oldest first; a variant's own change comes last. */
  readonly steps: readonly EraStep[];
}

/** Throws InputError where there is no such era, or the first comes after the second. */
export function pathBetween(from: string, to: string): EraPath {
  const place = { file: '--diff' };
  const [older, newer] = [eraById(from, place), eraById(to, place)];
  const [first, last] = [positionOf(older), positionOf(newer)];
  if (first > last) throw new InputError(`${older.id} comes after ${newer.id}: name the older one first`, place);
  const between = ERAS.filter((era) => era.variantOf === undefined).slice(first + 1, last + 1);
  return {
    from: summarize(older),
    to: summarize(newer),
    steps: [
      ...(older.variantOf === undefined ? [] : [stepOf(older, [`Not any more: ${older.variantOf.change}.`])]),
      ...between.map((era) => stepOf(era, era.changes)),
      ...(newer.variantOf === undefined ? [] : [stepOf(newer, [`${sentence(newer.variantOf.change)}.`])]),
    ],
  };
}

/** Among the eras that are no variants. */
function positionOf({ id, variantOf }: Era): number {
  return ERAS.filter((era) => era.variantOf === undefined).findIndex((era) => era.id === (variantOf?.era ?? id));
}

function stepOf({ id, kernels }: Era, changes: readonly string[]): EraStep {
  return { id, kernels, changes };
}

function summarize({ id, kernels, summary, variantOf }: Era): EraSummary {
  return { id, kernels, summary, variantOf: variantOf ?? null };
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
