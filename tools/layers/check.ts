/**
 * `npm run layers [-- FOLDER]`: checks that the sources import only what lies below them. Prints each breach as
 * `file:line: message`. Exit code 0 when there is none, 1 when there are some.
 */
import { fileURLToPath } from 'node:url';
import { breaches, sourceFiles } from './breaches.ts';

const root = process.argv[2] ?? fileURLToPath(new URL('../../src', import.meta.url));
const found = breaches(root);
for (const breach of found) console.log(breach);
if (found.length === 0) console.log(`${sourceFiles(root).length} files keep the layering`);
else process.exitCode = 1;
