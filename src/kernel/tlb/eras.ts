/** Every era with its variants, in the order in which they are listed. */
import { InputError, type InputPlace } from '../../base/errors.ts';
import { E0b } from './e0b.ts';
import { E1 } from './e1.ts';
import { E2 } from './e2.ts';
import { E3 } from './e3.ts';
import type { Era } from './era.ts';
import { VARIANTS_OF_E0B } from './variants/of-e0b.ts';
import { VARIANTS_OF_E1 } from './variants/of-e1.ts';
import { VARIANTS_OF_E3 } from './variants/of-e3.ts';

export const ERAS: readonly Era[] = [E0b, ...VARIANTS_OF_E0B, E1, ...VARIANTS_OF_E1, E2, E3, ...VARIANTS_OF_E3];

/** By id, in any case. Throws InputError, which lists the ids, when there is none; `place` is where the id stood. */
export function eraById(id: string, place: InputPlace = { file: '--era' }): Era {
  const era = ERAS.find((candidate) => candidate.id.toLowerCase() === id.toLowerCase());
  if (era !== undefined) return era;
  throw new InputError(`no era '${id}'; there are ${ERAS.map((known) => known.id).join(', ')}`, place);
}
