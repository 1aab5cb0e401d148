/** What programs get from outside: a directory that they may read, and their standard streams. */

export interface HostStatus {
  readonly kind: 'file' | 'directory' | 'symlink';
  /** Permission bits. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly modified: number;
}

/**
 * A directory of the host, never written. Paths are names from the root of the view down; every name but the last is
 * known to be a directory and no symbolic link, for links are followed on our side.
 */
export interface HostRoot {
  /** Null: there is nothing that a program could use. */
  status(path: readonly string[]): HostStatus | null;
  list(path: readonly string[]): readonly string[];
  read(path: readonly string[]): Uint8Array;
  link(path: readonly string[]): string;
}

export interface HostStreams {
  /** At most so many bytes of standard input, waiting for them; none at its end. */
  read(limit: number): Uint8Array;
  /** `stream` 1 is standard output, 2 standard error. */
  write(stream: 1 | 2, bytes: Uint8Array): void;
}
