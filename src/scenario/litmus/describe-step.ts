/** A step of a litmus test in the words of its text, for witnesses. */
import { unreachable } from '../../base/assert.ts';
import type { Answer } from '../../machine/translation-freedom.ts';
import type { LitmusStep } from './litmus-step.ts';

/** What a text calls the things that steps touch. */
export interface Telling {
  readonly instruction: (place: NonNullable<LitmusStep['place']>) => string;
  readonly memory: (address: number) => string;
  readonly page: (page: number) => string;
}

export function describeStep({ processor, action, place, writes }: LitmusStep, telling: Telling): string {
  const who = `P${processor}`;
  switch (action.kind) {
    case 'operation': {
      const what = place === null ? 'executes' : telling.instruction(place);
      return `${who}: ${what}${action.answer === null ? '' : ` -- ${translated(action.answer, telling)}`}`;
    }
    case 'exception':
      return `${who} delivers the page fault and returns from it`;
    case 'interrupt':
      return `${who} takes the interrupt`;
    case 'return':
      return `${who} returns from the interrupt`;
    case 'drain':
      return `${who} drains its store to ${writes.map(telling.memory).join()}`;
    case 'deliver':
      return `an IPI of P${action.sender} reaches ${who}`;
    case 'walk': {
      const entry = action.reads === null ? 'nothing that changes' : telling.memory(action.reads);
      return `${who} walks for ${telling.page(action.page)}, reading ${entry}${action.updates ? ', and sets A' : ''}`;
    }
    case 'rest':
      return `${who} walks for nothing no more`;
    case 'evict':
      return `${who} evicts a translation`;
    default:
      return unreachable(action);
  }
}

function translated(answer: Answer, telling: Telling): string {
  const where = answer.physical === null ? 'page fault' : `to ${telling.memory(answer.physical)}`;
  if (answer.kind === 'cached') return `${where}, by what is cached`;
  if (answer.reads === null) return `${where}, by a walk`;
  return `${where}, by a walk that reads ${telling.memory(answer.reads)}${answer.updates ? ' and sets A or D' : ''}`;
}
