/** A litmus test as a model for the explorer. */
import type { Model } from '../../explore/model.ts';
import { LitmusExecution } from './litmus-execution.ts';
import type { LitmusSetup } from './litmus-setup.ts';
import { areDependent, type LitmusStep, mayCause, threadOf } from './litmus-step.ts';

export function litmusModel(
  setup: LitmusSetup,
  created: (execution: LitmusExecution) => void = () => {},
): Model<LitmusStep> {
  const processors = setup.program.processors.length;
  const pages = Math.max(0, ...setup.program.moving.map(({ length }) => length));
  return {
    threads: threadOf('walker', 0, { processors, page: pages }),
    create: () => {
      const execution = new LitmusExecution(setup);
      created(execution);
      return execution;
    },
    thread: ({ thread }) => thread,
    key: ({ key }) => key,
    dependent: areDependent,
    background: ({ action }) => action.kind === 'drain' || action.kind === 'walk' || action.kind === 'evict',
    ...(setup.test.handlers.length === 0 ? { causes: mayCause } : {}),
  };
}
