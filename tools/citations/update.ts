/** `npm run coverage`: writes docs/COVERAGE.md anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { coverageDocument } from './table.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
writeFileSync(join(root, 'docs/COVERAGE.md'), coverageDocument(root));
