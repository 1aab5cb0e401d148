/** Workload files: opened, told apart, and read as text or as chunks of bytes, with gzip undone. */
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { createGunzip, type Gunzip } from 'node:zlib';
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
  chunks(): AsyncGenerator<Uint8Array, unknown>;
}

/** Throws InputError when the file cannot be read or is no workload. */
export async function openWorkload(file: string): Promise<OpenWorkload> {
  let format: WorkloadFormat | null = null;
  let empty = true;
  for await (const chunk of readChunks(file)) {
    format = workloadFormat(chunk);
    empty = false;
    break;
  }
  if (empty) throw new InputError('is empty', { file });
  if (format === null || format === 'gzip') {
    throw new InputError('neither a scenario nor a trace recorded by lackey; see docs/WORKLOADS.md', { file });
  }
  return { file, format, text: () => readText(file), chunks: () => readChunks(file) };
}

async function* readChunks(file: string): AsyncGenerator<Uint8Array> {
  let unpacker: Gunzip | null = null;
  try {
    const status = statSync(file);
    if (status.isDirectory()) throw new InputError('is a directory', { file });
    if (!status.isFile()) throw new InputError('is no regular file', { file });
    const raw = createReadStream(file, { highWaterMark: CHUNK_BYTES });
    if (!isGzip(file)) yield* raw;
    else {
      const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
      unpacker = gunzip;
      raw.on('error', (error) => gunzip.destroy(error));
      yield* raw.pipe(gunzip);
    }
  } catch (error) {
    throw inputError(error, file, unpacker);
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

const READ_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
};

const GZIP_REASONS: Readonly<Record<string, string>> = {
  Z_DATA_ERROR: 'damaged gzip data, here or further on',
  Z_BUF_ERROR: 'the gzip data ends too early',
};

/** What reading a file can fail with is bad input; anything else goes on as it is. */
function inputError(error: unknown, file: string, unpacker: Gunzip | null): unknown {
  if (error instanceof InputError || !(error instanceof Error) || !('code' in error)) return error;
  const code = String(error.code);
  const damage = GZIP_REASONS[code];
  if (damage !== undefined && unpacker !== null) return new InputError(damage, { file, offset: unpacker.bytesWritten });
  return 'syscall' in error ? new InputError(READ_REASONS[code] ?? `cannot be read (${code})`, { file }) : error;
}
