/** `tlbsan replay TOKEN FILE`: repeats one schedule of a scenario step by step, and reports on it as `run` does. */
import { UnsupportedError } from '../base/errors.ts';
import type { System } from '../scenario/system.ts';
import { Statistics } from '../trace/statistics.ts';
import { ExitStatus, STATUS_OF_VERDICT } from './exit-status.ts';
import { openExploration, type ScenarioFlags } from './explore-command.ts';
import { type JsonFlag, openJson } from './json-output.ts';
import { OutputFile } from './output-file.ts';
import { drawRun } from './perfetto-file.ts';
import { printReport } from './report-text.ts';
import { runJson } from './run-json.ts';
import type { Streams } from './streams.ts';
import { paintFor } from './terminal-paint.ts';

export interface ReplayFlags extends ScenarioFlags {
  readonly trace?: string;
  /** Go on beyond the schedule's end. */
  readonly continue: boolean;
  readonly json?: JsonFlag;
}

/** Throws InputError for a token of another workload, configuration or version, and for whatever is wrong with the file. */
export async function replayCommand(
  { token, file }: { readonly token: string; readonly file: string },
  flags: ReplayFlags,
  version: string,
  { out, error: aside }: Streams,
): Promise<ExitStatus> {
  const exploration = await openExploration(file, flags, version);
  const statistics = new Statistics(exploration.options.processors);
  const trace = flags.trace === undefined ? null : new OutputFile(flags.trace, { keep: [file] });
  const target = openJson(flags.json, out, { keep: flags.trace === undefined ? [file] : [file, flags.trace] });
  let finishTrace = (): void => {};
  const watch = (system: System): void => {
    system.stream.observe(statistics.observe);
    if (trace !== null) finishTrace = drawRun(system, trace.write.bind(trace));
  };
  try {
    const { report } = exploration.replay(token, watch, { goOn: flags.continue });
    if (!target.replacesText) out.write(printReport(report, statistics, paintFor(out)));
    target.write(runJson(report, statistics));
    return STATUS_OF_VERDICT[report.verdict];
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    aside.write(`tlbsan: the guest died: not supported: ${error.message}\n`);
    return ExitStatus.guestDied;
  } finally {
    finishTrace();
    trace?.close();
    target.close();
  }
}
