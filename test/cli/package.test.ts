import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { REPOSITORY, spawned, temporaryFolder } from './command.ts';

/** Packing compiles the sources; two busy processors take their time. */
const PACKING_MILLISECONDS = 180_000;

const folder = temporaryFolder();
const app = join(folder, 'app');

interface PackageJson {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

const { version, dependencies } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as PackageJson;

/** Packs, and installs the package as another project would; its dependencies come from here, so no registry is asked. */
beforeAll(async () => {
  const packed = await spawned(['npm', 'pack', '--pack-destination', folder]);
  expect(packed.status, packed.stderr).toBe(0);
  mkdirSync(app);
  const local = Object.keys(dependencies).map((name) => [name, `file:${join(REPOSITORY, 'node_modules', name)}`]);
  const manifest = {
    name: 'app',
    private: true,
    type: 'module',
    dependencies: { tlbsan: `file:${join(folder, `tlbsan-${version}.tgz`)}`, ...Object.fromEntries(local) },
  };
  writeFileSync(join(app, 'package.json'), JSON.stringify(manifest));
  const installed = await spawned(['npm', 'install', '--offline', '--no-audit', '--no-fund'], { cwd: app });
  expect(installed.status, installed.stderr).toBe(0);
}, PACKING_MILLISECONDS);

describe('the installed package', { timeout: PACKING_MILLISECONDS }, () => {
  it('has the command tlbsan', async () => {
    const { status, stdout } = await spawned([command(), '--version'], { cwd: app });
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${version}\n` });
  });

  it('brings workloads, and runs them to the same bytes as the sources do', async () => {
    symlinkSync(join(app, 'node_modules/tlbsan/fixtures'), join(app, 'fixtures'));
    const args = ['run', 'fixtures/workloads/munmap.tlb', '--era', 'E1-no-remote'];
    const installed = await spawned([command(), ...args], { cwd: app });
    const sources = await spawned([process.execPath, '--import', 'tsx', 'src/cli/main.ts', ...args]);
    expect(installed).toEqual(sources);
    expect(installed.status).toBe(1);
  });

  it('is a library whose types a browser program compiles with, and which runs', async () => {
    writeFileSync(join(app, 'use.ts'), CONSUMER);
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify(CONSUMER_OPTIONS));
    const tsc = join(REPOSITORY, 'node_modules/.bin/tsc');
    const compiled = await spawned([tsc, '-p', 'tsconfig.json'], { cwd: app });
    expect(compiled).toEqual({ status: 0, stdout: '', stderr: '' });
    const ran = await spawned([process.execPath, 'use.js'], { cwd: app });
    expect(ran).toEqual({ status: 0, stdout: 'violation: stale-frame frame-freed\n', stderr: '' });
  });

  it('and refuses what its types do not allow', async () => {
    writeFileSync(join(app, 'use.ts'), CONSUMER.replace('detect: true', "detect: 'yes'"));
    const { status, stdout } = await spawned([join(REPOSITORY, 'node_modules/.bin/tsc'), '-p', 'tsconfig.json'], {
      cwd: app,
    });
    expect(status).not.toBe(0);
    expect(stdout).toContain("Type 'string' is not assignable to type 'boolean'");
  });

  it('has the documents and schemas that its texts name', () => {
    const names = ['README.md', 'LICENSE', 'docs/WORKLOADS.md', 'docs/schema/run-report-1.json'];
    expect(names.filter((name) => !existsSync(join(app, 'node_modules/tlbsan', name)))).toEqual([]);
  });
});

function command(): string {
  return join(app, 'node_modules/.bin/tlbsan');
}

const CONSUMER = `
import { listEras, reportOn, ScenarioRun, type RunReport, type Violation } from 'tlbsan';

const text = ${JSON.stringify(readFileSync(join(REPOSITORY, 'fixtures/workloads/munmap.tlb'), 'utf8'))};
const era = listEras().find(({ variantOf }) => variantOf?.change === 'forgets the other processors');
const run = new ScenarioRun(text, 'munmap.tlb', { detect: true, era: era?.id });
while (run.advance(1000));
const report: RunReport = reportOn(run.system, run.outcome());
const first: Violation | undefined = report.coherence?.violations[0];
console.log(\`\${report.verdict}: \${first?.severity} \${first?.stage}\`);
`;

/** Neither Node's types nor leniency: the declarations themselves are checked. */
const CONSUMER_OPTIONS = {
  compilerOptions: {
    target: 'ES2022',
    module: 'NodeNext',
    lib: ['ES2023', 'DOM'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
  },
  files: ['use.ts'],
};
