#!/usr/bin/env node
/** The command `tlbsan`. */
import { execute } from './execute.ts';
import { readStandardInput } from './standard-input.ts';

/** A reader that went away, as `head` does, is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await execute(process.argv.slice(2), {
  out: process.stdout,
  error: process.stderr,
  programs: {
    read: readStandardInput,
    write: (stream, bytes) => {
      (stream === 1 ? process.stdout : process.stderr).write(bytes);
    },
  },
});
