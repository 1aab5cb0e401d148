/** All exhibits, by the number of the bug, and by what name a visitor may ask for one. */
import { InputError } from '../base/errors.ts';
import type { Exhibit } from './exhibit.ts';
import { A1 } from './exhibits/a1.ts';
import { B1 } from './exhibits/b1.ts';
import { B3 } from './exhibits/b3.ts';
import { B4 } from './exhibits/b4.ts';
import { B5 } from './exhibits/b5.ts';
import { B7 } from './exhibits/b7.ts';
import { B9 } from './exhibits/b9.ts';
import { B14 } from './exhibits/b14.ts';
import { B16 } from './exhibits/b16.ts';
import { B24 } from './exhibits/b24.ts';
import { B30 } from './exhibits/b30.ts';
import { B32 } from './exhibits/b32.ts';
import { B35 } from './exhibits/b35.ts';
import { B51 } from './exhibits/b51.ts';
import { B52 } from './exhibits/b52.ts';

export const EXHIBITS: readonly Exhibit[] = [B1, B3, B4, B5, B7, B9, B14, B16, B24, B30, B32, B35, B51, B52, A1];

/** By its id, or by a commit or a CVE number, in any case. Throws InputError, which lists the ids. */
export function exhibitByName(name: string): Exhibit {
  const wanted = name.toLowerCase();
  const exhibit = EXHIBITS.find(
    ({ id, sources }) =>
      id.toLowerCase() === wanted || sources.some(({ text }) => text.split(/\s/)[0]?.toLowerCase() === wanted),
  );
  if (exhibit !== undefined) return exhibit;
  throw new InputError(`no bug '${name}'; there are ${EXHIBITS.map(({ id }) => id).join(', ')}`, { file: 'bugs' });
}
