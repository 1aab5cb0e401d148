/** A run drawn for ui.perfetto.dev while it happens: its events, stale entries by processor, and each violation. */
import type { System } from '../scenario/system.ts';
import { PerfettoTrace } from '../trace/perfetto.ts';

/** Observes the system from here on. Result: what ends the trace. */
export function drawRun({ stream, detector, options }: System, write: (chunk: Uint8Array) => void): () => void {
  const perfetto = new PerfettoTrace({ processors: options.processors, write });
  let violationsWritten = 0;
  stream.observe((event, time) => {
    perfetto.observe(event, time);
    if (detector === null) return;
    for (let index = 0; index < options.processors; index++) {
      perfetto.counter('stale entries', index, detector.staleOn(index), time);
    }
    const { violations } = detector;
    for (; violationsWritten < violations.length; violationsWritten++) {
      const violation = violations[violationsWritten];
      if (violation === undefined) break;
      const { number, severity, use } = violation;
      perfetto.violation(use.processor, time, `violation ${number}: ${severity}`, { where: use.where ?? '' });
    }
  });
  return () => perfetto.finish(stream.time);
}
