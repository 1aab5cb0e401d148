import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EXHIBITS } from '../../src/museum/catalogue.ts';
import { MISSING } from '../../src/museum/missing.ts';
import { printMuseumPage } from '../../tools/museum/page.ts';
import { inRepository } from '../../tools/twins/twins.ts';

it('docs/MUSEUM.md is what the exhibits say', () => {
  expect(readFileSync(inRepository('docs/MUSEUM.md'), 'utf8')).toBe(printMuseumPage(EXHIBITS, MISSING));
});
