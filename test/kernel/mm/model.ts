/**
 * What a program can know of its memory: for every page its protection, whose content it shares, and the value last
 * written to its first eight bytes. No page tables, no frames.
 */
export interface Content {
  value: bigint;
  /** MADV_FREE: may have become 0 instead, until it is written. */
  maybeGone: boolean;
}

export interface ModelPage {
  prot: number;
  readonly shared: boolean;
  content: Content;
}

const PAGE = 4096n;
const WRITE = 2;

export class ModelSpace {
  readonly pages = new Map<bigint, ModelPage>();

  map(start: bigint, pages: number, prot: number, shared: boolean): void {
    for (let index = 0; index < pages; index++) {
      this.pages.set(start + BigInt(index) * PAGE, { prot, shared, content: { value: 0n, maybeGone: false } });
    }
  }

  unmap(start: bigint, pages: number): void {
    for (const address of range(start, pages)) this.pages.delete(address);
  }

  /** Whether every page of the range is mapped. */
  covers(start: bigint, pages: number): boolean {
    return range(start, pages).every((address) => this.pages.has(address));
  }

  protect(start: bigint, pages: number, prot: number): void {
    for (const address of range(start, pages)) {
      const page = this.pages.get(address);
      if (page !== undefined) page.prot = prot;
    }
  }

  move(from: bigint, to: bigint, pages: number): void {
    for (const address of range(from, pages)) {
      const page = this.pages.get(address);
      if (page === undefined) continue;
      this.pages.delete(address);
      this.pages.set(address - from + to, page);
    }
  }

  /** A private page starts again at zero; a shared one keeps what it shares. */
  dontneed(start: bigint, pages: number): void {
    for (const address of range(start, pages)) {
      const page = this.pages.get(address);
      if (page !== undefined && !page.shared) page.content = { value: 0n, maybeGone: false };
    }
  }

  free(start: bigint, pages: number): void {
    for (const address of range(start, pages)) {
      const page = this.pages.get(address);
      if (page !== undefined && !page.shared) page.content.maybeGone = true;
    }
  }

  fork(): ModelSpace {
    const copy = new ModelSpace();
    for (const [address, page] of this.pages) {
      copy.pages.set(address, page.shared ? { ...page } : { ...page, content: { ...page.content } });
    }
    return copy;
  }

  /** Null: the access must fail. Otherwise the values that a read may return. */
  read(address: bigint): readonly bigint[] | null {
    const page = this.pages.get(address);
    if (page === undefined || page.prot === 0) return null;
    return page.content.maybeGone ? [page.content.value, 0n] : [page.content.value];
  }

  /** False: the access must fail. */
  write(address: bigint, value: bigint): boolean {
    const page = this.pages.get(address);
    if (page === undefined || (page.prot & WRITE) === 0) return false;
    page.content.value = value;
    page.content.maybeGone = false;
    return true;
  }
}

function range(start: bigint, pages: number): bigint[] {
  return Array.from({ length: pages }, (_, index) => start + BigInt(index) * PAGE);
}
