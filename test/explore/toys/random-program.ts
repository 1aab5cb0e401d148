/** Small random programs of the toy machine: reads, writes, waits, locks, choices, with and without store buffers. */
import type { Random } from '../../../src/base/random.ts';
import type { Operation, Program } from './program.ts';

export interface Shape {
  readonly threads: number;
  readonly variables: number;
  /** The most operations of one thread. */
  readonly operations: number;
  readonly storeBuffers: boolean;
}

export function randomProgram(random: Random, shape: Shape): Program {
  const threads = Array.from({ length: shape.threads }, () => {
    let register = 0;
    return Array.from({ length: 1 + random.below(shape.operations) }, (): Operation => {
      const variable = random.below(shape.variables);
      const value = random.below(3);
      switch (random.below(10)) {
        case 0:
        case 1:
        case 2:
          return { op: 'read', variable, register: register++ };
        case 3:
        case 4:
        case 5:
          return { op: 'write', variable, value };
        case 6:
          return {
            op: 'wait',
            until: [
              { variable, value },
              { variable: random.below(shape.variables), value: 1 },
            ],
          };
        case 7:
          return random.chance(0.5)
            ? { op: 'wait', until: [{ variable, value }] }
            : { op: 'choose', register: register++, below: 2 };
        case 8:
          return random.chance(0.6) ? { op: 'lock', variable } : { op: 'unlock', variable };
        default:
          return random.chance(0.3) ? { op: 'fence' } : { op: 'add', variable, value: 1, most: 3 };
      }
    });
  });
  return { threads, variables: shape.variables, storeBuffers: shape.storeBuffers };
}
