/** The commands and options of `tlbsan`, with their help. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { listPolicies, listSwitches } from '../scenario/switch-list.ts';
import { printTable } from '../trace/table.ts';
import { addBugsCommand } from './bugs-options.ts';
import { checkCommand } from './check-command.ts';
import { type ErasFlags, erasCommand } from './eras-command.ts';
import { type ExploreFlags, exploreCommand } from './explore-command.ts';
import { addLitmusCommand } from './litmus-options.ts';
import { mergeCommand } from './merge-command.ts';
import { type ReplayFlags, replayCommand } from './replay-command.ts';
import { ENGINE_NAMES } from '../scenario/program/engine-choice.ts';
import { STRESS_KINDS } from '../scenario/program/stress.ts';
import { type RunFlags, runCommand } from './run-command.ts';
import { isProgram, type ProgramFlags, refuseWhatProgramsTake, runProgram } from './run-program.ts';
import { STRATEGY_FORMS } from './strategy-argument.ts';
import type { Streams } from './streams.ts';

const ALL_EXAMPLES = `
Examples:
  tlbsan run program.trace.gz --cpus 4      # a recorded program, on four processors
  tlbsan run scenario.tlb --era E1          # a scenario, under the first kernel with generations
  tlbsan explore scenario.tlb               # a scenario, under many schedules
  tlbsan check scenario.tlb                 # is it well-formed?
  tlbsan eras                               # which kernels there are

'tlbsan help run' has more.`;

const RUN_EXAMPLES = `
Examples:
  tlbsan run threads.trace.gz --cpus 4
  tlbsan run threads.trace.gz --era E1-no-remote         # a kernel that forgets the other processors
  tlbsan run scenario.tlb --seed 7 --set store-buffers=off --json report.json
  tlbsan run scenario.tlb --trace run.perfetto-trace     # open it at ui.perfetto.dev
  tlbsan run ./program -- its arguments                  # its streams pass through; the report goes to standard error
  tlbsan run /bin/busybox --root / --stress all -- sh -c 'ls | sort'

Exit status: 0 clean, 1 violation or not what the workload states, 2 bad input or usage, 3 stopped early with nothing
found, 4 the guest died with nothing found, 70 a bug of tlbsan. A program's own status when it ran clean, 66 on a
violation.`;

const EXPLORE_EXAMPLES = `
Examples:
  tlbsan explore scenario.tlb                               # every schedule with at most one preemption
  tlbsan explore scenario.tlb --strategy preemptions=2 --executions 1000000
  tlbsan explore scenario.tlb --strategy pct --era E1-M2 --keep-going
  tlbsan explore scenario.tlb --strategy exhaustive         # every schedule, each order of dependent steps once
  tlbsan explore scenario.tlb --shard 3/16 --json 3.json    # one of sixteen machines; see docs/SCALING.md
  tlbsan replay s1.x7Gw2a.BQkS0d scenario.tlb --era E1-M2   # with the options that explore was given

Hardware counts as a scheduler's choice: a store that leaves its buffer and an IPI that arrives while their processors
could go on are preemptions too.

Exit status: 0 every schedule within the strategy is covered and clean, 1 violation, 2 bad input or usage, 3 a limit was
reached with nothing found, 4 the guest asked for what is not modelled, 70 a bug of tlbsan.`;

const ERAS_EXAMPLES = `
Examples:
  tlbsan eras --diff E3 E5
  tlbsan eras --diff E9 E11 --set invlpgb=on
  tlbsan eras --diff E4 E9 --workload threads.trace.gz --json`;

export function commandLine(streams: Streams, setStatus: (status: number) => void): Command {
  const tlbsan = new Command('tlbsan')
    .description(
      'Runs memory workloads on processors whose TLBs go stale as the architecture allows, and reports every use of a stale translation.',
    )
    .version(packageVersion())
    .exitOverride()
    .configureOutput({ writeOut: (text) => streams.out.write(text), writeErr: (text) => streams.error.write(text) })
    .showHelpAfterError('(--help shows the commands and options)')
    .addHelpText('after', ALL_EXAMPLES);
  tlbsan
    .command('run')
    .description('run a program, a scenario or a recorded trace and judge it')
    .argument(
      '<file>',
      'static x86-64 Linux program, scenario text, or output of valgrind --tool=lackey, plain or gzip',
    )
    .argument('[args...]', "the program's arguments, after --")
    .option('--cpus <n>', 'number of processors, 1 to 32', wholeNumber)
    .option('--era <id>', "whose TLB code the mini-kernel runs; 'tlbsan eras' lists them")
    .option('--policy <name>', `what the processors cache: ${listPolicies().join(', ')}`)
    .addOption(
      new Option('--set <switch=on|off>', 'hardware switch; may be repeated').default([], 'none').argParser(append),
    )
    .option('--seed <n>', 'chooses what is left open, 0 to 4294967295', wholeNumber)
    .option('--memory <mib>', 'guest-physical memory, 1 to 4096', wholeNumber)
    .option('--max-steps <n>', 'end a scenario after so many steps (default: 50000000)', positive)
    .addOption(jsonOption())
    .option('--trace <file>', 'write a trace for ui.perfetto.dev')
    .option('--no-detect', 'run without the detector: nothing is judged')
    .addOption(new Option('--engine <name>', `programs: what executes instructions: ${ENGINE_NAMES.join(', ')}`))
    .option('--root <dir>', 'programs: the files that they see; writes stay in memory (default: none but themselves)')
    .option('--symbols <file>', 'programs: names and lines of a stripped one are in this ELF file')
    .option('--env <name=value...>', 'programs: their environment, in place of the default')
    .option('--stress <list>', `programs: trouble on purpose: all, or some of ${STRESS_KINDS.join(', ')}`)
    .option('--max-instructions <n>', 'programs: end the run after about so many', positive)
    .option('--error-exitcode <n>', 'programs: exit status on a violation (default: 66)', exitStatus)
    .option('--quiet', 'programs: report only if something was found', false)
    .addHelpText('after', () => `\n${switches()}\n${RUN_EXAMPLES}`)
    .action(async (file: string, args: string[], flags: RunFlags & ProgramFlags) => {
      if (isProgram(file)) return setStatus(await runProgram(file, args, flags, streams));
      refuseWhatProgramsTake(file, args, flags);
      return setStatus(await runCommand(file, flags, streams));
    });
  const explore = tlbsan
    .command('explore')
    .description('search the schedules of a scenario for one that violates something')
    .argument('<file>', 'scenario text');
  scenarioOptions(explore)
    .option('--strategy <strategy>', `how to search: ${STRATEGY_FORMS}`, 'preemptions=1')
    .option('--executions <n>', 'end the search after so many executions', positive, 1_000_000)
    .option('--seconds <n>', 'end the search after so many seconds', positive)
    .option('--keep-going', 'go on after the first violation', false)
    .option('--no-shrink', 'report schedules as they were found')
    .option('--jobs <n>', "search threads; 'all': one for each processor", jobs, 1)
    .option('--shard <i/n>', 'search the i-th of n shares only, counting from 0; merge puts the reports together')
    .option(
      '--parts <n>',
      'split the search into about so many parts (default: 4 for each thread of each shard)',
      positive,
    )
    .addOption(jsonOption())
    .addHelpText('after', EXPLORE_EXAMPLES)
    .action(async (file: string, flags: ExploreFlags) =>
      setStatus(await exploreCommand(file, flags, packageVersion(), streams)),
    );
  const replay = tlbsan
    .command('replay')
    .description('repeat a schedule that explore has found, and report on it')
    .argument('<token>', 'the schedule')
    .argument('<file>', 'the scenario that it is a schedule of');
  scenarioOptions(replay)
    .option('--trace <file>', 'write a trace for ui.perfetto.dev')
    .option('--continue', 'go on where the schedule ends, without preemptions', false)
    .addOption(jsonOption())
    .addHelpText('after', '\nThe other options must be those that explore was given.')
    .action(async (token: string, file: string, flags: ReplayFlags) =>
      setStatus(await replayCommand({ token, file }, flags, packageVersion(), streams)),
    );
  tlbsan
    .command('merge')
    .description('put the reports of all shards of a search together')
    .argument('<files...>', 'what explore --shard i/n --json wrote, for every i')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  tlbsan merge shard-*.json')
    .action((files: string[], flags: { json?: string }) => setStatus(mergeCommand(files, flags, streams)));
  tlbsan
    .command('check')
    .description('read a scenario or a trace and say what it is, without running it')
    .argument('<file>')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  tlbsan check scenario.tlb')
    .action(async (file: string, flags: { json?: string }) => setStatus(await checkCommand(file, flags, streams)));
  tlbsan
    .command('eras')
    .description("list the kernels' TLB code that a run can choose, or compare two of them")
    .addOption(new Option('--diff <eras...>', 'what changed from the first era to the second, in words and figures'))
    .option('--workload <file>', 'what to compare them on: a scenario or a recorded trace (default: one of its own)')
    .option('--cpus <n>', 'number of processors, 1 to 32', wholeNumber)
    .addOption(
      new Option('--set <switch=on|off>', 'hardware switch; may be repeated').default([], 'none').argParser(append),
    )
    .option('--seed <n>', 'the first of the seeds', wholeNumber)
    .option('--json', 'as JSON', false)
    .addHelpText('after', ERAS_EXAMPLES)
    .action(async (flags: ErasFlags) => setStatus(await erasCommand(flags, streams)));
  addBugsCommand(tlbsan, { streams, version: packageVersion(), setStatus });
  addLitmusCommand(tlbsan, { streams, version: packageVersion(), setStatus });
  return tlbsan;
}

/** Written alike on every command. */
function jsonOption(): Option {
  return new Option(
    '--json [file]',
    'write the report as JSON (docs/schema); to standard output in place of text',
  ).preset('-');
}

function jobs(text: string): number | 'all' {
  return text === 'all' ? text : positive(text);
}

/** What a scenario runs on. */
function scenarioOptions(command: Command): Command {
  return command
    .option('--cpus <n>', 'number of processors, 1 to 32', wholeNumber)
    .option('--era <id>', "whose TLB code the mini-kernel runs; 'tlbsan eras' lists them")
    .option('--policy <name>', `what the processors cache: ${listPolicies().join(', ')}`)
    .addOption(
      new Option('--set <switch=on|off>', 'hardware switch; may be repeated').default([], 'none').argParser(append),
    )
    .option('--seed <n>', 'chooses what is left open, 0 to 4294967295', wholeNumber)
    .option('--memory <mib>', 'guest-physical memory, 1 to 4096; every execution makes it anew', wholeNumber);
}

function switches(): string {
  const rows = listSwitches().map(({ name, initial, meaning }) => [`  ${name}`, initial ? 'on' : 'off', meaning]);
  const columns = ['Switches:', '', ''].map((title) => ({ title, align: 'left' as const }));
  return printTable(columns, rows).join('\n');
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It is no whole number.');
  return Number(text);
}

function positive(text: string): number {
  const number = wholeNumber(text);
  if (number === 0) throw new InvalidArgumentError('It must be at least 1.');
  return number;
}

function exitStatus(text: string): number {
  const number = wholeNumber(text);
  if (number > 255) throw new InvalidArgumentError('It must be at most 255.');
  return number;
}

function append(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}
