/** Programs whose answers are in every textbook. */
import type { Operation, Program } from './program.ts';

const read = (variable: number, register = 0): Operation => ({ op: 'read', variable, register });
const write = (variable: number, value = 1): Operation => ({ op: 'write', variable, value });
const fence: Operation = { op: 'fence' };

/** Each thread works on a variable of its own. */
export function independentThreads(threads: number, steps: number): Program {
  return {
    threads: Array.from({ length: threads }, (_, thread) => Array.from({ length: steps }, () => write(thread))),
    variables: threads,
  };
}

/** All write the same variable. */
export function dependentThreads(threads: number, steps: number): Program {
  return {
    threads: Array.from({ length: threads }, () => Array.from({ length: steps }, () => write(0))),
    variables: 1,
  };
}

/** A writer of each of n variables, and one reader of all: n + 1 threads, 2ⁿ traces (POPL 2014, section 1). */
export function readerOfAll(variables: number): Program {
  const all = Array.from({ length: variables }, (_, variable) => variable);
  return {
    threads: [all.map((variable) => read(variable, variable)), ...all.map((variable) => [write(variable)])],
    variables,
  };
}

export function storeBuffering(options: { storeBuffers: boolean; fences: boolean }): Program {
  const between = options.fences ? [fence] : [];
  return {
    threads: [
      [write(0), ...between, read(1)],
      [write(1), ...between, read(0)],
    ],
    variables: 2,
    storeBuffers: options.storeBuffers,
  };
}

/** Data 0, flag 1. */
export function messagePassing(storeBuffers: boolean): Program {
  return {
    threads: [
      [write(0), write(1)],
      [read(1, 0), read(0, 1)],
    ],
    variables: 2,
    storeBuffers,
  };
}

/** Independent reads of independent writes. */
export function iriw(storeBuffers: boolean): Program {
  return {
    threads: [[write(0)], [write(1)], [read(0, 0), read(1, 1)], [read(1, 0), read(0, 1)]],
    variables: 2,
    storeBuffers,
  };
}

/** Flags 0 and 1, turn 2 (thread + 1), 3 counts who is inside. `fences`: between the entry's stores and its wait. */
export function peterson(options: { storeBuffers: boolean; fences: boolean }): Program {
  const side = (own: number): readonly Operation[] => [
    write(own),
    write(2, 2 - own),
    ...(options.fences ? [fence] : []),
    {
      op: 'wait',
      until: [
        { variable: 1 - own, value: 0 },
        { variable: 2, value: own + 1 },
      ],
    },
    { op: 'add', variable: 3, value: 1, most: 1 },
    { op: 'add', variable: 3, value: -1 },
    write(own, 0),
  ];
  return { threads: [side(0), side(1)], variables: 4, storeBuffers: options.storeBuffers };
}

/** Fork i lies between philosophers i and i + 1; `ordered`: the last one takes the lower-numbered fork first. */
export function philosophers(count: number, ordered: boolean): Program {
  return {
    threads: Array.from({ length: count }, (_, seat) => {
      const forks = [seat, (seat + 1) % count];
      if (ordered) forks.sort((a, b) => a - b);
      const [first = 0, second = 0] = forks;
      return [
        { op: 'lock', variable: first },
        { op: 'lock', variable: second },
        { op: 'unlock', variable: second },
        { op: 'unlock', variable: first },
      ] as const;
    }),
    variables: count,
  };
}

/** Threads that increment a counter `rounds` times under one lock (0); the counter is 1. */
export function counterUnderLock(threads: number, rounds: number): Program {
  const round: readonly Operation[] = [
    { op: 'lock', variable: 0 },
    { op: 'add', variable: 1, value: 1 },
    { op: 'unlock', variable: 0 },
  ];
  return {
    threads: Array.from({ length: threads }, () => Array.from({ length: rounds }, () => round).flat()),
    variables: 2,
  };
}

/** All renamings of threads that leave the variables alone, for programs whose threads are alike. */
export function alike(program: Program): Program {
  const symmetry = permutations(program.threads.map((_, thread) => thread)).map((threads) => ({
    threads,
    variables: Array.from({ length: program.variables }, (_, variable) => variable),
  }));
  return { ...program, symmetry };
}

/** The identity comes first. */
export function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
