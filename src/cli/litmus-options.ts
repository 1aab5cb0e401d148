/** The options of `tlbsan litmus`, with their help. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ExitStatus } from './exit-status.ts';
import { type LitmusFlags, litmusCommand } from './litmus-command.ts';
import type { Streams } from './streams.ts';

const HELP = `
Examples:
  tlbsan litmus shootdown.litmus
  tlbsan litmus fixtures/litmus/*.litmus --brief
  tlbsan litmus freed-table.litmus --set paging-structure-caches=off --steps
  tlbsan litmus sb.litmus --replay s1.x7Gw2a.BQkS0d       # with the switches that gave the token

Each test is explored whole: every order of the processors' instructions, of stores that become visible and IPIs that
arrive, and everything that walks and caches may do. docs/LITMUS.md describes the language and the catalogue.

Exit status: 0 every condition is allowed or forbidden as its test expects, 1 one is not, 2 bad input or usage, 3 a limit
was reached before all could be told, 70 a bug of tlbsan.`;

interface LitmusPlace {
  readonly streams: Streams;
  readonly version: string;
  readonly setStatus: (status: ExitStatus) => void;
}

export function addLitmusCommand(tlbsan: Command, { streams, version, setStatus }: LitmusPlace): void {
  tlbsan
    .command('litmus')
    .description('explore small concurrent tests of address translation, and hold them to what they expect')
    .argument('<files...>', 'litmus tests')
    .addOption(
      new Option('--set <switch=on|off>', 'hardware switch; may be repeated').default([], 'none').argParser(append),
    )
    .option('--executions <n>', 'end each search after so many executions', positive, 1_000_000)
    .option('--seconds <n>', 'end each search after so many seconds', positive)
    .option('--brief', 'a line for each test', false)
    .option('--steps', 'tell each witness step by step', false)
    .option('--replay <token>', 'repeat one schedule of one test and tell its steps')
    .option('--json', 'as JSON (docs/schema)', false)
    .addHelpText('after', HELP)
    .action(async (files: readonly string[], flags: LitmusFlags) =>
      setStatus(await litmusCommand(files, flags, version, streams)),
    );
}

function append(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It is no whole number of at least 1.');
  return Number(text);
}
