/** The report of one violation or finding as plain text, to be forwarded as it is: at most 25 lines. */
import {
  cacheName,
  describeEntry,
  describeObligation,
  describeOperation,
  entryName,
  hex,
  pageSize,
  place,
  rightsInWords,
  SEVERITY_MEANING,
} from './describe.ts';
import type {
  ChangeSummary,
  Cover,
  Finding,
  FrameSummary,
  TranslationSummary,
  UseSummary,
  Violation,
} from './violation.ts';

export function printViolation(violation: Violation): string {
  const { number, severity, stage, use, translation, change, due, skipped, frame, cover, count } = violation;
  const lines = [`violation ${number}: ${severity} (${stage}): ${SEVERITY_MEANING[severity]}`, ...useLines(use)];
  if (translation !== null) lines.push(...translationLines(translation));
  if (change !== null) lines.push(...changeLines(change));
  if (due !== null) lines.push(...rows('due', describeObligation(due)));
  if (skipped !== null) {
    lines.push(row('skipped', `step ${skipped.time}: no flush on processor ${skipped.processor}: ${skipped.why}`));
  }
  if (frame !== null) lines.push(row('frame', frameLine(frame)));
  if (cover !== null) lines.push(row('cover', coverLine(cover, severity === 'freed-table-walked')));
  if (count > 1) lines.push(row('seen', `${count} uses on this processor missed this change`));
  return `${lines.join('\n')}\n`;
}

export function printFinding(finding: Finding): string {
  const { time, count } = finding;
  const lines: string[] = [];
  switch (finding.kind) {
    case 'assertion':
      lines.push(`assertion ${finding.id} does not hold: ${finding.detail}`);
      lines.push(row('where', `step ${time}: ${place(finding.processor, finding.where)}`));
      break;
    case 'generation-invariant': {
      const { slot, processor, pcid, changeGeneration, translation, change, staleness } = finding;
      lines.push(
        changeGeneration === null
          ? `generation invariant: PCID ${pcid} of processor ${processor} is recorded as mm ${slot.mm} and holds a translation of mm ${translation.mm}`
          : `generation invariant: PCID ${pcid} of processor ${processor} is recorded as mm ${slot.mm} at generation ${slot.generation} and missed a change of generation ${changeGeneration}`,
      );
      lines.push(row('found', `step ${time}: still cached, ${staleness}`));
      lines.push(...translationLines(translation), ...changeLines(change));
      break;
    }
  }
  if (count > 1) lines.push(row('seen', `${count} times`));
  return `${lines.join('\n')}\n`;
}

function row(title: string, text: string): string {
  return `  ${title.padEnd(8)} ${text}`;
}

function rows(title: string, texts: readonly string[]): string[] {
  return texts.map((text, index) => row(index === 0 ? title : '', text));
}

function useLines(use: UseSummary): string[] {
  const at = `step ${use.time}: ${place(use.processor, use.where)}`;
  if (use.kind === 'access') {
    return [row('use', `${at}: ${use.access.user ? 'user' : 'supervisor'} ${use.access.kind} of ${hex(use.address)}`)];
  }
  const walk = use.speculative ? 'a speculative walk' : 'a walk';
  const what = use.address === null ? walk : `${walk} for ${hex(use.address)}`;
  return [row('use', `${at}: ${what} read the ${entryName(use.level)} at ${hex(use.entry)}`)];
}

function translationLines(translation: TranslationSummary): string[] {
  const { kind, page, pages, frame, pcid, mm, filled, global, dirty } = translation;
  const leads = kind === 'tlb' ? `frame ${hex(frame)}` : `table ${hex(frame)}`;
  const flags = `${rightsInWords(translation)}${dirty ? ', dirty' : ''}${global ? ', global' : ''}`;
  const region = `${pageSize(pages)} ${kind === 'tlb' ? 'page' : 'region'} at ${hex(BigInt(page) << 12n)}`;
  const where = filled.where === null ? '' : ` (${filled.where})`;
  const walk = filled.walk === null ? '' : ` by ${filled.speculative ? 'speculative ' : ''}walk ${filled.walk}`;
  const shortcut = filled.shortcut === null ? '' : ` from paging-structure-cache entry ${filled.shortcut}`;
  return [
    row(
      'through',
      `${cacheName(kind)} ${translation.serial} (PCID ${pcid}, mm ${mm}): ${region} -> ${leads}, ${flags}`,
    ),
    row('', `filled at step ${filled.time}${walk}${shortcut}${where}`),
  ];
}

function changeLines(change: ChangeSummary): string[] {
  const at = `${place(change.processor, change.where)}${describeOperation(change.operation)}`;
  if (change.kind === 'root') {
    const roots = `from ${hex(change.before)} to ${hex(change.after)}`;
    return [row('missed', `step ${change.time}: ${at}: MOV to CR3 took PCID ${change.pcid} ${roots}`)];
  }
  const drained = change.issued < change.time ? `, in memory at step ${change.time}` : '';
  const { level, address, before, after, now } = change;
  const entry = (title: string, value: bigint): string => row(title, `${describeEntry(value, level)} (${hex(value)})`);
  return [
    row('missed', `step ${change.issued}${drained}: ${at}: wrote the ${entryName(level)} at ${hex(address)}`),
    entry('  before', before),
    entry('  after', after),
    ...(now === after ? [] : [entry('  now', now)]),
  ];
}

function frameLine({ frame, freed, owner }: FrameSummary): string {
  const free = `${hex(frame)} was freed by processor ${freed.processor} at step ${freed.time}`;
  if (owner === null) return free;
  const whom = owner.mm === 0 ? '' : ` for mm ${owner.mm}`;
  return `${hex(frame)} was freed, and allocated again at step ${owner.time} (${owner.use}${whom})`;
}

function coverLine({ processor, pcid, address, global, after, before }: Cover, table: boolean): string {
  const invlpg = table ? `any INVLPG in PCID ${pcid}` : `an INVLPG of ${hex(address)}`;
  const full = global ? 'a flush that includes global pages' : `a full flush of PCID ${pcid}`;
  return `${invlpg}, or ${full}, on processor ${processor} between steps ${after} and ${before}`;
}
