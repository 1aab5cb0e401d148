/** Finds which sections of the manuals a source text cites, and which rows of a test stand for one. */

/** As in `SDM 3A 4.10.4.1`, `SDM 2A INVPCID` or `APM 2 5.5.3`. */
export type Section = string;

const NUMBER = '\\d+\\.\\d+(?:\\.\\d+)*';
/** After the first section others of the same volume may follow: `SDM 3A 9.4.2, 11.4.7.3`. */
const CITATION = new RegExp(
  `\\b((?:SDM (?:1|2[A-D]|3[A-D])|APM \\d))\\s+(?:\\* )?(${NUMBER}(?:(?:, | and )${NUMBER})*)`,
  'g',
);
const INSTRUCTION = /\bSDM (2[A-D]) ([A-Z][A-Z0-9]{2,})\b/g;
const ROW = /\bcite: ?(['"`])(.*?)\1/g;
const ROW_SECTION = new RegExp(`^(?:SDM )?(?:(APM \\d|1|2[A-D]|3[A-D]) )?(${NUMBER}|[A-Z][A-Z0-9]{2,})`);
/** Rows that name no volume are of the one with paging and the APIC. */
const USUAL_VOLUME = '3A';

export function sectionsCited(source: string): Set<Section> {
  // A citation may run over the end of a comment's line.
  const text = source.replaceAll(/\n\s*(?:\*|\/\/) ?/g, ' ');
  const found = new Set<Section>();
  for (const [, volume, numbers = ''] of text.matchAll(CITATION)) {
    for (const number of numbers.split(/, | and /)) found.add(`${volume} ${number}`);
  }
  for (const [, volume, instruction] of text.matchAll(INSTRUCTION)) found.add(`SDM ${volume} ${instruction}`);
  for (const section of rowSections(source)) found.add(section);
  return found;
}

/** The section of each row `{ cite: '…' }`; rows that cite something other than a manual have none. */
export function rowSections(source: string): Section[] {
  return [...source.matchAll(ROW)].flatMap(([, , cite = '']) => {
    const [, volume = USUAL_VOLUME, section] = ROW_SECTION.exec(cite) ?? [];
    if (section === undefined) return [];
    const isNumber = /^\d/.test(section);
    if (!isNumber && !volume.startsWith('2')) return [];
    return [`${volume.startsWith('APM') ? volume : `SDM ${volume}`} ${section}`];
  });
}

/** By manual, volume and number: 4.9 before 4.10. */
export function bySection(a: Section, b: Section): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
