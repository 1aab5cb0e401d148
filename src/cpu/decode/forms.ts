/** All rows of all maps as forms, numbered. Number 0 is the undefined form. */
import type { Feature } from './feature.ts';
import { type Form, parseRow } from './form.ts';
import { opcodeMaps, opcodeSpaces } from './maps.ts';
import { NotationReader } from './notation.ts';
import type { SectionFeatures } from './row.ts';
import { undefinedForm } from './undefined-form.ts';

interface LengthFeatures {
  readonly vectorLengths: number;
  readonly features: readonly Feature[];
}

function byVectorLength(features: SectionFeatures): readonly LengthFeatures[] {
  if (!('L0' in features)) return [{ vectorLengths: 3, features }];
  return [
    { vectorLengths: 1, features: features.L0 },
    { vectorLengths: 2, features: features.L1 },
  ];
}

function readMaps(): readonly Form[] {
  const notations = new NotationReader();
  const forms: Form[] = [undefinedForm];
  for (const { space, sections } of opcodeMaps) {
    for (const { features, rows } of sections) {
      for (const row of rows) {
        for (const { vectorLengths, features: needed } of byVectorLength(features)) {
          const place = { index: forms.length, space, spaceName: opcodeSpaces[space] ?? '', vectorLengths };
          forms.push(parseRow(row, { ...place, features: needed }, notations));
        }
      }
    }
  }
  return forms;
}

export const forms: readonly Form[] = readMaps();
