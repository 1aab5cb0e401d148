/**
 * Whether every await of a scenario can be met. Events stay signalled, and threads have no branches, so what can be
 * reached does not depend on the schedule: let every thread run until all are at their end or at an await that nothing
 * can meet any more. For the same reason the body of a repeat need be walked only once.
 */

import { present } from '../base/assert.ts';
import type { Scenario, Statement, ThreadDeclaration } from './scenario-ast.ts';
import { statementsOf } from './scenario-walk.ts';

export interface BlockedThread {
  readonly thread: ThreadDeclaration;
  /** The await that is never met. */
  readonly at: Extract<Statement, { kind: 'await' }>;
}

/** Threads that wait for ever, in the order of their declaration. */
export function blockedThreads(scenario: Scenario, forkParents: ReadonlyMap<string, string>): BlockedThread[] {
  const signalled = new Set<string>();
  const forked = new Set<string>();
  let waiting = scenario.threads.map((thread) => ({ thread, rest: [...statementsOf(thread.body)], next: 0 }));
  for (let progress = true; progress; ) {
    progress = false;
    for (const walk of waiting) {
      const { space } = walk.thread;
      if (space !== null && forkParents.has(space) && !forked.has(space)) continue;
      for (; walk.next < walk.rest.length; walk.next++) {
        const statement = present(walk.rest[walk.next], 'a statement');
        if (statement.kind === 'await' && !signalled.has(statement.event)) break;
        if (statement.kind === 'signal') signalled.add(statement.event);
        else if (statement.kind === 'fork') forked.add(statement.space);
        progress = true;
      }
    }
    waiting = waiting.filter(({ rest, next }) => next < rest.length);
  }
  const blocked: BlockedThread[] = [];
  for (const { thread, rest, next } of waiting) {
    const at = rest[next];
    // A thread whose space was never forked stands anywhere; the one that should have forked is blocked itself.
    if (at?.kind === 'await' && !signalled.has(at.event)) blocked.push({ thread, at });
  }
  return blocked;
}
