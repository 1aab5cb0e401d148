/** execve: finds the program or the interpreter of a script, gives up the old address space, and loads the new one. */
import { ERRNO } from '../arch/linux-errno.ts';
import { SIGNAL } from '../arch/linux-signal.ts';
import { InputError } from '../base/errors.ts';
import { Segfault } from '../kernel/hardware.ts';
import { type Executable, parseExecutable } from './elf.ts';
import { endProcess } from './exit.ts';
import type { FileInode } from './files/inode.ts';
import { argumentsFit, loadImage, type Program, TOO_BIG } from './load-image.ts';
import type { ThreadCode } from './program-code.ts';
import type { Thread } from './thread.ts';
import { decodeBytes } from './user-memory.ts';

const SCRIPTS_LIMIT = 4;
const SCRIPT_LINE = 256;

/** What a path, arguments and environment would execute, or a negative errno. */
export function findProgram(
  thread: Pick<Thread, 'userland' | 'process'>,
  path: string,
  args: readonly string[],
  environment: readonly string[],
): Program | number {
  const { userland, process } = thread;
  if (!argumentsFit(args, environment)) return TOO_BIG;
  let file = path;
  let words = args;
  for (let depth = 0; depth <= SCRIPTS_LIMIT; depth++) {
    const lookup = { from: process.where.directory, follow: true, executable: process.executable };
    const inode = userland.files.find(file, lookup);
    if (typeof inode === 'number') return inode;
    if (inode.kind !== 'file' || (inode.mode & 0o111) === 0) return -ERRNO.EACCES;
    const script = interpreterOf(inode);
    if (script === null) {
      const executable = tryParse(inode, file);
      if (executable === null) return -ERRNO.ENOEXEC;
      return { inode, executable, path: absolute(thread, file), args: words, environment };
    }
    words = [script.interpreter, ...script.argument, file, ...words.slice(1)];
    file = script.interpreter;
  }
  return -ERRNO.ELOOP;
}

/** Takes the thread into the program. False: its process ends, for there is no way back. */
export function* enterProgram(thread: Thread, program: Program): ThreadCode<boolean> {
  const { userland, process } = thread;
  const { kernel } = userland;
  for (const other of process.threads.values()) if (other !== thread) other.killed = true;
  yield { kind: 'block', ready: () => process.threads.size === 1, deadline: null };
  process.name = program.path.split('/').at(-1) ?? program.path;
  process.executable = program.path;
  process.program = program;
  process.actions.exec();
  if (process.files.users > 1) {
    const own = process.files.copy();
    process.files.leave();
    process.files = own;
  }
  process.files.exec();
  thread.alternateStack = { address: 0n, size: 0n, flags: 2 };
  thread.clearChildTid = 0n;
  thread.robustList = 0n;

  const mm = yield* kernel.alloc_mm(`${process.name}/${process.pid}`);
  const { cpu } = thread;
  yield* kernel.context_switch(cpu, kernel.idle(cpu));
  yield* kernel.exec_mmap(cpu, thread.task, mm);
  process.mm = mm;
  process.releasedMemory = true;
  yield* kernel.context_switch(cpu, thread.task);
  let loaded: number;
  try {
    loaded = yield* loadImage(thread, program);
  } catch (error) {
    if (!(error instanceof Segfault)) throw error;
    loaded = -ERRNO.EFAULT;
  }
  if (loaded < 0) endProcess(process, { kind: 'killed', signal: SIGNAL.SIGSEGV });
  return loaded === 0;
}

function absolute({ userland, process }: Pick<Thread, 'userland' | 'process'>, path: string): string {
  const lookup = { from: process.where.directory, follow: true, executable: process.executable };
  const place = userland.files.lookup(path, lookup);
  if (typeof place === 'number') return path;
  const directory = userland.files.pathOf(place.parent);
  return `${directory === '/' ? '' : directory}/${place.name}`;
}

interface Script {
  readonly interpreter: string;
  /** What stands behind it, as one argument. */
  readonly argument: readonly string[];
}

function interpreterOf({ data }: FileInode): Script | null {
  const text = decodeBytes(data.read(0, SCRIPT_LINE));
  if (!text.startsWith('#!')) return null;
  const line = (text.slice(2).split('\n')[0] ?? '').trim();
  const [interpreter = '', ...rest] = line.split(/[ \t]+/);
  const argument = line.slice(interpreter.length).trim();
  return { interpreter, argument: rest.length === 0 ? [] : [argument] };
}

/** Null: not a program that runs here. */
function tryParse({ data }: FileInode, path: string): Executable | null {
  try {
    return parseExecutable(data.read(0, data.size), path);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
