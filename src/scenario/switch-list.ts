/** The hardware switches and policies that a run can choose, as data for whoever lists them. */
import { POLICY_NAMES } from '../machine/hardware-choice.ts';
import { SWITCHES } from '../machine/switches.ts';

export interface SwitchSummary {
  readonly name: string;
  /** What it is where neither workload nor user say: except that traces run without store buffers. */
  readonly initial: boolean;
  readonly meaning: string;
}

export function listSwitches(): readonly SwitchSummary[] {
  return Object.entries(SWITCHES).map(([name, { initial, meaning }]) => ({ name, initial, meaning }));
}

export function listPolicies(): readonly string[] {
  return POLICY_NAMES;
}
