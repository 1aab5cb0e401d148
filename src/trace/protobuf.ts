/**
 * Protocol-buffer wire format, as much as a trace needs: varints, 64-bit fixed integers, strings and nested messages
 * (protobuf.dev, "Encoding").
 */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;

const utf8 = new TextEncoder();

/** One message, or a run of them; cleared and used again. */
export class ProtobufWriter {
  #bytes = new Uint8Array(256);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** A copy. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  /** int32, int64, uint32, uint64, bool or enum: a natural number of at most 53 bits. */
  natural(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  /** fixed64: the same numbers in eight bytes. */
  fixed64(field: number, value: number): void {
    this.#tag(field, FIXED64);
    this.#reserve(8);
    let rest = value;
    for (let index = 0; index < 8; index++) {
      this.#bytes[this.length++] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  text(field: number, value: string): void {
    this.#delimited(field, utf8.encode(value));
  }

  message(field: number, message: ProtobufWriter): void {
    this.#delimited(field, message.#bytes.subarray(0, message.length));
  }

  #delimited(field: number, bytes: Uint8Array): void {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  #tag(field: number, type: number): void {
    this.#varint(field * 8 + type);
  }

  /** Seven bits a byte, the lowest first. */
  #varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.length++] = rest;
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + more));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }
}
