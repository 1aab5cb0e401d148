/**
 * `tsx tools/bench/explore.ts [seconds]`: what the explorer itself costs, on toys whose own steps cost next to nothing.
 * For each toy and strategy: the verdict, executions, states, and per second of one core executions, steps (those of
 * re-execution included) and new transitions.
 */
import { explore, type Strategy } from '../../src/explore/explore.ts';
import { executions } from '../../src/explore/verdict.ts';
import {
  alike,
  counterUnderLock,
  dependentThreads,
  iriw,
  peterson,
  philosophers,
  readerOfAll,
} from '../../test/explore/toys/classics.ts';
import { type Program, toyModel } from '../../test/explore/toys/program.ts';

const seconds = Number(process.argv[2] ?? 3);

const toys: readonly { readonly name: string; readonly program: Program }[] = [
  { name: '3 × 6 dependent', program: dependentThreads(3, 6) },
  { name: 'reader of 12', program: readerOfAll(12) },
  { name: 'IRIW, store buffers', program: iriw(true) },
  { name: 'Peterson, store buffers', program: peterson({ storeBuffers: true, fences: false }) },
  { name: '8 philosophers', program: philosophers(8, true) },
  { name: 'lock, 4 × 6', program: counterUnderLock(4, 6) },
  { name: 'lock, 4 × 6, alike', program: alike(counterUnderLock(4, 6)) },
];

const strategies: readonly { readonly name: string; readonly strategy: Strategy }[] = [
  { name: 'naive', strategy: { kind: 'bounded', bound: { kind: 'none' }, remember: false } },
  { name: 'naive, memory', strategy: { kind: 'bounded', bound: { kind: 'none' }, remember: true } },
  { name: 'reduced', strategy: { kind: 'reduced', remember: false } },
  { name: 'reduced, memory', strategy: { kind: 'reduced', remember: true } },
  { name: 'random', strategy: { kind: 'random', seed: 1, samples: 1e9 } },
];

const row = (cells: readonly (string | number)[]): string =>
  cells
    .map((cell, column) => (column < 3 ? String(cell).padEnd(24 - 5 * column) : String(cell).padStart(12)))
    .join(' ');

console.log(row(['toy', 'strategy', 'verdict', 'executions', 'states', 'executions/s', 'steps/s', 'new/s', 'ms']));
for (const { name, program } of toys) {
  for (const { name: strategyName, strategy } of strategies) {
    const model = toyModel(program);
    const from = performance.now();
    const limits = { time: seconds * 1000, now: () => performance.now(), keepGoing: true };
    const { verdict, counts } = explore(model, strategy, limits);
    const elapsed = performance.now() - from;
    const rate = (count: number): string => Math.round((count / elapsed) * 1000).toLocaleString('en');
    const total = executions(counts);
    console.log(
      row([
        name,
        strategyName,
        verdict,
        total,
        counts.states,
        rate(total),
        rate(counts.steps),
        rate(counts.transitions),
        Math.round(elapsed),
      ]),
    );
  }
}
