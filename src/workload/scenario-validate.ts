/**
 * What the grammar cannot say: names that must exist, or must not exist twice, processors and pages in range, bounded
 * sizes, statements where they can work, awaits that can be met. The first thing that is wrong is thrown as InputError.
 */

import { InputError } from '../base/errors.ts';
import { didYouMean } from './near-name.ts';
import type { Expectation, Place, Scenario } from './scenario-ast.ts';
import { SCENARIO_LIMITS } from './scenario-limits.ts';
import { blockedThreads } from './scenario-progress.ts';
import { bindingOf, forkParents, variablesByScope } from './scenario-variables.ts';
import { statementsOf, statementsRun } from './scenario-walk.ts';
import { type Fail, ThreadChecker } from './thread-checker.ts';

export function validateScenario(scenario: Scenario, file: string): void {
  const fail = (message: string, place?: Place): never => {
    throw new InputError(message, place === undefined ? { file } : { file, line: place.line, column: place.column });
  };
  if (scenario.title.length > SCENARIO_LIMITS.titleCharacters) {
    fail(`a title has at most ${SCENARIO_LIMITS.titleCharacters} characters`);
  }
  if (scenario.processors < 1) fail('a scenario has at least one processor');
  if (scenario.spaces.length > SCENARIO_LIMITS.spaces) fail(`a scenario has at most ${SCENARIO_LIMITS.spaces} spaces`);
  if (scenario.threads.length > SCENARIO_LIMITS.threads) {
    fail(`a scenario has at most ${SCENARIO_LIMITS.threads} threads`);
  }
  checkUnique('switch', scenario.switches, fail);
  checkUnique('space', scenario.spaces, fail);
  checkUnique('thread', scenario.threads, fail);
  checkSize(scenario, fail);
  checkVariables(scenario, fail);

  const spaces = scenario.spaces.map(({ name }) => name);
  for (const { name, space, place } of scenario.threads) {
    if (space !== null && !spaces.includes(space)) {
      fail(`thread ${name} is in space ${space}, which is not declared${didYouMean(space, spaces)}`, place);
    }
  }
  checkForks(scenario, spaces, fail);

  const parents = forkParents(scenario);
  const variables = variablesByScope(scenario, parents);
  for (const thread of scenario.threads) new ThreadChecker(scenario, thread, variables, fail).check();
  checkAwaits(scenario, parents, fail);
  checkExpectations(scenario, fail);
}

function checkUnique(what: string, declared: readonly { name: string; place: Place }[], fail: Fail): void {
  const names = new Set<string>();
  for (const { name, place } of declared) {
    if (names.has(name)) fail(`there are two declarations of ${what} ${name}`, place);
    names.add(name);
  }
}

function checkSize({ threads }: Scenario, fail: Fail): void {
  let run = 0;
  for (const { name, body, place } of threads) {
    run += statementsRun(body);
    if (run > SCENARIO_LIMITS.statements) {
      fail(`up to thread ${name} more than ${SCENARIO_LIMITS.statements} statements run, repeats counted`, place);
    }
  }
}

function checkVariables({ threads }: Scenario, fail: Fail): void {
  const names = new Set<string>();
  for (const { body } of threads) {
    for (const statement of statementsOf(body)) {
      const binding = bindingOf(statement);
      if (binding !== null) names.add(binding.variable);
      if (names.size > SCENARIO_LIMITS.variables) {
        fail(`a scenario has at most ${SCENARIO_LIMITS.variables} variables`, statement.place);
      }
    }
  }
}

/** A space comes to be once: at the start, or by one fork, which is not its own doing. */
function checkForks({ threads }: Scenario, spaces: readonly string[], fail: Fail): void {
  const parents = new Map<string, string>();
  for (const { space: parent, body } of threads) {
    for (const statement of statementsOf(body)) {
      if (statement.kind === 'repeat' && statement.count > 1) {
        const fork = [...statementsOf(statement.body)].find(({ kind }) => kind === 'fork');
        if (fork !== undefined) fail('a fork inside a repeat would make its space more than once', fork.place);
      }
      if (statement.kind !== 'fork' || parent === null) continue;
      const { space, place } = statement;
      if (!spaces.includes(space)) {
        fail(`space ${space} is not declared${didYouMean(space, spaces)}: write "space ${space}"`, place);
      }
      if (parents.has(space)) fail(`space ${space} is already made by another fork`, place);
      parents.set(space, parent);
      for (let ancestor: string | undefined = parent; ancestor !== undefined; ancestor = parents.get(ancestor)) {
        if (ancestor === space) fail(`space ${space} would have to exist before the fork that makes it`, place);
      }
    }
  }
}

function checkAwaits(scenario: Scenario, parents: ReadonlyMap<string, string>, fail: Fail): void {
  const signallers = new Map<string, Set<string>>();
  for (const { name, body } of scenario.threads) {
    for (const statement of statementsOf(body)) {
      if (statement.kind !== 'signal') continue;
      const names = signallers.get(statement.event) ?? new Set();
      signallers.set(statement.event, names.add(name));
    }
  }
  const blocked = blockedThreads(scenario, parents);
  for (const { at } of blocked) {
    if (signallers.has(at.event)) continue;
    fail(`nothing signals event ${at.event}${didYouMean(at.event, signallers.keys())}`, at.place);
  }
  const [first] = blocked;
  if (first === undefined) return;
  const names = [...(signallers.get(first.at.event) ?? [])].join(', ');
  fail(
    `thread ${first.thread.name} waits here for ever: ${first.at.event} is signalled only by ${names}, too late`,
    first.at.place,
  );
}

function checkExpectations({ expectations, threads }: Scenario, fail: Fail): void {
  const kinds = new Set<Expectation['kind']>();
  const names = threads.map(({ name }) => name);
  for (const expectation of expectations) {
    const { kind, place } = expectation;
    if (kind === 'clean' && kinds.has('clean')) fail('"expect clean" is given twice', place);
    kinds.add(kind);
    if (kinds.size > 1) fail('a scenario cannot be clean and have a violation', place);
    if (expectation.kind === 'clean' || expectation.thread === null) continue;
    if (!names.includes(expectation.thread)) {
      fail(`thread ${expectation.thread} is not declared${didYouMean(expectation.thread, names)}`, place);
    }
  }
}
