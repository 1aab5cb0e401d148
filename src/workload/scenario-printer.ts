/** Prints a scenario as text: parsing the text gives the same scenario, and printing that gives the same text. */

import { unreachable } from '../base/assert.ts';
import type { Expectation, Location, Outcome, PageRange, Scenario, StatementBody } from './scenario-ast.ts';
import { quoted } from './scenario-lexer.ts';

const INDENT = '  ';

export function printScenario(scenario: Scenario): string {
  const lines = [`scenario ${quoted(scenario.title)}`, `processors ${scenario.processors}`];
  if (scenario.era !== undefined) lines.push(`era ${scenario.era}`);
  if (scenario.seed !== undefined) lines.push(`seed ${scenario.seed}`);
  if (scenario.policy !== undefined) lines.push(`policy ${scenario.policy}`);
  for (const { name, value } of scenario.switches) lines.push(`set ${name}=${value}`);
  for (const { name } of scenario.spaces) lines.push(`space ${name}`);
  for (const { name, space, processor, body } of scenario.threads) {
    const head = space === null ? `kernel ${name}` : `thread ${name} in ${space}`;
    lines.push('', `${head} on ${processor} {`);
    printBody(body, INDENT, lines);
    lines.push('}');
  }
  if (scenario.expectations.length > 0) lines.push('', ...scenario.expectations.map(printExpectation));
  return `${lines.join('\n')}\n`;
}

function printBody(body: readonly StatementBody[], indent: string, lines: string[]): void {
  for (const statement of body) {
    if (statement.kind === 'repeat') {
      lines.push(`${indent}repeat ${statement.count} {`);
      printBody(statement.body, indent + INDENT, lines);
      lines.push(`${indent}}`);
    } else {
      lines.push(indent + printStatement(statement));
    }
  }
}

/** One statement on one line; of a repeat, what it repeats is left out. */
export function printStatement(statement: StatementBody): string {
  switch (statement.kind) {
    case 'mmap': {
      const { variable, pages, protection, shared, size, at } = statement;
      const options = `${shared ? ' shared' : ''}${size === '2M' ? ' 2M' : ''}${at === null ? '' : ` at 0x${at.toString(16)}`}`;
      return `${variable} = mmap ${pages} ${protection}${options}`;
    }
    case 'munmap':
      return `munmap ${printRange(statement.range)}`;
    case 'mprotect':
      return `mprotect ${printRange(statement.range)} ${statement.protection}`;
    case 'mremap': {
      const { to, range, pages, move } = statement;
      return `${to} = mremap ${printRange(range)} ${pages}${move ? ' move' : ''}`;
    }
    case 'madvise':
      return `madvise ${printRange(statement.range)} ${statement.advice}`;
    case 'brk':
      return `${statement.variable} = brk ${statement.pages}`;
    case 'fork':
      return `fork ${statement.space}`;
    case 'read':
    case 'fetch':
      return `${statement.kind} ${printLocation(statement.location)}${printOutcome(statement.outcome)}`;
    case 'write': {
      const { location, value, outcome } = statement;
      return `write ${printLocation(location)} ${printValue(value)}${printOutcome(outcome)}`;
    }
    case 'signal':
    case 'await':
      return `${statement.kind} ${statement.event}`;
    case 'run-on':
      return `run on ${statement.processor}`;
    case 'repeat':
      return `repeat ${statement.count}`;
    case 'reclaim':
      return `reclaim ${printRange(statement.range)} of ${statement.space}`;
    case 'migrate-pages':
      return `migrate ${printRange(statement.range)} of ${statement.space}`;
    case 'vmalloc':
      return `${statement.variable} = vmalloc ${statement.pages}`;
    case 'vfree':
      return `vfree ${statement.variable}`;
    case 'offline':
    case 'online':
      return `${statement.kind} ${statement.processor}`;
    case 'speculate':
    case 'evict': {
      const { kind, location, space, processor } = statement;
      return `${kind} ${printLocation(location)} of ${space} on ${processor}`;
    }
    case 'flush':
      return `flush ${statement.what}`;
    default:
      return unreachable(statement);
  }
}

function printLocation({ variable, page, offset }: Location): string {
  return `${variable}[${page}]${offset === 0 ? '' : `+${offset}`}`;
}

function printRange({ variable, pages }: PageRange): string {
  if (pages === null) return variable;
  return pages.first === pages.last ? `${variable}[${pages.first}]` : `${variable}[${pages.first}..${pages.last}]`;
}

function printOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'any':
      return '';
    case 'value':
      return ` -> ${printValue(outcome.value)}`;
    case 'fault':
      return ' -> fault';
    default:
      return unreachable(outcome);
  }
}

/** Small values in decimal, the rest in hexadecimal. */
function printValue(value: bigint): string {
  return value < 0x1_0000n ? value.toString() : `0x${value.toString(16)}`;
}

function printExpectation(expectation: Expectation): string {
  if (expectation.kind === 'clean') return 'expect clean';
  const { severity, stage, thread } = expectation;
  return `expect violation ${severity}${stage === null ? '' : ` ${stage}`}${thread === null ? '' : ` by ${thread}`}`;
}
