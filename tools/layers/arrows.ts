/** What each folder below src/ may import, and which of them are the core: pure, deterministic, free of the host. */

export interface Folder {
  /** Other folders that it may import. */
  readonly imports: readonly string[];
  /** No host: no packages, no `node:` modules, no clock, no randomness, no console. */
  readonly pure: boolean;
}

const hardware = ['event', 'arch', 'base'];
const faces = ['museum', 'scenario', 'explore', 'coherence', 'trace', 'workload', 'event', 'arch', 'base'];

export const ARROWS: ReadonlyMap<string, Folder> = new Map<string, Folder>([
  ['base', { imports: [], pure: true }],
  ['arch', { imports: ['base'], pure: true }],
  ['event', { imports: ['arch', 'base'], pure: true }],
  ['memory', { imports: hardware, pure: true }],
  ['mmu', { imports: ['memory', ...hardware], pure: true }],
  ['apic', { imports: ['memory', ...hardware], pure: true }],
  ['cpu', { imports: ['mmu', 'memory', ...hardware], pure: true }],
  ['machine', { imports: ['cpu', 'apic', 'mmu', 'memory', ...hardware], pure: true }],
  ['kernel', { imports: hardware, pure: true }],
  ['process', { imports: ['kernel', ...hardware], pure: true }],
  ['coherence', { imports: hardware, pure: true }],
  ['explore', { imports: ['base'], pure: true }],
  ['workload', { imports: ['arch', 'base'], pure: true }],
  ['trace', { imports: hardware, pure: true }],
  [
    'scenario',
    {
      imports: ['machine', 'cpu', 'process', 'kernel', 'coherence', 'explore', 'workload', ...hardware],
      pure: true,
    },
  ],
  ['museum', { imports: ['scenario', 'kernel', 'workload', 'explore', 'coherence', ...hardware], pure: true }],
  ['cli', { imports: ['process', ...faces], pure: false }],
  ['lab', { imports: faces, pure: false }],
]);

/** Names of the host that the core may not use, each with the pattern of a use. A property of that name is no use. */
export const HOST_NAMES: readonly { readonly name: string; readonly use: RegExp }[] = [
  { name: 'Math.random', use: /(?<![.\w$])Math\s*\.\s*random\b/ },
  { name: 'Date', use: /(?<![.\w$])(?:new\s+Date\b|Date\s*[.(])/ },
  { name: 'setTimeout', use: /(?<![.\w$])set(?:Timeout|Interval|Immediate)\b/ },
  { name: 'queueMicrotask', use: /(?<![.\w$])queueMicrotask\b/ },
  { name: 'console', use: /(?<![.\w$])console\s*[.[]/ },
  { name: 'process', use: /(?<![.\w$])process\s*\.\s*(?:env|argv|std|exit|on|hrtime|nextTick|memoryUsage|cwd)/ },
  { name: 'performance', use: /(?<![.\w$])performance\s*\./ },
  { name: 'globalThis', use: /(?<![.\w$])globalThis\b/ },
  { name: 'Promise', use: /(?<![.\w$])(?:new\s+Promise\b|Promise\s*\.|async\s+(?:function\b|\())/ },
];

/** Most lines that a file may have. */
export const LINE_LIMIT = 450;

/** Files that may be longer, by their path below src/: an era is one whole file, so that two of them can be compared. */
export const WHOLE_FILES: ReadonlySet<string> = new Set(
  ['e3', 'e4', 'e5', 'e6', 'e7', 'e8', 'e9', 'e10', 'e11'].map((era) => `kernel/tlb/${era}.ts`),
);
