/** Where in its programs a processor stands, in words, for reports. */
import type { FileData } from '../../process/files/file-data.ts';
import { PIE_BASE } from '../../process/load-image.ts';
import { Symbols } from '../../process/symbols.ts';
import type { Thread } from '../../process/thread.ts';
import type { UserProcessor } from './user-processor.ts';

export class GuestLocations {
  /** By the program's file. */
  readonly #symbols: Map<FileData, Symbols>;

  /** `known`: the symbols of programs that have theirs elsewhere. */
  constructor(known: ReadonlyMap<FileData, Symbols>) {
    this.#symbols = new Map(known);
  }

  /** `user`: the processor that the thread runs on. */
  describe(thread: Thread, user: UserProcessor): string {
    const { process, tid } = thread;
    const who = `${process.name}${process.threads.size > 1 || tid !== process.pid ? ` thread ${tid}` : ` process ${tid}`}`;
    const { rip } = user.registers;
    const inProgram = process.program === null ? rip : rip - (process.program.executable.relocatable ? PIE_BASE : 0n);
    const named = this.#symbolsOf(thread)?.describe(Number(inProgram)) ?? null;
    return `${who}: ${named ?? `0x${rip.toString(16)}`}`;
  }

  #symbolsOf({ process: { program } }: Thread): Symbols | null {
    if (program === null) return null;
    const { data } = program.inode;
    const known = this.#symbols.get(data);
    if (known !== undefined) return known;
    const symbols = new Symbols(data.read(0, data.size));
    this.#symbols.set(data, symbols);
    return symbols;
  }
}
