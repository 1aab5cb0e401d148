import type { HostStreams } from '../process/files/host-port.ts';

/** Where a command writes: what it was asked for, and what it has to say beside that. */
export interface OutputStream {
  /** Whether a person watches. */
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface Streams {
  readonly out: OutputStream;
  readonly error: OutputStream;
  /** What hosted programs read and write, byte by byte; without, they write text to the other two, and read nothing. */
  readonly programs?: HostStreams;
}
