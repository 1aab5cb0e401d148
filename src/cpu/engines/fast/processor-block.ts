/**
 * A processor's block as TypeScript sees it (layout.ts), and the book-keeping that must agree with generated code: which
 * page is being executed, how many of its fetches have been counted, and how many instructions may still be begun.
 */
import { type PageNumber, pageNumber } from '../../../arch/address.ts';
import { assert } from '../../../base/assert.ts';
import { type AccessCode, accessCode } from '../../../mmu/access-rights.ts';
import type { Mmu } from '../../../mmu/mmu.ts';
import type { CodeSize } from '../../instruction.ts';
import { type RegisterFile, RegisterOffset } from '../../registers.ts';
import { Block, blockBytes } from './layout.ts';

interface Codes {
  readonly read: AccessCode;
  readonly write: AccessCode;
  readonly fetch: AccessCode;
}

function codesOf(user: boolean): Codes {
  return {
    read: accessCode({ kind: 'read', user }),
    write: accessCode({ kind: 'write', user }),
    fetch: accessCode({ kind: 'fetch', user }),
  };
}

const supervisorCodes = codesOf(false);
const userCodes = codesOf(true);

/** The page number of a linear address in two halves. */
export function pageOfHalves(low: number, high: number): PageNumber {
  return pageNumber(high * 0x10_0000 + (low >>> 12));
}

export class ProcessorBlock {
  readonly address: number;
  readonly registers: RegisterFile;
  readonly mmu: Mmu;
  readonly words: Uint32Array;
  readonly longWords: BigUint64Array;
  /** Instructions that this run may begin after generated code has returned. */
  deferred = 0;
  /** The access codes of fetches at the present privilege level. */
  fetchCode: AccessCode;

  constructor(buffer: ArrayBuffer, address: number, registers: RegisterFile, mmu: Mmu) {
    this.address = address;
    this.registers = registers;
    this.mmu = mmu;
    this.words = new Uint32Array(buffer, address, blockBytes / 4);
    this.longWords = new BigUint64Array(buffer, address, blockBytes / 8);
    this.fetchCode = this.#codes().fetch;
    this.#grant(this.#codes());
  }

  word(offset: number): number {
    return this.words[offset >> 2] as number;
  }

  setWord(offset: number, value: number): void {
    this.words[offset >> 2] = value;
  }

  longWord(offset: number): bigint {
    return this.longWords[offset >> 3] as bigint;
  }

  setLongWord(offset: number, value: bigint): void {
    this.longWords[offset >> 3] = value;
  }

  /** The page of the address that a long word holds. */
  pageAt(offset: number): PageNumber {
    return pageOfHalves(this.word(offset), this.word(offset + 4));
  }

  /** Makes generated code ask for accesses of the present privilege level. */
  setPrivilege(): void {
    if (!this.privilegeChanged) return;
    this.#grant(this.#codes());
  }

  /** Whether the privilege level is another than that of `setPrivilege`. */
  get privilegeChanged(): boolean {
    return this.#codes().fetch !== this.fetchCode;
  }

  /** Before generated code begins so many instructions in the page at RIP; the fetch of the first has been counted. */
  begin(remaining: number, deferred: number, map: number, maps: number): void {
    this.deferred = deferred;
    this.setWord(Block.remaining, remaining);
    this.setWord(Block.fetched, remaining - 1);
    this.setWord(Block.map, map);
    this.setWord(Block.maps, maps);
    this.setWord(Block.page, (this.word(RegisterOffset.rip) & ~0xfff) >>> 0);
    this.setWord(Block.page + 4, this.word(RegisterOffset.rip + 4));
  }

  /** Generated code may begin no further instruction. */
  endRun(): void {
    const others = this.word(Block.remaining) - 1;
    if (others <= 0) return;
    this.deferred += others;
    this.setWord(Block.remaining, 1);
    this.setWord(Block.fetched, this.word(Block.fetched) - others);
  }

  /**
   * Counts the fetches since the last time, from the page being executed; `remaining` is how many instructions may be
   * begun after those that were.
   */
  countFetches(remaining: number): void {
    const fetches = this.word(Block.fetched) - remaining;
    if (fetches === 0) return;
    assert(fetches > 0, 'no fetch is counted twice');
    this.setWord(Block.fetched, remaining);
    this.mmu.filter.noteUses(this.pageAt(Block.page), this.fetchCode, fetches);
  }

  /** RIP becomes this offset from the page being executed. */
  setRip(offset: number, codeSize: CodeSize): void {
    const linear = this.longWord(Block.page) + BigInt(offset);
    this.registers.rip = codeSize === 64 ? linear : BigInt.asUintN(codeSize, linear);
  }

  #grant({ read, write, fetch }: Codes): void {
    this.fetchCode = fetch;
    this.#setAccess(Block.readBit, Block.readMask, read);
    this.#setAccess(Block.writeBit, Block.writeMask, write);
    this.#setAccess(Block.fetchBit, Block.fetchMask, fetch);
  }

  #codes(): Codes {
    return this.mmu.control.cpl === 3 ? userCodes : supervisorCodes;
  }

  #setAccess(bit: number, mask: number, code: AccessCode): void {
    this.setLongWord(bit, 1n << BigInt(code));
    this.setLongWord(mask, BigInt.asUintN(64, (1n << BigInt(code)) | -4096n));
  }
}
