/**
 * ELF64 executables (System V ABI, AMD64 supplement): headers and segments of a static or static-PIE program for x86-64
 * Linux. What is wrong with a file is told with its byte offset; sections are left to `elf-symbols`.
 */
import { InputError } from '../base/errors.ts';

export interface Segment {
  readonly address: bigint;
  readonly memoryBytes: bigint;
  readonly fileBytes: number;
  readonly fileOffset: number;
  /** Bits as in p_flags: 1 execute, 2 write, 4 read. */
  readonly flags: number;
}

export interface Executable {
  readonly entry: bigint;
  /** Static-PIE: linked at 0, loaded anywhere. */
  readonly relocatable: boolean;
  readonly segments: readonly Segment[];
  /** Address of the program headers in memory, before relocation. */
  readonly headersAddress: bigint;
  readonly headerBytes: number;
  readonly headerCount: number;
  /** PT_GNU_STACK asks for an executable stack. */
  readonly executableStack: boolean;
}

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const MAXIMUM_HEADERS = 128;
const PAGE = 4096n;
/** Where 47-bit user addresses end. */
const USER_END = 0x7fff_ffff_f000n;

const ET_EXEC = 2;
const ET_DYN = 3;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_PHDR = 6;
const PT_GNU_STACK = 0x6474e551;
const PF_X = 1;

export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Throws InputError, with the byte offset, for anything but a static program for x86-64. */
export function parseExecutable(bytes: Uint8Array, file: string): Executable {
  const bad = (message: string, offset: number): InputError => new InputError(message, { file, offset });
  if (!isElf(bytes)) throw bad('not an ELF file: the magic number is missing', 0);
  if (bytes.length < HEADER_BYTES) throw bad(`truncated: an ELF header has ${HEADER_BYTES} bytes`, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[4] !== 2) throw bad('not a 64-bit ELF file', 4);
  if (bytes[5] !== 1) throw bad('not a little-endian ELF file', 5);
  const type = view.getUint16(16, true);
  if (type !== ET_EXEC && type !== ET_DYN) throw bad(`not an executable: e_type is ${type}`, 16);
  const machine = view.getUint16(18, true);
  if (machine !== EM_X86_64) throw bad(`not for x86-64: e_machine is ${machine}`, 18);
  const headerBytes = view.getUint16(54, true);
  const headerCount = view.getUint16(56, true);
  if (headerBytes !== PROGRAM_HEADER_BYTES) throw bad(`program headers of ${headerBytes} bytes`, 54);
  if (headerCount === 0 || headerCount > MAXIMUM_HEADERS) throw bad(`${headerCount} program headers`, 56);
  const headers = safeOffset(view.getBigUint64(32, true));
  if (headers === null || headers + headerCount * headerBytes > bytes.length) {
    throw bad('truncated: the program headers lie beyond the end of the file', 32);
  }

  const segments: Segment[] = [];
  let executableStack = false;
  let headersAddress: bigint | null = null;
  for (let index = 0; index < headerCount; index++) {
    const at = headers + index * headerBytes;
    switch (view.getUint32(at, true)) {
      case PT_INTERP:
        throw bad('dynamically linked: only static programs run here (link with -static or -static-pie)', at);
      case PT_GNU_STACK:
        executableStack = (view.getUint32(at + 4, true) & PF_X) !== 0;
        break;
      case PT_PHDR:
        headersAddress = view.getBigUint64(at + 16, true);
        break;
      case PT_LOAD:
        segments.push(loadSegment(view, at, segments.at(-1), bad));
    }
  }
  if (segments.length === 0) throw bad('nothing to load: there is no PT_LOAD segment', headers);
  const entry = view.getBigUint64(24, true);
  if (!segments.some(({ address, memoryBytes }) => entry >= address && entry < address + memoryBytes)) {
    throw bad(`the entry point 0x${entry.toString(16)} lies in no segment`, 24);
  }
  headersAddress ??= addressOfOffset(segments, headers) ?? 0n;
  const relocatable = type === ET_DYN;
  if (!relocatable && segments.some(({ address }) => address < PAGE)) throw bad('a segment at address 0', headers);
  return { entry, relocatable, segments, headersAddress, headerBytes, headerCount, executableStack };
}

function loadSegment(
  view: DataView,
  at: number,
  before: Segment | undefined,
  bad: (message: string, offset: number) => InputError,
): Segment {
  const flags = view.getUint32(at + 4, true);
  const offset = safeOffset(view.getBigUint64(at + 8, true));
  const address = view.getBigUint64(at + 16, true);
  const size = safeOffset(view.getBigUint64(at + 32, true));
  const memoryBytes = view.getBigUint64(at + 40, true);
  if (offset === null || size === null || offset + size > view.byteLength) {
    throw bad('truncated: a segment lies beyond the end of the file', at + 8);
  }
  if (memoryBytes < BigInt(size)) throw bad('a segment is larger in the file than in memory', at + 40);
  if (address + memoryBytes > USER_END) throw bad('a segment beyond the end of user addresses', at + 16);
  if (address % PAGE !== BigInt(offset) % PAGE)
    throw bad('address and file offset of a segment disagree within a page', at + 16);
  if (before !== undefined && address < roundUp(before.address + before.memoryBytes)) {
    // Two segments may meet in a page as long as no byte belongs to both.
    if (address < before.address + before.memoryBytes) throw bad('segments overlap or are out of order', at + 16);
  }
  return { address, memoryBytes, fileBytes: size, fileOffset: offset, flags };
}

function addressOfOffset(segments: readonly Segment[], offset: number): bigint | null {
  const segment = segments.find(({ fileOffset, fileBytes }) => offset >= fileOffset && offset < fileOffset + fileBytes);
  return segment === undefined ? null : segment.address + BigInt(offset - segment.fileOffset);
}

function safeOffset(value: bigint): number | null {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}

function roundUp(address: bigint): bigint {
  return ((address + PAGE - 1n) / PAGE) * PAGE;
}
