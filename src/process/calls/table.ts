/** Every system call there is, by its name. What is not here answers ENOSYS and is counted. */
import type { CallHandler } from './call.ts';
import { descriptorCalls } from './descriptors.ts';
import { memoryCalls } from './memory.ts';
import { pathCalls } from './paths.ts';
import { signalCalls } from './signals.ts';
import { systemCalls } from './system.ts';
import { taskCalls } from './tasks.ts';
import { threadCalls } from './threads.ts';

const handlers: ReadonlyMap<string, CallHandler> = new Map(
  [memoryCalls, taskCalls, threadCalls, signalCalls, pathCalls, descriptorCalls, systemCalls].flatMap((table) =>
    Object.entries(table),
  ),
);

export function systemCallHandler(name: string): CallHandler | null {
  return handlers.get(name) ?? null;
}

export const SERVED_CALLS: readonly string[] = [...handlers.keys()];
