/** Recorded instances with the host's outcomes: a file of fixed-size records, compressed. */
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  decodeInstance,
  decodeOutcome,
  encodeInstance,
  encodeOutcome,
  type Instance,
  instanceBytes,
  type Outcome,
  outcomeBytes,
} from './instance.ts';

export interface Vector {
  readonly instance: Instance;
  readonly outcome: Outcome;
}

const recordBytes = instanceBytes + outcomeBytes;

/** The window of an outcome is kept as its difference from the instance's: mostly zeros. */
function differWindow(record: Uint8Array): void {
  const before = record.subarray(160, instanceBytes);
  const after = record.subarray(recordBytes - before.length);
  for (const [at, byte] of before.entries()) after[at] = (after[at] ?? 0) ^ byte;
}

export function packVectors(vectors: readonly Vector[]): Uint8Array {
  const bytes = new Uint8Array(vectors.length * recordBytes);
  for (const [at, { instance, outcome }] of vectors.entries()) {
    const record = bytes.subarray(at * recordBytes, (at + 1) * recordBytes);
    encodeInstance(instance, record);
    encodeOutcome(outcome, record.subarray(instanceBytes));
    differWindow(record);
  }
  return gzipSync(bytes, { level: 9 });
}

export function unpackVectors(packed: Uint8Array): Vector[] {
  const bytes = new Uint8Array(gunzipSync(packed));
  const vectors: Vector[] = [];
  for (let at = 0; at + recordBytes <= bytes.length; at += recordBytes) {
    const record = bytes.subarray(at, at + recordBytes);
    differWindow(record);
    vectors.push({ instance: decodeInstance(record), outcome: decodeOutcome(record.subarray(instanceBytes)) });
  }
  return vectors;
}
