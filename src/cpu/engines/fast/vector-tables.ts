/** Tables of vectors that generated code looks up (vector-builder.ts), in the linear memory: 256 entries of 16 bytes. */
import { UnsupportedError } from '../../../base/errors.ts';
import type { VectorTable } from '../../vector-builder.ts';

export const vectorTableBytes = 256 * 16;
export const vectorTableLimit = 64;

export class VectorTables {
  readonly #words: BigUint64Array;
  readonly #address: number;
  readonly #addresses = new Map<VectorTable, number>();

  constructor(buffer: ArrayBuffer, address: number) {
    this.#address = address;
    this.#words = new BigUint64Array(buffer, address, (vectorTableLimit * vectorTableBytes) / 8);
  }

  addressOf(table: VectorTable): number {
    const known = this.#addresses.get(table);
    if (known !== undefined) return known;
    const number = this.#addresses.size;
    if (number === vectorTableLimit) throw new UnsupportedError(`no room for the table of vectors '${table.name}'`);
    for (let byte = 0; byte < 256; byte++) {
      const entry = table.entry(byte);
      const word = (number * vectorTableBytes + byte * 16) / 8;
      this.#words[word] = BigInt.asUintN(64, entry);
      this.#words[word + 1] = entry >> 64n;
    }
    const address = this.#address + number * vectorTableBytes;
    this.#addresses.set(table, address);
    return address;
  }
}
