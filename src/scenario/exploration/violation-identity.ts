/**
 * When two executions have found the same: the same harm through a translation of the same pages, after a change of the
 * same kind. Times, serial numbers and which processor it was differ from schedule to schedule and count for nothing.
 */
import { unreachable } from '../../base/assert.ts';
import type { Violation as Reported, Finding } from '../../coherence/violation.ts';
import type { Violation } from '../../explore/model.ts';

export function identifyViolation({ severity, translation, change, use }: Reported): Violation {
  const entry =
    translation === null
      ? 'no translation'
      : `${translation.kind} mm ${translation.mm} page ${translation.page.toString(16)}`;
  const missed = change === null ? 'no change' : change.kind === 'entry' ? `level ${change.level ?? '-'}` : 'root';
  const where = use.where ?? `processor ${use.processor}`;
  return { id: `${severity}: ${entry}: ${missed}`, message: `${severity} at ${where}` };
}

export function identifyFinding(finding: Finding): Violation {
  switch (finding.kind) {
    case 'assertion':
      return { id: `assertion ${finding.id}`, message: `assertion ${finding.id}: ${finding.detail}` };
    case 'generation-invariant': {
      const { slot, staleness, translation } = finding;
      return {
        id: `generation-invariant: ${staleness}: mm ${translation.mm} page ${translation.page.toString(16)}`,
        message: `the slot of mm ${slot.mm} at generation ${slot.generation} holds a translation that is older`,
      };
    }
    default:
      return unreachable(finding);
  }
}
