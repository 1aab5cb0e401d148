/** Workload files: opened, told apart, and read as text or as chunks of bytes, with gzip undone. */
import { createReadStream, openSync, readSync, closeSync, statSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { InputError } from '../base/errors.ts';
import { type WorkloadFormat, workloadFormat } from '../workload/workload-format.ts';

const CHUNK_BYTES = 1 << 18;
/** No scenario needs more. */
const TEXT_BYTES_LIMIT = 1 << 24;
const GZIP_MAGIC = 0x8b1f;

export interface OpenWorkload {
  readonly file: string;
  readonly format: Exclude<WorkloadFormat, 'gzip'>;
  /** The whole of it. Throws InputError when it is absurdly long or not UTF-8. */
  text(): Promise<string>;
  chunks(): AsyncIterable<Uint8Array>;
}

/** Throws InputError when the file cannot be read or is no workload. */
export async function openWorkload(file: string): Promise<OpenWorkload> {
  let format: WorkloadFormat | null = null;
  for await (const chunk of readChunks(file)) {
    format = workloadFormat(chunk);
    break;
  }
  if (format === null || format === 'gzip') {
    throw new InputError('neither a scenario nor a trace recorded by lackey; see docs/WORKLOADS.md', { file });
  }
  return { file, format, text: () => readText(file), chunks: () => readChunks(file) };
}

async function* readChunks(file: string): AsyncGenerator<Uint8Array> {
  try {
    if (!statSync(file).isFile()) throw new InputError('not a regular file', { file });
    const raw = createReadStream(file, { highWaterMark: CHUNK_BYTES });
    if (!isGzip(file)) yield* raw;
    else {
      const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
      raw.on('error', (error) => gunzip.destroy(error));
      yield* raw.pipe(gunzip);
    }
  } catch (error) {
    throw inputError(error, file);
  }
}

async function readText(file: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of readChunks(file)) {
    bytes += chunk.length;
    if (bytes > TEXT_BYTES_LIMIT) throw new InputError(`longer than ${TEXT_BYTES_LIMIT} bytes`, { file });
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new InputError('not UTF-8 text', { file });
  }
}

function isGzip(file: string): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const start = Buffer.alloc(2);
    return readSync(descriptor, start, 0, 2, 0) === 2 && start.readUInt16LE(0) === GZIP_MAGIC;
  } finally {
    closeSync(descriptor);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  Z_DATA_ERROR: 'damaged gzip data',
  Z_BUF_ERROR: 'the gzip data ends too early',
};

/** What reading a file can fail with is bad input; anything else goes on as it is. */
function inputError(error: unknown, file: string): unknown {
  if (error instanceof InputError || !(error instanceof Error) || !('code' in error)) return error;
  const reason = REASONS[String(error.code)];
  return reason === undefined ? error : new InputError(reason, { file });
}
