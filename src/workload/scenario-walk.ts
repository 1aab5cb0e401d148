/** Ways through the statements of a scenario, for what checks or counts them. */

import type { Statement } from './scenario-ast.ts';

/** Every statement, in the order of the text; those that a repeat repeats come once, after it. */
export function* statementsOf(body: readonly Statement[]): Generator<Statement, void, void> {
  for (const statement of body) {
    yield statement;
    if (statement.kind === 'repeat') yield* statementsOf(statement.body);
  }
}

/** How many statements run: a repeat counts as its body as often as it runs, and once itself. */
export function statementsRun(body: readonly Statement[]): number {
  let run = 0;
  for (const statement of body) {
    run += statement.kind === 'repeat' ? 1 + statement.count * statementsRun(statement.body) : 1;
  }
  return run;
}
