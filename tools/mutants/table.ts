/** What became of the mutants, as a document. */
import type { Change } from './action-site.ts';
import type { Target } from './hunt.ts';
import type { Occasion } from './occasions.ts';
import type { Baseline, Fate, Mutant } from './survey.ts';

export interface Survey {
  readonly target: Target;
  readonly unfit: Baseline['unfit'];
  readonly mutants: readonly Mutant[];
}

const IN_WORDS: Readonly<Record<Change, string>> = {
  drop: 'left out',
  late: 'changes places with the next',
  unlock: 'not locked',
  keep: 'invalidates nothing',
};

export function printSurveys(surveys: readonly Survey[], occasions: readonly Occasion[], most: number): string {
  return `${[
    '# Mutants',
    '',
    'Printed by `npm run mutants`. Every action of an era that orders something (a store, a locked operation, a fence, a write',
    'of CR3 or CR4, an invalidation), at every place in its code that the scenarios below come by, is left out, or changes',
    'places with the action after it, or loses its lock, or invalidates nothing. Each mutant is then searched for in every',
    'scenario that comes by the place. The mutants that have names, as variants of eras, are in `test/museum` and `test/kernel`.',
    '',
    '- **killed**: a search finds a violation, an assertion that does not hold, an outcome that was not stated, a deadlock, or',
    '  an execution that never ends.',
    `- **silent**: every search is exhausted and clean. Within these scenarios and bounds the change makes no difference. That`,
    '  is a proof for them and for nothing else: most are book-keeping that only costs flushes, or orders that x86 keeps by',
    '  itself, and some need an occasion that is not here or more preemptions: a lazy processor that returns without the fence of',
    '  `catch_up` is found within two (`E5-no-mb`, test/kernel/tlb/ordering.test.ts).',
    `- **open**: a search met its limit of ${most.toLocaleString('en')} executions.`,
    '',
    '| scenario | searched |',
    '| --- | --- |',
    ...occasions.map(({ name, search: { from, preemptions } }) => {
      const since = from === null ? 'from the start' : `from \`${from}\``;
      return `| ${name} | ${since}, at most ${preemptions} preemption${preemptions === 1 ? '' : 's'} |`;
    }),
    '',
    '| era | mutants | killed | silent | open |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...surveys.map(
      ({ target, mutants }) =>
        `| ${nameOf(target)} | ${mutants.length} | ${count(mutants, 'killed')} | ${count(mutants, 'silent')} | ${count(mutants, 'open')} |`,
    ),
    ...surveys.flatMap(printSurvey),
  ].join('\n')}\n`;
}

function printSurvey({ target, unfit, mutants }: Survey): string[] {
  return [
    '',
    `## ${nameOf(target)}`,
    '',
    ...unfit.flatMap(({ occasion, why }) => [`Not tried in *${occasion}*, where the era as it is gives: ${why}.`, '']),
    '| where | what | change | fate | |',
    '| --- | --- | --- | --- | --- |',
    ...mutants.map(({ mutation: { method, what, change }, fate, executions }) => {
      const all = `${executions.toLocaleString('en')} executions`;
      return `| ${method} | ${what} | ${IN_WORDS[change]} | ${fate.kind} | ${detail(fate)}, ${all} |`;
    }),
  ];
}

function detail(fate: Fate): string {
  switch (fate.kind) {
    case 'killed':
      return `${fate.occasion}: ${fate.by}`;
    case 'silent':
      return `${fate.occasions} scenarios`;
    case 'open':
      return fate.occasions.join(', ');
  }
}

function nameOf({ era, switches }: Target): string {
  return switches.length === 0 ? era.id : `${era.id} with ${switches.join(' ')}`;
}

function count(mutants: readonly Mutant[], kind: Fate['kind']): number {
  return mutants.filter(({ fate }) => fate.kind === kind).length;
}
