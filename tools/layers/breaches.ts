/** Finds where the files below a source folder breach the layering: wrong arrows, hosts in the core, long files. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { ARROWS, HOST_NAMES, LINE_LIMIT, WHOLE_FILES } from './arrows.ts';
import { codeOnly } from './source-text.ts';

/** `import … from '…'`, `export … from '…'`, `import '…'`, `import('…')`: the quote is where the specifier begins. */
const IMPORTS = [
  /\b(?:import|export)\b[^;'"`]*?\bfrom\s*(['"])/g,
  /\bimport\s*(['"])/g,
  /\bimport\s*\(\s*(['"`])/g,
] as const;

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** Each breach as `file:line: message`, in order of file and line. */
export function breaches(root: string): string[] {
  return sourceFiles(root).flatMap((file) => breachesOf(root, file));
}

/** Paths below the root, with `/`, sorted. */
export function sourceFiles(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

function breachesOf(root: string, file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  const code = codeOnly(source);
  const found: { line: number; message: string }[] = [];
  const report = (line: number, message: string): void => {
    found.push({ line, message });
  };

  const lines = source.split('\n').length - (source.endsWith('\n') ? 1 : 0);
  if (lines > LINE_LIMIT && !WHOLE_FILES.has(file)) report(LINE_LIMIT + 1, `${lines} lines, more than ${LINE_LIMIT}`);

  const from = folderOf(file);
  const row = from === null ? null : ARROWS.get(from);
  if (row === undefined) report(1, `the folder ${from} has no row in the table of arrows`);
  for (const { specifier, line } of importsOf(source, code)) {
    if (!specifier.startsWith('.')) {
      if (row?.pure === true) report(line, `${from} is core and must not import ${specifier}`);
      continue;
    }
    const target = posix.normalize(posix.join(posix.dirname(file), specifier));
    if (target.startsWith('..')) {
      report(line, `${from ?? file} must not import ${specifier}, which is outside src`);
      continue;
    }
    const to = folderOf(target);
    // Files directly below src are the public face: they import anything, and nothing below imports them.
    if (row !== null && row !== undefined && to !== from && (to === null || !row.imports.includes(to))) {
      report(line, `${from} must not import ${to ?? target}`);
    }
  }
  if (row?.pure === true) {
    code.split('\n').forEach((text, index) => {
      for (const { name, use } of HOST_NAMES) {
        if (use.test(text)) report(index + 1, `${from} is core and must not use ${name}`);
      }
    });
  }
  found.sort((a, b) => a.line - b.line);
  return found.map(({ line, message }) => `${file}:${line}: ${message}`);
}

function folderOf(file: string): string | null {
  return dirname(file) === '.' ? null : (file.split('/')[0] ?? null);
}

/** Everything that a source names to import or to export from, types too. `code` is the source as `codeOnly` gives it. */
export function importsOf(source: string, code: string): Import[] {
  const imports: Import[] = [];
  for (const pattern of IMPORTS) {
    for (const match of code.matchAll(pattern)) {
      const quote = match.index + match[0].length - 1;
      const end = code.indexOf(match[1] ?? '', quote + 1);
      imports.push({ specifier: source.slice(quote + 1, end), line: source.slice(0, quote).split('\n').length });
    }
  }
  return imports;
}
