/** Writes docs/MUSEUM.md from the exhibits: `npx tsx tools/museum/update.ts`. */
import { writeFileSync } from 'node:fs';
import { EXHIBITS } from '../../src/museum/catalogue.ts';
import { MISSING } from '../../src/museum/missing.ts';
import { inRepository } from '../twins/twins.ts';
import { printMuseumPage } from './page.ts';

writeFileSync(inRepository('docs/MUSEUM.md'), printMuseumPage(EXHIBITS, MISSING));
