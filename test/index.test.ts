import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importsOf } from '../tools/layers/breaches.ts';
import { codeOnly } from '../tools/layers/source-text.ts';

const SOURCES = fileURLToPath(new URL('../src', import.meta.url));

/** Everything that is no file of ours and that `file` imports, itself or through others. */
function packagesBehind(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const source = readFileSync(join(SOURCES, file), 'utf8');
  return importsOf(source, codeOnly(source)).flatMap(({ specifier }) =>
    specifier.startsWith('.') ? packagesBehind(join(dirname(file), specifier), seen) : [specifier],
  );
}

describe('the public face', () => {
  it('imports nothing that a browser does not have', () => {
    expect(packagesBehind('index.ts')).toEqual([]);
  });

  it('unlike the command', () => {
    expect(new Set(packagesBehind('cli/main.ts'))).toContain('node:fs');
    expect(new Set(packagesBehind('cli/main.ts'))).toContain('commander');
  });

  it('exports these values, and types', async () => {
    const face = await import('../src/index.ts');
    expect(Object.keys(face).sort()).toEqual([
      'EventStream',
      'InputError',
      'InvariantError',
      'LackeyReader',
      'PerfettoTrace',
      'REPORT_SCHEMA',
      'Recorder',
      'ScenarioRun',
      'Statistics',
      'TraceRun',
      'UnsupportedError',
      'listEras',
      'listPolicies',
      'listSwitches',
      'parseScenario',
      'printFinding',
      'printReport',
      'printScenario',
      'printViolation',
      'reportOn',
      'toJson',
      'workloadFormat',
    ]);
  });
});
