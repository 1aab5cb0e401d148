// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are sources under test
/** The layer check, on small source trees: each bad tree stands beside the good one that differs by a line. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { breaches } from '../../tools/layers/breaches.ts';
import { codeOnly } from '../../tools/layers/source-text.ts';

const made: string[] = [];

function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'layers-'));
  made.push(root);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

afterEach(() => {
  for (const root of made.splice(0)) rmSync(root, { recursive: true });
});

const rows = [
  {
    rule: 'arrows',
    good: { 'mmu/walk.ts': "import { A } from '../arch/a.ts';\n" },
    bad: { 'mmu/walk.ts': "import { A } from '../kernel/a.ts';\n" },
    expect: ['mmu/walk.ts:1: mmu must not import kernel'],
  },
  {
    rule: 'imports of types over several lines',
    good: { 'kernel/tlb/seed.ts': "\nimport type {\n  A,\n} from '../../event/a.ts';\n" },
    bad: { 'kernel/tlb/seed.ts': "\nimport type {\n  A,\n} from '../../mmu/a.ts';\n" },
    expect: ['kernel/tlb/seed.ts:4: kernel must not import mmu'],
  },
  {
    rule: 'export from',
    good: { 'trace/a.ts': "export * from './b.ts';\n" },
    bad: { 'trace/a.ts': "export * from '../coherence/b.ts';\n" },
    expect: ['trace/a.ts:1: trace must not import coherence'],
  },
  {
    rule: 'dynamic import',
    good: { 'cli/main.ts': "const a = await import('../scenario/a.ts');\n" },
    bad: { 'cli/main.ts': "const a = await import('../machine/a.ts');\n" },
    expect: ['cli/main.ts:1: cli must not import machine'],
  },
  {
    rule: 'import for effect',
    good: { 'arch/a.ts': "import '../base/a.ts';\n" },
    bad: { 'arch/a.ts': "import '../event/a.ts';\n" },
    expect: ['arch/a.ts:1: arch must not import event'],
  },
  {
    rule: 'node modules',
    good: { 'cli/a.ts': "import { readFileSync } from 'node:fs';\n" },
    bad: { 'workload/a.ts': "import { readFileSync } from 'node:fs';\n" },
    expect: ['workload/a.ts:1: workload is core and must not import node:fs'],
  },
  {
    rule: 'packages',
    good: { 'cli/a.ts': "import pc from 'picocolors';\n" },
    bad: { 'coherence/a.ts': "import pc from 'picocolors';\n" },
    expect: ['coherence/a.ts:1: coherence is core and must not import picocolors'],
  },
  {
    rule: 'outside src',
    good: { 'machine/a.ts': "import { A } from '../apic/a.ts';\n" },
    bad: { 'machine/a.ts': "import { A } from '../../test/a.ts';\n" },
    expect: ['machine/a.ts:1: machine must not import ../../test/a.ts, which is outside src'],
  },
  {
    rule: 'the public face imports anything and is imported by nothing',
    good: { 'index.ts': "export { A } from './kernel/a.ts';\n" },
    bad: { 'kernel/a.ts': "export { A } from '../index.ts';\n" },
    expect: ['kernel/a.ts:1: kernel must not import index.ts'],
  },
  {
    rule: 'clocks',
    good: { 'explore/a.ts': "/** Date.now() */\nconst date = 'Date.now()';\n" },
    bad: { 'explore/a.ts': '/** */\nconst date = Date.now();\n' },
    expect: ['explore/a.ts:2: explore is core and must not use Date'],
  },
  {
    rule: 'randomness',
    good: { 'base/a.ts': 'const a = /Math.random/; // Math.random()\n' },
    bad: { 'base/a.ts': 'const a = Math.random();\n' },
    expect: ['base/a.ts:1: base is core and must not use Math.random'],
  },
  {
    rule: 'hosts in a template',
    good: { 'kernel/a.ts': 'const a = (process: { pid: number }) => `process.env is ${process.pid}`;\n' },
    bad: { 'kernel/a.ts': 'const a = `is ${process.env.A}`;\n' },
    expect: ['kernel/a.ts:1: kernel is core and must not use process'],
  },
  {
    rule: 'console, timers, performance, promises',
    good: { 'cli/a.ts': 'console.log(setTimeout, performance.now(), Promise.all([]));\n' },
    bad: { 'apic/a.ts': 'console.log(1);\nsetTimeout(a, 1);\nperformance.now();\nPromise.all([]);\n' },
    expect: [
      'apic/a.ts:1: apic is core and must not use console',
      'apic/a.ts:2: apic is core and must not use setTimeout',
      'apic/a.ts:3: apic is core and must not use performance',
      'apic/a.ts:4: apic is core and must not use Promise',
    ],
  },
  {
    rule: 'length',
    good: { 'mmu/a.ts': '\n'.repeat(450) },
    bad: { 'mmu/a.ts': '\n'.repeat(451) },
    expect: ['mmu/a.ts:451: 451 lines, more than 450'],
  },
  {
    rule: 'unknown folders',
    good: { 'memory/a.ts': '' },
    bad: { 'helpers/a.ts': '' },
    expect: ['helpers/a.ts:1: the folder helpers has no row in the table of arrows'],
  },
];

describe.each(rows)('$rule', ({ good, bad, expect: expected }) => {
  it('is silent on the good tree', () => {
    expect(breaches(tree(good))).toEqual([]);
  });
  it('reports the bad tree', () => {
    expect(breaches(tree(bad))).toEqual(expected);
  });
});

describe('the command', () => {
  const run = (root: string) => {
    const check = fileURLToPath(new URL('../../tools/layers/check.ts', import.meta.url));
    const { status, stdout } = spawnSync('npx', ['tsx', check, root], { encoding: 'utf8' });
    return { status, stdout };
  };
  it('exits 0 on a good tree', () => {
    expect(run(tree({ 'base/a.ts': 'export const a = 1;\n' }))).toEqual({
      status: 0,
      stdout: '1 files keep the layering\n',
    });
  });
  it('exits 1 on a bad tree and prints the breach', () => {
    expect(run(tree({ 'mmu/a.ts': "import '../kernel/b.ts';\n" }))).toEqual({
      status: 1,
      stdout: 'mmu/a.ts:1: mmu must not import kernel\n',
    });
  });
});

describe('the scanner', () => {
  const cases = [
    { given: "a('x') // c", expect: "a(' ')     " },
    { given: 'a /* b\n */ c', expect: 'a     \n    c' },
    { given: 'x = y / z / "q"', expect: 'x = y / z / " "' },
    { given: 'x = /["\']/ + "a"', expect: 'x = /    / + " "' },
    { given: '`a${ {b: `c`} }d`', expect: '` ${ {b: ` `} } `' },
    { given: "'a\\'b' c", expect: "'    ' c" },
  ];
  it.each(cases)('blanks $given', ({ given, expect: expected }) => {
    const code = codeOnly(given);
    expect(code).toHaveLength(given.length);
    expect(code).toBe(expected);
  });
});
