/** Bits written and read in order, with positive numbers in Elias' gamma code: as many zeros as it has further bits. */
export class BitWriter {
  readonly #bits: number[] = [];

  bits(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) this.#bits.push((value >>> bit) & 1);
  }

  /** At least 1, below 2³¹. */
  gamma(value: number): void {
    const further = 31 - Math.clz32(value);
    this.bits(0, further);
    this.bits(value, further + 1);
  }

  /** Groups of `size` bits, the last filled up with zeros. */
  groups(size: number): number[] {
    const groups: number[] = [];
    for (let at = 0; at < this.#bits.length; at += size) {
      let group = 0;
      for (let bit = 0; bit < size; bit++) group = group * 2 + (this.#bits[at + bit] ?? 0);
      groups.push(group);
    }
    return groups;
  }
}

export class BitReader {
  readonly #groups: readonly number[];
  readonly #size: number;
  #at = 0;

  constructor(groups: readonly number[], size: number) {
    this.#groups = groups;
    this.#size = size;
  }

  /** A number in gamma code, or null beyond the end. */
  gamma(): number | null {
    let further = 0;
    while (this.#bit() === 0) {
      further++;
      if (further > 30) return null;
    }
    if (this.#at > this.#groups.length * this.#size) return null;
    let value = 1;
    for (let bit = 0; bit < further; bit++) value = value * 2 + this.#bit();
    return this.#at > this.#groups.length * this.#size ? null : value;
  }

  #bit(): number {
    const group = this.#groups[Math.floor(this.#at / this.#size)] ?? 0;
    const bit = (group >>> (this.#size - 1 - (this.#at % this.#size))) & 1;
    this.#at++;
    return bit;
  }
}
