/** The violations and findings of a run: each told once, with a count, and at most so many kept. */
import type { Stage } from './frame-history.ts';
import type { Finding, FrameSummary, Violation } from './violation.ts';

export const VIOLATIONS_KEPT = 1000;
/** Beyond those kept, so many more are told apart for the count. */
const KEYS_KEPT = 65_536;
const STAGES: readonly Stage[] = ['used', 'frame-freed', 'frame-reused'];

export class ViolationLog {
  readonly #violations = new Map<string, Violation>();
  readonly #kept: Violation[] = [];
  readonly #findings = new Map<string, Finding>();
  /** Every use that was a violation. */
  uses = 0;
  violationsNotKept = 0;
  readonly #keysNotKept = new Set<string>();
  findingsNotKept = 0;

  /** Live: counts and stages go on changing. */
  get violations(): readonly Violation[] {
    return this.#kept;
  }

  get findings(): readonly Finding[] {
    return [...this.#findings.values()];
  }

  get findingCount(): number {
    return this.#findings.size;
  }

  get distinct(): number {
    return this.#violations.size + this.violationsNotKept;
  }

  /** `describe` is asked only for the first of its kind. */
  violation(
    key: string,
    state: { readonly stage: Stage; readonly frame: FrameSummary | null },
    describe: (number: number) => Violation,
  ): void {
    this.uses++;
    const known = this.#violations.get(key);
    if (known !== undefined) {
      known.count++;
      if (STAGES.indexOf(state.stage) > STAGES.indexOf(known.stage)) {
        known.stage = state.stage;
        known.frame = state.frame;
      }
    } else if (this.#violations.size < VIOLATIONS_KEPT) {
      const violation = describe(this.#kept.length + 1);
      this.#violations.set(key, violation);
      this.#kept.push(violation);
    } else if (!this.#keysNotKept.has(key)) {
      this.violationsNotKept++;
      if (this.#keysNotKept.size < KEYS_KEPT) this.#keysNotKept.add(key);
    }
  }

  finding(key: string, describe: () => Finding): void {
    const known = this.#findings.get(key);
    if (known !== undefined) known.count++;
    else if (this.#findings.size < VIOLATIONS_KEPT) this.#findings.set(key, describe());
    else this.findingsNotKept++;
  }
}
