/** The file system that programs see: paths, links and `..` that never leave it, and changes that stay in memory. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { DirectoryRoot } from '../../src/cli/host-root.ts';
import { ERRNO } from '../../src/arch/linux-errno.ts';
import { FileSystem } from '../../src/process/files/file-system.ts';
import type { Inode } from '../../src/process/files/inode.ts';
import { Pipe } from '../../src/process/files/pipe.ts';
import { decodeBytes, encodeBytes } from '../../src/process/user-memory.ts';

const outside = mkdtempSync(join(tmpdir(), 'tlbsan-root-'));
const root = join(outside, 'view');
afterAll(() => rmSync(outside, { recursive: true }));

writeFileSync(join(outside, 'secret'), 'secret');
mkdirSync(join(root, 'a', 'b'), { recursive: true });
writeFileSync(join(root, 'a', 'file'), 'inside');
symlinkSync('../../secret', join(root, 'a', 'up'));
symlinkSync(join(outside, 'secret'), join(root, 'absolute'));
symlinkSync('/a/file', join(root, 'a', 'b', 'link'));
symlinkSync('loop', join(root, 'loop'));
symlinkSync(outside, join(root, 'directory'));
symlinkSync('..', join(root, 'a', 'parent'));

function view(): FileSystem {
  return new FileSystem(new DirectoryRoot(root), () => 0n);
}

function find(files: FileSystem, path: string): Inode | number {
  return files.find(path, { from: files.root, follow: true, executable: '/bin/self' });
}

function content(files: FileSystem, path: string): string | number {
  const inode = find(files, path);
  if (typeof inode === 'number') return inode;
  return inode.kind === 'file' ? decodeBytes(inode.data.read(0, 100)) : inode.kind;
}

describe('the view of a directory', () => {
  it.each([
    ['/a/file', 'inside'],
    ['a/./b/../file', 'inside'],
    ['/../../a/file', 'inside'],
    ['/a/b/link', 'inside'],
    ['/a/parent/a/parent/a/file', 'inside'],
    ['/proc/self/exe', -ERRNO.ENOENT],
    ['/dev/null', 'device'],
    ['/a/file/', -ERRNO.ENOTDIR],
    ['/a/file/x', -ERRNO.ENOTDIR],
    ['/nothing', -ERRNO.ENOENT],
    ['/loop', -ERRNO.ELOOP],
    ['', -ERRNO.ENOENT],
    [`/${'n'.repeat(256)}`, -ERRNO.ENAMETOOLONG],
  ])('%s is %s', (path, expected) => {
    expect(content(view(), path)).toBe(expected);
  });

  it.each(['/a/up', '/absolute', '/directory/secret', '/a/../../secret', '/directory/../secret'])(
    'does not lead out by %s',
    (path) => {
      expect(content(view(), path)).toBe(-ERRNO.ENOENT);
    },
  );

  it('has no path that leads out', () => {
    const name = fc.constantFrom(
      '..',
      '.',
      'a',
      'b',
      'up',
      'absolute',
      'directory',
      'secret',
      'parent',
      'link',
      'view',
      'file',
    );
    const files = view();
    const seen = new Set<string | number>();
    fc.assert(
      fc.property(fc.array(name, { maxLength: 9 }), fc.boolean(), (names, absolute) => {
        seen.add(content(files, `${absolute ? '/' : ''}${names.join('/')}`));
      }),
      { seed: 41, numRuns: 5000 },
    );
    expect(seen).toContain('inside');
    expect(seen).not.toContain('secret');
  });

  it('answers for no name that is a path itself', () => {
    const port = new DirectoryRoot(root);
    expect(port.status(['a', 'file'])).toMatchObject({ kind: 'file', size: 6 });
    for (const path of [['..', 'secret'], ['directory', 'secret'], ['a/../../secret'], ['a', '..', '..', 'secret']]) {
      expect(port.status(path)).toBeNull();
      expect(port.read(path)).toHaveLength(0);
      expect(port.list(path)).toEqual([]);
    }
  });

  it('keeps changes to itself', () => {
    const files = view();
    const file = find(files, '/a/file');
    if (typeof file === 'number' || file.kind !== 'file') throw new Error('no file');
    file.data.write(2, encodeBytes('SIDE!'));
    expect(content(files, '/a/file')).toBe('inSIDE!');
    const place = files.lookup('/a/new', { from: files.root, follow: true, executable: '' });
    if (typeof place === 'number') throw new Error('no place');
    files.attach(place, 'new', files.inodes.file(0o644));
    files.detach({ parent: place.parent, name: 'file' });
    expect(content(files, '/a/file')).toBe(-ERRNO.ENOENT);
    expect(readFileSync(join(root, 'a', 'file'), 'utf8')).toBe('inside');
    expect(readdirSync(join(root, 'a')).sort()).toEqual(['b', 'file', 'parent', 'up']);
  });
});

describe('a pipe', () => {
  it('gives the bytes in their order, whatever the sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(70_000)), { maxLength: 40 }), (steps) => {
        const pipe = new Pipe();
        let [written, read] = [0, 0];
        for (const [writes, count] of steps) {
          if (writes) written += pipe.put(Uint8Array.from({ length: count }, (_, index) => (written + index) % 251));
          else for (const byte of pipe.take(count)) if (byte !== read++ % 251) throw new Error(`byte ${read - 1}`);
          expect(pipe.length).toBe(written - read);
          expect(pipe.length).toBeLessThanOrEqual(pipe.capacity);
        }
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  it('takes a small write whole or not at all', () => {
    const pipe = new Pipe();
    pipe.readers = 1;
    pipe.put(new Uint8Array(pipe.capacity - 100));
    expect(pipe.writable(100)).toBe(true);
    expect(pipe.writable(101)).toBe(false);
    expect(pipe.writable(5000)).toBe(true);
    pipe.readers = 0;
    expect(pipe.writable(101)).toBe(true);
  });
});
