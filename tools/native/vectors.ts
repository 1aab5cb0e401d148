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
  tailBytes,
} from './instance.ts';

export interface Vector {
  readonly instance: Instance;
  readonly outcome: Outcome;
}

const recordBytes = instanceBytes + outcomeBytes;

/** Registers, window and FPU image of an outcome are kept as their difference from the instance's: mostly zeros. */
function differ(record: Uint8Array): void {
  const pairs = [
    [0, instanceBytes, 128],
    [instanceBytes - tailBytes, recordBytes - tailBytes, tailBytes],
  ] as const;
  for (const [before, after, length] of pairs) {
    for (let at = 0; at < length; at++) record[after + at] = (record[after + at] ?? 0) ^ (record[before + at] ?? 0);
  }
}

export function packVectors(vectors: readonly Vector[]): Uint8Array {
  const bytes = new Uint8Array(vectors.length * recordBytes);
  for (const [at, { instance, outcome }] of vectors.entries()) {
    const record = bytes.subarray(at * recordBytes, (at + 1) * recordBytes);
    encodeInstance(instance, record);
    encodeOutcome(outcome, record.subarray(instanceBytes));
    differ(record);
  }
  return gzipSync(bytes, { level: 9 });
}

export function unpackVectors(packed: Uint8Array): Vector[] {
  const bytes = new Uint8Array(gunzipSync(packed));
  const vectors: Vector[] = [];
  for (let at = 0; at + recordBytes <= bytes.length; at += recordBytes) {
    const record = bytes.subarray(at, at + recordBytes);
    differ(record);
    vectors.push({ instance: decodeInstance(record), outcome: decodeOutcome(record.subarray(instanceBytes)) });
  }
  return vectors;
}
