/** The options of `tlbsan bugs` and its subcommands, with their help. */
import { type Command, InvalidArgumentError } from 'commander';
import {
  type BugsFlags,
  type BugsRunFlags,
  type BugsShowFlags,
  bugsListCommand,
  bugsRunCommand,
  bugsShowCommand,
} from './bugs-command.ts';
import type { ExitStatus } from './exit-status.ts';
import type { Streams } from './streams.ts';

const EXAMPLES = `
Examples:
  tlbsan bugs                           # the list, and what cannot be shown, and why
  tlbsan bugs show CVE-2025-37964       # by number, commit or CVE
  tlbsan bugs show B1 --scenario > B1.tlb
  tlbsan bugs run B1 B9
  tlbsan bugs run --all --json`;

const RUN_HELP = `
Searches the exhibit's scenario under the vulnerable kernel until a schedule fails, makes it short, and covers the same
bound with the fix, and without the hardware that the bug needs.

Exit status: 0 every search came out as the exhibit says, 1 one did not, 2 bad input or usage, 3 one stopped at its limit of
time, which confirms nothing, 70 a bug of tlbsan.`;

interface BugsPlace {
  readonly streams: Streams;
  readonly version: string;
  readonly setStatus: (status: ExitStatus) => void;
}

export function addBugsCommand(tlbsan: Command, { streams, version, setStatus }: BugsPlace): void {
  const bugs = tlbsan
    .command('bugs')
    .description('real bugs of TLB code, each found anew by a search that is told nothing about it')
    .option('--json', 'as JSON (docs/schema)', false)
    .addHelpText('after', EXAMPLES)
    .action((flags: BugsFlags) => setStatus(bugsListCommand(flags, streams)));
  bugs
    .command('show')
    .description('the page of one bug')
    .argument('<bug>', 'its number, or a commit or CVE')
    .option('--scenario', 'only the text of its scenario, for explore and replay', false)
    .option('--json', 'as JSON (docs/schema)', false)
    .action((name: string, _: BugsShowFlags, command: Command) =>
      setStatus(bugsShowCommand(name, command.optsWithGlobals<BugsShowFlags>(), streams)),
    );
  bugs
    .command('run')
    .description('find bugs, and confirm their fixes')
    .argument('[bugs...]', 'their numbers, or commits or CVEs; default: all')
    .option('--all', 'all of them', false)
    .option('--seconds <n>', 'end each search after so many seconds', seconds, 300)
    .option('--json', 'as JSON (docs/schema)', false)
    .addHelpText('after', RUN_HELP)
    .action((names: readonly string[], _: BugsRunFlags, command: Command) =>
      setStatus(bugsRunCommand(names, command.optsWithGlobals<BugsRunFlags>(), version, streams)),
    );
}

function seconds(text: string): number {
  const number = Number(text);
  if (!/^\d{1,6}$/.test(text) || number === 0) throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return number;
}
