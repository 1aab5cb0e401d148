/** Where a command writes: what it was asked for, and what it has to say beside that. */
export interface OutputStream {
  /** Whether a person watches. */
  readonly isTTY?: boolean;
  write(output: string | Uint8Array): unknown;
}

export interface Streams {
  readonly out: OutputStream;
  readonly error: OutputStream;
}
