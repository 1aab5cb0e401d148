/** Runs what the arguments say, and turns what went wrong into one line and an exit status. */
import { CommanderError } from 'commander';
import { InputError, InvariantError } from '../base/errors.ts';
import { commandLine } from './command-line.ts';
import { ExitStatus } from './exit-status.ts';
import type { Streams } from './streams.ts';

/** `args` are those after the name of the command. */
export async function execute(args: readonly string[], streams: Streams): Promise<number> {
  let status: number = ExitStatus.clean;
  const setStatus = (result: number): void => {
    status = result;
  };
  try {
    await commandLine(streams, setStatus).parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    // The parser of arguments has said already what is wrong with them.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitStatus.clean : ExitStatus.badInput;
    const { message, status: failure } = explain(error);
    streams.error.write(`tlbsan: ${message}\n`);
    return failure;
  }
}

/** Bugs of ours come with their stack. */
function explain(error: unknown): { message: string; status: ExitStatus } {
  if (error instanceof InputError) return { message: error.message, status: ExitStatus.badInput };
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const what = error instanceof InvariantError ? 'a bug of tlbsan' : 'an unexpected failure of tlbsan';
  return { message: `${what}, please report it: ${details}`, status: ExitStatus.ourBug };
}
