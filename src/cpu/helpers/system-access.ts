/** How helpers come by the system state, and the privilege that an instruction needs. Code without a system runs at level 3. */
import { UnsupportedError } from '../../base/errors.ts';
import { type Exception, generalProtection } from '../exception.ts';
import type { SystemState } from '../system/system-state.ts';
import type { Helper, HelperContext } from './helper.ts';

type Count = Helper['arguments'];
type Work = (
  state: SystemState,
  values: readonly [bigint, bigint, bigint, bigint],
  context: HelperContext,
) => readonly bigint[] | bigint | Exception | undefined;

function resultsOf(outcome: ReturnType<Work>): readonly bigint[] | Exception {
  if (outcome === undefined) return [];
  return typeof outcome === 'bigint' ? [outcome] : outcome;
}

function helper(count: Count, results: Count, without: () => Exception, work: Work): Helper {
  return {
    arguments: count,
    results,
    run: (context, a, b, c, d) => {
      const { system } = context.processor;
      if (system === undefined) return without();
      // What the engine knows of pages, privilege and code size may be old now.
      system.attention();
      return resultsOf(work(system, [a, b, c, d], context));
    },
  };
}

/** Of an instruction for level 0 only: #GP elsewhere. */
export function privileged(count: Count, results: Count, work: Work): Helper {
  const checked: Work = (state, values, context) =>
    state.cpl === 0 ? work(state, values, context) : generalProtection;
  return helper(count, results, () => generalProtection, checked);
}

/** Of an instruction that checks for itself, and is `without` for code without a system. */
export function checked(count: Count, results: Count, without: Exception, work: Work): Helper {
  return helper(count, results, () => without, work);
}

/** Of an instruction that programs may use, and that somebody would have to answer who is not there. */
export function unprivileged(what: string, count: Count, results: Count, work: Work): Helper {
  const refuse = (): never => {
    throw new UnsupportedError(`${what} is not modelled for programs that run without a kernel of their own`);
  };
  return helper(count, results, refuse, work);
}
