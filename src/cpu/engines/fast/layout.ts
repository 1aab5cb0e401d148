/**
 * Where everything lies in the one linear memory that generated code addresses:
 *
 *   a block for each processor   its registers, what the engine keeps beside them, its access filter
 *   for each code size           for each page frame, where its map of decoded instructions is; 0 for none
 *   tables                       of vectors
 *   decoded code                 maps and records, as they come (code-cache.ts)
 *   guest-physical memory        to the end
 *
 * Offsets into a block are fixed, so that generated code has them as constants and the block's address in a local.
 */
import { FILTER_LINE_BYTES } from '../../../mmu/access-filter.ts';
import { registerFileBytes } from '../../registers.ts';
import { vectorTableBytes, vectorTableLimit } from './vector-tables.ts';

/** In the block of a processor, in bytes. Registers come first (registers.ts). */
export const Block = {
  /** The record at which execution goes on, or that was being executed. 4 bytes. */
  record: registerFileBytes,
  /** Instructions that may still be begun, the present one included. 4 bytes. */
  remaining: 1028,
  /** What `remaining` was after the last instruction whose fetch has been counted. 4 bytes. */
  fetched: 1032,
  /** The map of the page being executed. 4 bytes. */
  map: 1036,
  /** The linear address of that page. 8 bytes. */
  page: 1040,
  /** Maps by page frame, for the present code size. 4 bytes. */
  maps: 1048,
  /** The number of what is raised or asked for, when generated code returns. 4 bytes. */
  detail: 1052,
  // The status flags: see flag-code.ts. 8 bytes each.
  zero: 1056,
  sign: 1064,
  carries: 1072,
  // The bit of the present access code, alone and with the bits of a page number. 8 bytes each.
  readBit: 1080,
  readMask: 1088,
  writeBit: 1096,
  writeMask: 1104,
  fetchBit: 1112,
  fetchMask: 1120,
  /** Time of the access filter (mmu/tlb.ts), a double. */
  time: 1128,
  /** What generated code gives to functions of ours and takes from them: eight of 8 bytes. */
  exchange: 1136,
  /** Where a load that is done by a function leaves its bytes. */
  loaded: 1200,
  /** Calls of handlers that are functions of their own. 4 bytes. */
  calls: 1216,
  filter: 2048,
  stamps: 2048 + FILTER_LINE_BYTES,
} as const;

/** Stamps of a processor: places of its first- and second-level TLB. */
export const stampLimit = 12_288;

export const blockBytes = 2048 + FILTER_LINE_BYTES + 8 * stampLimit;

/** A decoded instruction, in bytes. */
export const Rec = {
  /** Which handler: the number of its shape. 4 bytes. */
  shape: 0,
  /** Where in the page it begins, and where it ends, counted from the page's beginning. 2 bytes each. */
  offset: 4,
  end: 6,
  /** Offsets into the register file: base and index of the address, base of the segment. 1 byte each. */
  base: 8,
  index: 9,
  segmentBase: 10,
  scale: 11,
  /** The record that a branch to this page goes on at, or 0. 4 bytes. */
  link: 12,
  /** Relative to the page, not the instruction, when the base is RIP. 8 bytes. */
  displacement: 16,
  /**
   * Of each operand, 8 bytes: the register's offset into the register file, the immediate, or the branch displacement
   * relative to the page.
   */
  operands: 24,
  /** The 11 bits of an x87 instruction's opcode. 4 bytes. */
  x87Opcode: 56,
} as const;

export const recordBytes = 64;
/** An offset in a page to the record there: 4 bytes each, 0 for none. */
export const mapBytes = 4096 * 4;

const pageBytes = 4096;

export interface Layout {
  readonly processors: number;
  /** Maps by page frame; one after the other for 16-, 32- and 64-bit code. */
  readonly frameMaps: number;
  /** Tables of vectors (vector-tables.ts). */
  readonly tables: number;
  readonly code: number;
  readonly codeEnd: number;
  readonly memory: number;
  readonly bytes: number;
}

function aligned(address: number): number {
  return Math.ceil(address / pageBytes) * pageBytes;
}

/** Nothing lies at 0, so that no address of ours is 0. */
export function layOut(processors: number, frames: number, codeBytes: number): Layout {
  const frameMaps = pageBytes + aligned(processors * blockBytes);
  const tables = aligned(frameMaps + 3 * frames * 4);
  const code = aligned(tables + vectorTableLimit * vectorTableBytes);
  const codeEnd = code + codeBytes;
  const memory = aligned(codeEnd);
  return {
    processors: pageBytes,
    frameMaps,
    tables,
    code,
    codeEnd,
    memory,
    bytes: memory + frames * pageBytes,
  };
}
