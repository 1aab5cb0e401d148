/** Every era with its variants, in the order in which they are listed. */
import { InputError, type InputPlace } from '../../base/errors.ts';
import { E0a } from './e0a.ts';
import { E0b } from './e0b.ts';
import { E1 } from './e1.ts';
import { E2 } from './e2.ts';
import { E3 } from './e3.ts';
import { E4 } from './e4.ts';
import { E5 } from './e5.ts';
import { E6 } from './e6.ts';
import { E7 } from './e7.ts';
import { E8 } from './e8.ts';
import { E9 } from './e9.ts';
import { E10 } from './e10.ts';
import { E11, E11_EAGER } from './e11.ts';
import type { Era } from './era.ts';
import { VARIANTS_OF_E0A } from './variants/of-e0a.ts';
import { VARIANTS_OF_E0B } from './variants/of-e0b.ts';
import { VARIANTS_OF_E1 } from './variants/of-e1.ts';
import { VARIANTS_OF_E3 } from './variants/of-e3.ts';
import { VARIANTS_OF_E4 } from './variants/of-e4.ts';
import { VARIANTS_OF_E5 } from './variants/of-e5.ts';
import { VARIANTS_OF_E7 } from './variants/of-e7.ts';
import { VARIANTS_OF_E9 } from './variants/of-e9.ts';
import { VARIANTS_OF_E11 } from './variants/of-e11.ts';

export const ERAS: readonly Era[] = [
  E0a,
  ...VARIANTS_OF_E0A,
  E0b,
  ...VARIANTS_OF_E0B,
  E1,
  ...VARIANTS_OF_E1,
  E2,
  E3,
  ...VARIANTS_OF_E3,
  E4,
  ...VARIANTS_OF_E4,
  E5,
  ...VARIANTS_OF_E5,
  E6,
  E7,
  ...VARIANTS_OF_E7,
  E8,
  E9,
  ...VARIANTS_OF_E9,
  E10,
  E11,
  E11_EAGER,
  ...VARIANTS_OF_E11,
];

/** By id, in any case. Throws InputError, which lists the ids, when there is none; `place` is where the id stood. */
export function eraById(id: string, place: InputPlace = { file: '--era' }): Era {
  const era = ERAS.find((candidate) => candidate.id.toLowerCase() === id.toLowerCase());
  if (era !== undefined) return era;
  throw new InputError(`no era '${id}'; there are ${ERAS.map((known) => known.id).join(', ')}`, place);
}
