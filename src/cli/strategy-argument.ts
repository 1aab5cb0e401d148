/** The strategies of `tlbsan explore` as a user writes them. */
import { InputError } from '../base/errors.ts';
import type { Strategy } from '../explore/explore.ts';

export const STRATEGY_FORMS = 'exhaustive, preemptions=N, delays=N, pct, pct=DEPTH, random';
const MOST = 1000;

/** Throws InputError, which lists the forms there are. */
export function parseStrategy(
  text: string,
  { seed, samples }: { readonly seed: number; readonly samples: number },
): Strategy {
  const [, name = '', digits] = /^([a-z]+)(?:=(\d{1,6}))?$/.exec(text) ?? [];
  const number = digits === undefined ? null : Number(digits);
  if (number === null || number <= MOST) {
    if ((name === 'preemptions' || name === 'delays') && number !== null) {
      return { kind: 'bounded', bound: { kind: name, most: number }, remember: true };
    }
    if (name === 'exhaustive' && number === null) return { kind: 'reduced', remember: true };
    if (name === 'random' && number === null) return { kind: 'random', seed, samples };
    if (name === 'pct' && number !== 0) {
      return number === null ? { kind: 'pct', seed, samples } : { kind: 'pct', seed, samples, depth: number };
    }
  }
  throw new InputError(`'${text}' is none of ${STRATEGY_FORMS}`, { file: '--strategy' });
}
