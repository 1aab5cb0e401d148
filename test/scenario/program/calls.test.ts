/** System calls that no program would make end in outcomes of the guest, never in an exception of ours. */
import { describe, expect, it } from 'vitest';
import { runGuest } from './guest.ts';

describe('system calls out of a seed', () => {
  it('leave the host alone', () => {
    const made = new Set<string>();
    let calls = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const { report } = runGuest('calls', {
        args: [String(seed)],
        seed,
        processors: 2,
        memory: 16,
        instructionsLimit: 600_000,
      });
      expect(report.coherence?.violationCount).toBe(0);
      calls += report.workload.systemCalls;
      for (const name of Object.keys(report.workload.program?.missingCalls ?? {})) made.add(name);
    }
    expect(calls).toBeGreaterThan(5_000);
    expect(made.size).toBeGreaterThan(100);
  });
});
