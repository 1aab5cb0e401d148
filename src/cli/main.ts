#!/usr/bin/env node
/** The command `tlbsan`: runs what the arguments say, and turns what went wrong into one line and an exit status. */
import { CommanderError } from 'commander';
import { InputError, InvariantError } from '../base/errors.ts';
import { ExitStatus } from './exit-status.ts';
import { commandLine } from './command-line.ts';

/** One line for people; bugs of ours come with their stack. */
function explain(error: unknown): ExitStatus {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitStatus.clean : ExitStatus.badInput;
  if (error instanceof InputError) return complain(error.message, ExitStatus.badInput);
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
  await commandLine((status) => {
    process.exitCode = status;
  }).parseAsync(process.argv);
} catch (error) {
  process.exitCode = explain(error);
}
