/** Workload files as chunks of bytes, with gzip undone. */
import { createReadStream, statSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { InputError } from '../base/errors.ts';

const GZIP_MAGIC = [0x1f, 0x8b] as const;
const CHUNK_BYTES = 1 << 18;

/** Throws InputError when the file cannot be read or its compression is broken. */
export async function* readChunks(file: string): AsyncGenerator<Uint8Array> {
  try {
    if (!statSync(file).isFile()) throw new InputError('not a regular file', { file });
    const raw = createReadStream(file, { highWaterMark: CHUNK_BYTES });
    yield* (await isGzip(file)) ? raw.pipe(createGunzip({ chunkSize: CHUNK_BYTES })) : raw;
  } catch (error) {
    throw readError(error, file);
  }
}

/** The whole file as text; at most `limitBytes`. */
export async function readText(file: string, limitBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of readChunks(file)) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new InputError(`larger than ${limitBytes} bytes, which no scenario needs`, { file });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function isGzip(file: string): Promise<boolean> {
  for await (const chunk of createReadStream(file, { start: 0, end: 1 })) {
    return GZIP_MAGIC.every((byte, index) => (chunk as Uint8Array)[index] === byte);
  }
  return false;
}

function readError(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'no such file',
    EACCES: 'permission denied',
    EISDIR: 'is a directory',
    Z_DATA_ERROR: 'damaged gzip data',
    Z_BUF_ERROR: 'gzip data ends too early',
  };
  const reason = reasons[String(error.code)];
  return reason === undefined ? error : new InputError(reason, { file });
}
