/**
 * Which variables a statement may name, and how many pages they can have. A variable belongs to the space whose thread
 * binds it and is seen by all threads of that space; a space made by a fork also has its parent's. Those that vmalloc
 * binds belong to the kernel. A name may be bound more than once: what is checked holds for the largest.
 */

import type { Scenario, Statement } from './scenario-ast.ts';
import { statementsOf } from './scenario-walk.ts';

/** Scope of the kernel's variables; spaces are known by name. */
export const KERNEL_SCOPE = Symbol('kernel');
export type Scope = string | typeof KERNEL_SCOPE;

/** 4-KByte pages in a page of the given size. */
export const PAGES_OF_SIZE = { '4K': 1, '2M': 512 } as const;

/** The variable that a statement binds, and the 4-KByte pages that it then has. */
export function bindingOf(statement: Statement): { readonly variable: string; readonly pages: number } | null {
  switch (statement.kind) {
    case 'mmap':
      return { variable: statement.variable, pages: statement.pages * PAGES_OF_SIZE[statement.size] };
    case 'brk':
    case 'vmalloc':
      return { variable: statement.variable, pages: statement.pages };
    case 'mremap':
      return { variable: statement.to, pages: statement.pages };
    default:
      return null;
  }
}

/** The spaces that forks make, each with the space it is copied from. */
export function forkParents(scenario: Scenario): Map<string, string> {
  const parents = new Map<string, string>();
  for (const { space, body } of scenario.threads) {
    if (space === null) continue;
    for (const statement of statementsOf(body)) {
      if (statement.kind === 'fork') parents.set(statement.space, space);
    }
  }
  return parents;
}

export interface Variable {
  /** The most 4-KByte pages that it can have. */
  readonly pages: number;
  /** The only thread that binds it; null: there are several, or the space has it from its parent. */
  readonly binder: string | null;
}

export type Variables = ReadonlyMap<Scope, ReadonlyMap<string, Variable>>;

/** The variables of each scope. Forks make no circle. */
export function variablesByScope(scenario: Scenario, parents: ReadonlyMap<string, string>): Variables {
  const scopes = new Map<Scope, Map<string, Variable>>([[KERNEL_SCOPE, new Map()]]);
  for (const { name } of scenario.spaces) scopes.set(name, new Map());
  for (const { name: binder, space, body } of scenario.threads) {
    const variables = scopes.get(space ?? KERNEL_SCOPE);
    for (const statement of statementsOf(body)) {
      const binding = bindingOf(statement);
      if (binding !== null) add(variables, binding.variable, { pages: binding.pages, binder });
    }
  }
  for (const { name } of scenario.spaces) {
    for (let parent = parents.get(name); parent !== undefined; parent = parents.get(parent)) {
      for (const [variable, { pages }] of scopes.get(parent) ?? []) {
        add(scopes.get(name), variable, { pages, binder: null });
      }
    }
  }
  return scopes;
}

function add(variables: Map<string, Variable> | undefined, name: string, { pages, binder }: Variable): void {
  const known = variables?.get(name);
  variables?.set(name, {
    pages: Math.max(pages, known?.pages ?? 0),
    binder: known === undefined || known.binder === binder ? binder : null,
  });
}
