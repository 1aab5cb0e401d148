/**
 * A second semantics of litmus tests about two pages that share a PDE, written without anything of the MMU's: what a
 * processor knows is a set of words, every read of an entry is a step of its own, and all states are visited one by one.
 */

export type Instruction =
  | { readonly op: 'pde'; readonly to: Table | 'invalid' }
  | { readonly op: 'pte'; readonly table: Table; readonly page: Page; readonly to: Pte }
  | { readonly op: 'load'; readonly page: Page; readonly register: string }
  | { readonly op: 'store'; readonly page: Page; readonly value: number; readonly register: string }
  | { readonly op: 'invlpg'; readonly page: Page }
  | { readonly op: 'mfence' | 'serialize' | 'cr3' };

export type Page = 'x' | 'y';
export type Table = 't1' | 't2';
/** A frame, as `pa1`, or one that may only be read, as `pa1 ro`. */
export type Pte = 'pa1' | 'pa2' | 'pa1 ro' | 'pa2 ro' | 'invalid';

export interface Hardware {
  readonly storeBuffers: boolean;
  readonly pagingStructureCaches: boolean;
}

export const INITIAL_MEMORY: Readonly<Record<string, string>> = {
  'PDE(x)': 't1',
  't1[x]': 'pa1',
  't1[y]': 'pa2',
  't2[x]': 'pa2',
  't2[y]': 'pa1',
  pa1: '1',
  pa2: '2',
};

interface Processor {
  readonly at: number;
  readonly faulting: boolean;
  readonly buffer: readonly (readonly [where: string, what: string])[];
  /** `pde T`: in a paging-structure cache. `walk PAGE T`: a walk that has read the PDE. `tlb PAGE FRAME`: a TLB entry. */
  readonly known: readonly string[];
  readonly registers: Readonly<Record<string, string>>;
}

interface State {
  readonly memory: Readonly<Record<string, string>>;
  readonly processors: readonly Processor[];
}

/** Every outcome, as the exploration of litmus tests words it, sorted; null if there are more states than `most`. */
export function outcomesOf(
  programs: readonly (readonly Instruction[])[],
  hardware: Hardware,
  most: number,
): string[] | null {
  const start: Processor = { at: 0, faulting: false, buffer: [], known: [], registers: {} };
  const initial: State = { memory: INITIAL_MEMORY, processors: programs.map(() => start) };
  const seen = new Set([JSON.stringify(initial)]);
  const outcomes = new Set<string>();
  const open = [initial];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const { memory, processors } = state;
    if (
      processors.every(
        ({ at, faulting, buffer }, index) => at === programs[index]?.length && !faulting && buffer.length === 0,
      )
    ) {
      outcomes.add(outcome(state));
    }
    for (const [index, program] of programs.entries()) {
      const processor = processors[index] as Processor;
      for (const next of successors({ memory, processor, instruction: program[processor.at] ?? null, hardware })) {
        const following: State = {
          memory: { ...memory, ...next.memory },
          processors: processors.with(index, { ...processor, ...next.processor }),
        };
        const key = JSON.stringify(following);
        if (seen.has(key)) continue;
        if (seen.size >= most) return null;
        seen.add(key);
        open.push(following);
      }
    }
  }
  return [...outcomes].sort();
}

interface Place {
  readonly memory: Readonly<Record<string, string>>;
  readonly processor: Processor;
  readonly instruction: Instruction | null;
  readonly hardware: Hardware;
}

interface Change {
  readonly memory?: Readonly<Record<string, string>>;
  readonly processor: Partial<Processor>;
}

function* successors(place: Place): Generator<Change> {
  const { processor, instruction } = place;
  const [oldest, ...younger] = processor.buffer;
  if (oldest !== undefined) yield { memory: { [oldest[0]]: oldest[1] }, processor: { buffer: younger } };
  yield* speculation(place);
  if (processor.faulting) {
    if (oldest === undefined) yield next(processor, { faulting: false, known: without(processor, 'walk') });
    return;
  }
  if (instruction === null) return;
  switch (instruction.op) {
    case 'load':
    case 'store':
      yield* access(place, instruction);
      return;
    case 'pde':
      yield store(place, 'PDE(x)', instruction.to, {});
      return;
    case 'pte':
      yield store(place, `${instruction.table}[${instruction.page}]`, instruction.to, {});
      return;
    default:
  }
  if (oldest !== undefined) return;
  switch (instruction.op) {
    case 'mfence':
      yield next(processor, {});
      return;
    case 'serialize':
      yield next(processor, { known: without(processor, 'walk') });
      return;
    case 'cr3':
      yield next(processor, { known: [] });
      return;
    case 'invlpg':
      yield next(processor, { known: without(processor, 'walk', 'pde', `tlb ${instruction.page}`) });
      return;
  }
}

/** One read of an entry by a walk that no access asked for. */
function* speculation({ memory, processor, hardware }: Place): Generator<Change> {
  const pde = memory['PDE(x)'] ?? 'invalid';
  for (const page of ['x', 'y'] as const) {
    if (pde !== 'invalid') {
      yield* learn(processor, hardware.pagingStructureCaches ? `pde ${pde}` : `walk ${page} ${pde}`);
    }
    for (const table of tablesKnown(processor, page)) {
      const pte = memory[`${table}[${page}]`] ?? 'invalid';
      if (pte !== 'invalid') yield* learn(processor, `tlb ${page} ${pte}`);
    }
  }
}

function* learn(processor: Processor, fact: string): Generator<Change> {
  if (!processor.known.includes(fact)) yield { processor: { known: [...processor.known, fact].sort() } };
}

function* access(place: Place, instruction: Instruction & { readonly op: 'load' | 'store' }): Generator<Change> {
  const { memory, processor } = place;
  const { page, register } = instruction;
  const isDenied = (pte: string): boolean => instruction.op === 'store' && pte.endsWith('ro');
  const fault = (why: string): Change => ({
    processor: {
      faulting: true,
      known: without(processor, 'walk', 'pde', `tlb ${page}`),
      registers: { ...processor.registers, [register]: why },
    },
  });
  for (const fact of processor.known) {
    if (!fact.startsWith(`tlb ${page} `)) continue;
    const pte = fact.slice(`tlb ${page} `.length);
    const frame = pte.slice(0, 3);
    if (isDenied(pte)) yield fault('denied');
    else if (instruction.op === 'store') yield store(place, frame, String(instruction.value), { [register]: 'ok' });
    else {
      const own = processor.buffer.findLast(([where]) => where === frame)?.[1];
      yield next(processor, { registers: { ...processor.registers, [register]: own ?? memory[frame] ?? '' } });
    }
  }
  if (memory['PDE(x)'] === 'invalid') yield fault('absent');
  for (const table of tablesKnown(processor, page)) {
    const pte = memory[`${table}[${page}]`] ?? 'invalid';
    if (pte === 'invalid') yield fault('absent');
    else if (isDenied(pte)) yield fault('denied');
  }
}

function store(
  { processor, hardware }: Place,
  where: string,
  what: string,
  registers: Readonly<Record<string, string>>,
): Change {
  const change = { registers: { ...processor.registers, ...registers } };
  if (!hardware.storeBuffers) return { memory: { [where]: what }, ...next(processor, change) };
  return next(processor, { ...change, buffer: [...processor.buffer, [where, what]] });
}

function next({ at }: Processor, change: Partial<Processor>): Change {
  return { processor: { ...change, at: at + 1 } };
}

function tablesKnown({ known }: Processor, page: Page): string[] {
  return known
    .filter((fact) => fact.startsWith('pde ') || fact.startsWith(`walk ${page} `))
    .map((fact) => fact.slice(-2));
}

/** What is known of other kinds. */
function without({ known }: Processor, ...kinds: readonly string[]): string[] {
  return known.filter((fact) => !kinds.some((kind) => fact.startsWith(`${kind} `)));
}

function outcome({ memory, processors }: State): string {
  const registers = processors.flatMap((processor, index) =>
    Object.entries(processor.registers)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `P${index}:${name}=${value}`),
  );
  return [...registers, `[pa1]=${memory['pa1']}`, `[pa2]=${memory['pa2']}`].join(' ');
}
