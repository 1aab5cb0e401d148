/**
 * Guest-physical memory: one flat buffer that the host commits page by page as it is touched.
 *
 * Software's stores reach it through `store`, which is where a change of a paging-structure entry becomes visible to
 * walks: it tells those who asked to know beforehand, and observers afterwards. Memory beyond the end is no machine that
 * we model: no device answers there.
 */
import type { FrameNumber, PagingLevel, PagingLevels, PhysicalAddress } from '../arch/address.ts';
import { frameOf, PAGE_BYTES, physicalAddress } from '../arch/address.ts';
import { assert } from '../base/assert.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { EventStream } from '../event/stream.ts';
import { FrameGuards, Guard } from './frame-guards.ts';
import { PagingStructures } from './paging-structures.ts';
import type { StructureReference } from './paging-structures.ts';

/** Called before the eight bytes at `address`, in a frame that holds a paging structure, change by a store. */
export type BeforePagingWrite = (address: PhysicalAddress) => void;

/** Called after bytes of a frame under `Guard.code` have changed, or been written anew. */
export type AfterCodeWrite = (address: PhysicalAddress, bytes: number) => void;

/** The processor that is named by a write which no processor made: a loader's, a device's. */
export const NO_PROCESSOR = -1;

/** Told of every read and write of memory, by the address of its eight aligned bytes; of whole frames, by the frame. */
export interface MemoryObserver {
  read(address: PhysicalAddress): void;
  written(address: PhysicalAddress): void;
  frameRead(frame: FrameNumber): void;
  frameWritten(frame: FrameNumber): void;
}

const WORDS_PER_FRAME = PAGE_BYTES / 8;

export class PhysicalMemory {
  readonly frames: number;
  readonly guards: FrameGuards;
  readonly #stream: EventStream;
  #words: BigUint64Array;
  #halves: Uint32Array;
  #bytes: Uint8Array;
  #view: DataView;
  /** By frame: 0 while nothing was written there, so that it is known to be blank. */
  readonly #written: Uint8Array;
  readonly #structures: PagingStructures;
  #beforePagingWrite: BeforePagingWrite[] = [];
  #afterCodeWrite: AfterCodeWrite[] = [];
  #observer: MemoryObserver | null = null;

  constructor(frames: number, stream: EventStream) {
    this.frames = frames;
    this.guards = new FrameGuards(frames);
    this.#stream = stream;
    const buffer = new ArrayBuffer(frames * PAGE_BYTES);
    this.#words = new BigUint64Array(buffer);
    this.#halves = new Uint32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#written = new Uint8Array(frames);
    this.#structures = new PagingStructures(frames, this.guards, (address) => this.#words[address / 8] ?? 0n);
  }

  /**
   * Goes on in another buffer, whose bytes from `byteOffset`, a multiple of 4096, are zero: where generated code reaches
   * it, which from then on may write any frame.
   */
  moveTo(buffer: ArrayBuffer, byteOffset: number): void {
    const from = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
    const bytes = new Uint8Array(buffer, byteOffset, from.length);
    for (let frame = 0; frame < this.frames; frame++) {
      if (this.#written[frame] === 0) continue;
      const start = frame * PAGE_BYTES;
      bytes.set(from.subarray(start, start + PAGE_BYTES), start);
    }
    this.#bytes = bytes;
    this.#words = new BigUint64Array(buffer, byteOffset, from.length / 8);
    this.#halves = new Uint32Array(buffer, byteOffset, from.length / 4);
    this.#view = new DataView(buffer, byteOffset, from.length);
    this.#written.fill(1);
  }

  /** Null: nobody watches any more. */
  watch(observer: MemoryObserver | null): void {
    this.#observer = observer;
  }

  read64(address: PhysicalAddress): bigint {
    if (this.#observer !== null) this.#observer.read(address);
    if ((address & 7) === 0) {
      const word = this.#words[address / 8];
      if (word !== undefined) return word;
    }
    this.#check(address, 8);
    return this.#view.getBigUint64(address, true);
  }

  read32(address: PhysicalAddress): number {
    if (this.#observer !== null) this.#observer.read(physicalAddress(address - (address & 7)));
    if ((address & 3) === 0) {
      const half = this.#halves[address / 4];
      if (half !== undefined) return half;
    }
    this.#check(address, 4);
    return this.#view.getUint32(address, true);
  }

  read16(address: PhysicalAddress): number {
    this.#check(address, 2);
    return this.#view.getUint16(address, true);
  }

  read8(address: PhysicalAddress): number {
    const byte = this.#bytes[address];
    return byte === undefined ? this.#outside(address) : byte;
  }

  /**
   * A write by nobody's processor. In a frame that holds a paging structure it is a paging write like any other, so that
   * no change of an entry goes unseen; anywhere else it costs nothing more than itself.
   */
  write64(address: PhysicalAddress, value: bigint): void {
    this.#check(address, 8);
    if ((address & 7) === 0) this.store(NO_PROCESSOR, address, value, this.#stream.time);
    else this.storeBytes(NO_PROCESSOR, address, 8, value);
  }

  write32(address: PhysicalAddress, value: number): void {
    this.storeBytes(NO_PROCESSOR, address, 4, BigInt(value >>> 0));
  }

  write16(address: PhysicalAddress, value: number): void {
    this.storeBytes(NO_PROCESSOR, address, 2, BigInt(value & 0xffff));
  }

  write8(address: PhysicalAddress, value: number): void {
    this.storeBytes(NO_PROCESSOR, address, 1, BigInt(value & 0xff));
  }

  /**
   * A processor's store of eight aligned bytes becomes visible to everyone. `issued` is the time at which it was
   * executed, before it waited in a store buffer.
   */
  store(processor: number, address: PhysicalAddress, value: bigint, issued: number): void {
    assert((address & 7) === 0, 'a store commits eight aligned bytes');
    if (this.#observer !== null) this.#observer.written(address);
    const frame = frameOf(address);
    this.#written[frame] = 1;
    if (this.guards.guarded(frame)) {
      if (this.#structures.isMarked(frame)) this.#storeEntry(processor, address, value, issued);
      else this.#words[address / 8] = value;
      this.#noteCode(address, 8);
    } else if (address >= this.#bytes.length) this.#outside(address);
    else this.#words[address / 8] = value;
  }

  /** The bytes at an address, little-endian: 1 to 8 of them, in one frame. */
  readBytes(address: PhysicalAddress, bytes: number): bigint {
    if (bytes === 8) return this.read64(address);
    if (bytes === 4) return BigInt(this.read32(address));
    this.#check(address, bytes);
    let value = 0;
    for (let byte = Math.min(bytes, 4) - 1; byte >= 0; byte--)
      value = value * 256 + (this.#bytes[address + byte] as number);
    if (bytes < 4) return BigInt(value);
    const high = this.readBytes(physicalAddress(address + 4), bytes - 4);
    return BigInt(value) | (high << 32n);
  }

  /** As many bytes as `into` has, all in one frame. */
  copyBytes(address: PhysicalAddress, into: Uint8Array): void {
    this.#check(address, into.length);
    into.set(this.#bytes.subarray(address, address + into.length));
  }

  /** A processor's store of 1 to 8 bytes in one frame becomes visible to everyone. */
  storeBytes(processor: number, address: PhysicalAddress, bytes: number, value: bigint): void {
    this.#check(address, bytes);
    if (bytes === 8 && (address & 7) === 0) {
      this.store(processor, address, value, this.#stream.time);
      return;
    }
    const frame = frameOf(address);
    this.#written[frame] = 1;
    if (this.#structures.isMarked(frame)) this.#mergeEntries(processor, address, bytes, value);
    else if (bytes === 8) this.#view.setBigUint64(address, value, true);
    else if (bytes === 4) this.#view.setUint32(address, Number(value), true);
    else this.#setBytes(address, bytes, value);
    this.#noteCode(address, bytes);
  }

  /**
   * A walk's locked update of A or D (SDM 3A 4.8): writes `after` only where memory still holds `before`, and says
   * whether it did.
   */
  updateEntry(processor: number, address: PhysicalAddress, before: bigint, after: bigint): boolean {
    if (this.#observer !== null) this.#observer.written(address);
    const index = address / 8;
    if (this.#words[index] !== before) return false;
    this.#words[index] = after;
    this.#noteCode(address, 8);
    if (this.#stream.listening) {
      const issued = this.#stream.time;
      this.#stream.emit({ kind: 'paging-write', processor, address, before, after, by: 'walk', issued });
    }
    return true;
  }

  /** A frame that holds a paging structure stays marked: what a processor cached from it outlives the zeroing. */
  zeroFrame(processor: number, frame: FrameNumber): void {
    this.#checkFrame(frame);
    if (this.#observer !== null) this.#observer.frameWritten(frame);
    if (this.#structures.isMarked(frame)) this.#storeFrame(processor, frame, () => 0n);
    else this.#clear(frame);
    this.#noteCode(physicalAddress(frame * PAGE_BYTES), PAGE_BYTES);
    this.#structures.cleared(frame);
  }

  copyFrame(processor: number, from: FrameNumber, to: FrameNumber): void {
    this.#checkFrame(from);
    this.#checkFrame(to);
    if (this.#observer !== null) {
      this.#observer.frameRead(from);
      this.#observer.frameWritten(to);
    }
    if (this.#structures.isMarked(to)) {
      this.#storeFrame(processor, to, (word) => this.read64(physicalAddress(from * PAGE_BYTES + word * 8)));
    } else if (this.#isBlank(from)) {
      this.#clear(to);
    } else {
      this.#written[to] = 1;
      this.#words.copyWithin(to * WORDS_PER_FRAME, from * WORDS_PER_FRAME, (from + 1) * WORDS_PER_FRAME);
    }
    this.#noteCode(physicalAddress(to * PAGE_BYTES), PAGE_BYTES);
  }

  markPagingStructure(frame: FrameNumber): void {
    this.#checkFrame(frame);
    this.#structures.mark(frame);
  }

  isPagingStructure(frame: FrameNumber): boolean {
    return this.#structures.isMarked(frame);
  }

  /** A walk reads an entry of `frame` as a structure of this level, which `parent` refers to: null is CR3. */
  noteWalk(frame: FrameNumber, level: PagingLevel, parent: PhysicalAddress | null): void {
    this.#structures.note(frame, level, parent);
  }

  /** A processor loads this root, with paging of so many levels. */
  noteRoot(processor: number, root: FrameNumber, levels: PagingLevels): void {
    this.#structures.load(processor, root, levels);
  }

  /** The known ways to reach a paging structure that hold in memory now; those through CR3 always do. */
  pagingReferences(frame: FrameNumber): readonly StructureReference[] {
    return this.#structures.references(frame);
  }

  /** The roots from which walks are known to reach the entry, through references that hold in memory now. */
  rootsReaching(entry: PhysicalAddress): ReadonlySet<FrameNumber> {
    return this.#structures.rootsReaching(frameOf(entry));
  }

  beforePagingWrite(hook: BeforePagingWrite): void {
    this.#beforePagingWrite = [...this.#beforePagingWrite, hook];
  }

  afterCodeWrite(hook: AfterCodeWrite): void {
    this.#afterCodeWrite = [...this.#afterCodeWrite, hook];
  }

  #noteCode(address: PhysicalAddress, bytes: number): void {
    if (!this.guards.has(frameOf(address), Guard.code)) return;
    for (const hook of this.#afterCodeWrite) hook(address, bytes);
  }

  #setBytes(address: PhysicalAddress, bytes: number, value: bigint): void {
    let rest = Number(BigInt.asUintN(8 * bytes, value) & 0xffff_ffff_ffffn);
    for (let byte = 0; byte < Math.min(bytes, 6); byte++) {
      this.#bytes[address + byte] = rest;
      rest = Math.floor(rest / 256);
    }
    if (bytes === 7) this.#bytes[address + 6] = Number((value >> 48n) & 0xffn);
  }

  #storeEntry(processor: number, address: PhysicalAddress, value: bigint, issued: number): void {
    if (this.read64(address) === value) return;
    for (const hook of this.#beforePagingWrite) hook(address);
    // A walk made by a hook may have set A.
    const before = this.read64(address);
    this.#words[address / 8] = value;
    this.#structures.written(address, value);
    if (before === value || !this.#stream.listening) return;
    this.#stream.emit({ kind: 'paging-write', processor, address, before, after: value, by: 'software', issued });
  }

  #storeFrame(processor: number, frame: FrameNumber, word64: (word: number) => bigint): void {
    for (let word = 0; word < WORDS_PER_FRAME; word++) {
      this.#storeEntry(processor, physicalAddress(frame * PAGE_BYTES + word * 8), word64(word), this.#stream.time);
    }
  }

  /** A store to part of one or two entries of a paging structure. */
  #mergeEntries(processor: number, address: PhysicalAddress, bytes: number, value: bigint): void {
    const first = address - (address & 7);
    for (let place = first; place < address + bytes; place += 8) {
      const word = physicalAddress(place);
      let merged = this.read64(word);
      for (let byte = Math.max(place, address); byte < Math.min(place + 8, address + bytes); byte++) {
        const shift = BigInt(8 * (byte - place));
        merged = (merged & ~(0xffn << shift)) | (((value >> BigInt(8 * (byte - address))) & 0xffn) << shift);
      }
      this.#storeEntry(processor, word, merged, this.#stream.time);
    }
  }

  #check(address: PhysicalAddress, bytes: number): void {
    if (address < 0 || address + bytes > this.#bytes.length) this.#outside(address);
  }

  /** Reading a page that nobody has written commits nothing on the host; writing zeros to it would. */
  #clear(frame: FrameNumber): void {
    if (!this.#isBlank(frame)) this.#words.fill(0n, frame * WORDS_PER_FRAME, (frame + 1) * WORDS_PER_FRAME);
  }

  #isBlank(frame: FrameNumber): boolean {
    if (this.#written[frame] === 0) return true;
    const end = (frame + 1) * (PAGE_BYTES / 4);
    for (let half = frame * (PAGE_BYTES / 4); half < end; half++) if (this.#halves[half] !== 0) return false;
    return true;
  }

  #checkFrame(frame: FrameNumber): void {
    this.#check(physicalAddress(frame * PAGE_BYTES), PAGE_BYTES);
  }

  #outside(address: PhysicalAddress): never {
    throw new UnsupportedError(
      `access to physical address 0x${address.toString(16)}: memory ends at 0x${this.#bytes.length.toString(16)}`,
    );
  }
}
