#!/usr/bin/env node
/** The command line: parses arguments, runs a command, and turns what went wrong into an exit status and one line. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { InputError, InvariantError, UnsupportedError } from '../base/errors.ts';
import { Deadlock } from '../scenario/scheduler.ts';
import { checkCommand } from './check-command.ts';
import { erasCommand } from './eras-command.ts';
import { ExitStatus } from './exit-status.ts';
import { type RunFlags, runCommand } from './run-command.ts';

const RUN_EXAMPLES = `
Examples:
  tlbsan run fixtures/traces/threads.trace.gz --cpus 4
  tlbsan run fixtures/traces/threads.trace.gz --era E1-no-remote
  tlbsan run scenario.tlb --seed 7 --set store-buffers=off --json report.json
  tlbsan run scenario.tlb --trace run.perfetto-trace     # open it at ui.perfetto.dev

Exit status: 0 clean, 1 violation or unmet expectation, 2 bad input or usage, 3 stopped at a limit with nothing found,
4 the guest died, 70 a bug of ours.`;

function program(setStatus: (status: ExitStatus) => void): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const tlbsan = new Command('tlbsan')
    .description(
      'Runs memory workloads on processors whose TLBs go stale as the architecture allows, and reports every use of a stale translation.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help shows the commands and options)')
    .addHelpText('after', '\n`tlbsan help run` has examples.');
  tlbsan
    .command('run')
    .description('run a scenario or a recorded trace and judge it')
    .argument('<file>', 'scenario text, or output of valgrind --tool=lackey, plain or gzip')
    .option('--cpus <n>', 'number of processors, 1 to 32', wholeNumber)
    .option('--era <id>', 'whose TLB code the mini-kernel runs; `tlbsan eras` lists them')
    .option('--policy <name>', 'what the processors cache: worst, emulator, profile:skylake-client, profile:zen-2')
    .addOption(new Option('--set <switch=on|off>', 'hardware switch; may be repeated').default([]).argParser(append))
    .option('--seed <n>', 'chooses who steps next', wholeNumber)
    .option('--memory <mib>', 'guest-physical memory', wholeNumber)
    .addOption(
      new Option('--max-steps <n>', 'end a scenario after so many steps').default(50_000_000).argParser(wholeNumber),
    )
    .option('--json <file>', 'write the report as JSON; - for standard output')
    .option('--trace <file>', 'write a trace for ui.perfetto.dev')
    .option('--no-detect', 'run without the detector')
    .addHelpText('after', RUN_EXAMPLES)
    .action(async (file: string, flags: RunFlags) => setStatus(await runCommand(file, flags)));
  tlbsan
    .command('check')
    .description('read a scenario or a trace and say what it is, without running it')
    .argument('<file>')
    .option('--json', 'as JSON', false)
    .action(async (file: string, flags: { json: boolean }) => setStatus(await checkCommand(file, flags)));
  tlbsan
    .command('eras')
    .description("list the kernels' TLB code that a run can choose")
    .option('--json', 'as JSON', false)
    .action((flags: { json: boolean }) => setStatus(erasCommand(flags)));
  return tlbsan;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('not a whole number.');
  return Number(text);
}

function append(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** One line for people, and the exit status. Bugs of ours come with their stack. */
function explain(error: unknown): ExitStatus {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitStatus.clean : ExitStatus.badInput;
  if (error instanceof InputError) return complain(error.message, ExitStatus.badInput);
  if (error instanceof UnsupportedError) return complain(`the guest died: ${error.message}`, ExitStatus.guestDied);
  if (error instanceof Deadlock) return complain(`the guest hangs: ${error.message}`, ExitStatus.guestDied);
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const what = error instanceof InvariantError ? 'a bug of tlbsan' : 'an unexpected failure of tlbsan';
  return complain(`${what}, please report it: ${details}`, ExitStatus.ourBug);
}

function complain(message: string, status: ExitStatus): ExitStatus {
  process.stderr.write(`tlbsan: ${message}\n`);
  return status;
}

/** A reader that went away, as `head` does, is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await program((status) => {
    process.exitCode = status;
  }).parseAsync(process.argv);
} catch (error) {
  process.exitCode = explain(error);
}
