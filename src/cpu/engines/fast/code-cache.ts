/**
 * Decoded code, by the page frame that its bytes lie in, so that every address and processor that maps the frame shares
 * it, and a change of translation does not concern it. A frame with decoded code is guarded: a store to its bytes forgets
 * what was decoded of it, at once.
 *
 * An instruction that goes on in the next page depends on two translations. Its place has a record that asks for the
 * second frame each time; what was decoded is kept with the frame that it was decoded of.
 */
import type { FrameNumber, PhysicalAddress } from '../../../arch/address.ts';
import { addressInFrame, frameOf, PAGE_BYTES } from '../../../arch/address.ts';
import { InvariantError, type UnsupportedError } from '../../../base/errors.ts';
import { Guard } from '../../../memory/frame-guards.ts';
import type { PhysicalMemory } from '../../../memory/physical-memory.ts';
import { Decoder, type DecodeStatus, instructionBytesLimit } from '../../decode/decoder.ts';
import { modelledFeatures } from '../../decode/feature.ts';
import { type CodeSize, Instruction, OperandKind } from '../../instruction.ts';
import type { Handlers } from './handlers.ts';
import { type Layout, mapBytes, recordBytes } from './layout.ts';
import type { Records } from './records.ts';

/** Records decoded ahead at a time. */
const aheadLimit = 256;

/** What there is at an address: a record, or why there is none. */
export type Found = number | Exclude<DecodeStatus, 'valid'> | UnsupportedError;

/** Where an instruction begins, and as which code. */
interface Place {
  readonly frame: FrameNumber;
  readonly offset: number;
  readonly codeSize: CodeSize;
}

/** An instruction in two pages, and the frame of the second that it was last decoded of, if it has a record. */
interface Crossing extends Place {
  next: { readonly frame: FrameNumber; readonly code: CodeFrame } | undefined;
}

/** Nothing that follows them in memory is executed next. */
const endings: ReadonlySet<string> = new Set(['JMP', 'RET', 'UD0', 'UD1', 'UD2', 'HLT']);

/** The decoded code of one frame. */
class CodeFrame {
  /** Maps by code size, in the linear memory: 0 for none. */
  readonly maps = new Map<CodeSize, number>();
  /** A bit for each byte that was decoded. */
  readonly decoded = new Uint8Array(PAGE_BYTES / 8);

  note(offset: number, bytes: number): void {
    for (let at = offset; at < offset + bytes; at++)
      this.decoded[at >> 3] = (this.decoded[at >> 3] as number) | (1 << (at & 7));
  }

  concerns(offset: number, bytes: number): boolean {
    for (let at = offset; at < offset + bytes; at++) {
      if ((((this.decoded[at >> 3] as number) >> (at & 7)) & 1) !== 0) return true;
    }
    return false;
  }
}

export interface CodeCacheParts {
  readonly buffer: ArrayBuffer;
  readonly layout: Layout;
  readonly memory: PhysicalMemory;
  readonly handlers: Handlers;
  readonly records: Records;
}

export class CodeCache {
  /** Changes whenever something is forgotten. */
  version = 0;
  readonly #words: Uint32Array;
  readonly #layout: Layout;
  readonly #memory: PhysicalMemory;
  readonly #handlers: Handlers;
  readonly #records: Records;
  readonly #decoder = new Decoder(modelledFeatures);
  readonly #instruction = new Instruction();
  readonly #bytes = new Uint8Array(PAGE_BYTES);
  readonly #frames = new Map<FrameNumber, CodeFrame>();
  /** By record. */
  readonly #crossings = new Map<number, Crossing>();
  /** Where the next map or record goes. */
  #next: number;

  constructor({ buffer, layout, memory, handlers, records }: CodeCacheParts) {
    this.#words = new Uint32Array(buffer);
    this.#layout = layout;
    this.#memory = memory;
    this.#handlers = handlers;
    this.#records = records;
    this.#next = layout.code;
    memory.afterCodeWrite((address, bytes) => this.#written(address, bytes));
  }

  /** Where the maps for a code size are, by frame. */
  mapsFor(codeSize: CodeSize): number {
    return this.#layout.frameMaps + (Math.log2(codeSize) - 4) * this.#memory.frames * 4;
  }

  /** The map of a frame, 0 for none. */
  mapOf(frame: FrameNumber, codeSize: CodeSize): number {
    return this.#words[this.mapsFor(codeSize) / 4 + frame] ?? 0;
  }

  /** What is at an offset in a frame. The map of the frame exists afterwards if a record was found. */
  find(frame: FrameNumber, offset: number, codeSize: CodeSize): Found {
    const map = this.mapOf(frame, codeSize);
    const known = map === 0 ? 0 : (this.#words[map / 4 + offset] as number);
    return known === 0 ? this.#decode(frame, offset, codeSize) : known;
  }

  /** The record of the instruction at such a record, when its second part lies in the frame `next`. */
  cross(record: number, next: FrameNumber): Found {
    const crossing = this.#crossings.get(record);
    if (crossing === undefined) throw new InvariantError('a record that crosses no page');
    const instruction = record + recordBytes;
    const known = crossing.next;
    if (known?.frame === next && this.#frames.get(next) === known.code) return instruction;
    crossing.next = undefined;
    const bytes = this.#bytes.subarray(0, instructionBytesLimit);
    const { frame, offset, codeSize } = crossing;
    const first = PAGE_BYTES - offset;
    this.#memory.copyBytes(addressInFrame(frame, offset), bytes.subarray(0, first));
    this.#memory.copyBytes(addressInFrame(next, 0), bytes.subarray(first));
    const status = this.#decoder.decode(this.#instruction, codeSize, bytes, 0, bytes.length);
    const shape = status === 'valid' ? this.#handlers.numberOf(this.#instruction) : status;
    if (typeof shape !== 'number') return shape;
    const { length } = this.#instruction;
    this.#records.write(instruction, shape, offset, this.#instruction);
    this.#records.writeRunEnd(instruction + recordBytes, offset + length, 0);
    const code = this.#frameOf(next);
    code.note(0, length - first);
    crossing.next = { frame: next, code };
    return instruction;
  }

  #decode(frame: FrameNumber, offset: number, codeSize: CodeSize): Found {
    this.#memory.copyBytes(addressInFrame(frame, 0), this.#bytes);
    if (!this.#handlers.hasRoomFor(2 * aheadLimit)) {
      this.#forgetAll();
      this.#handlers.forget();
    }
    const first = this.#decodeOne(offset, codeSize);
    if (typeof first !== 'number' && first !== 'incomplete') return first;
    if (this.#next + mapBytes + 4 * (aheadLimit + 1) * recordBytes > this.#layout.codeEnd) this.#forgetAll();
    const code = this.#frameOf(frame);
    const map = this.#mapFor(code, frame, codeSize);
    this.#decodeAhead(code, map, { frame, offset, codeSize });
    return this.#words[map / 4 + offset] as number;
  }

  /** The shape of the instruction at an offset of the page in `#bytes`; the instruction is in `#instruction`. */
  #decodeOne(offset: number, codeSize: CodeSize): number | Exclude<DecodeStatus, 'valid'> | UnsupportedError {
    const status = this.#decoder.decode(this.#instruction, codeSize, this.#bytes, offset, PAGE_BYTES);
    return status === 'valid' ? this.#handlers.numberOf(this.#instruction) : status;
  }

  /** From an offset on, and where branches in the page go, until all is known, impossible, or enough. */
  #decodeAhead(code: CodeFrame, map: number, from: Place): void {
    const { frame, codeSize } = from;
    const starts = [from.offset];
    const branches: { readonly record: number; readonly target: number }[] = [];
    let left = aheadLimit;
    for (const start of starts) {
      let offset = start;
      if (offset < PAGE_BYTES && this.#words[map / 4 + offset] !== 0) continue;
      for (;;) {
        const known = offset < PAGE_BYTES ? (this.#words[map / 4 + offset] as number) : 0;
        const shape = known !== 0 || offset >= PAGE_BYTES || left === 0 ? undefined : this.#decodeOne(offset, codeSize);
        const record = this.#next;
        this.#next += recordBytes;
        if (shape === 'incomplete') {
          this.#addCrossing(code, map, record, { frame, offset, codeSize, next: undefined });
          break;
        }
        if (typeof shape !== 'number') {
          this.#records.writeRunEnd(record, offset, known);
          break;
        }
        const i = this.#instruction;
        left--;
        this.#records.write(record, shape, offset, i);
        this.#words[map / 4 + offset] = record;
        code.note(offset, i.length);
        offset += i.length;
        const target = targetInPage(i, offset, codeSize);
        if (target !== undefined) {
          branches.push({ record, target });
          starts.push(target);
        }
        if (endings.has(i.form.operation)) break;
      }
      if (left === 0) break;
    }
    for (const { record, target } of branches) this.#records.link(record, this.#words[map / 4 + target] as number);
  }

  /** The next two records are for the instruction and for what ends its run. */
  #addCrossing(code: CodeFrame, map: number, record: number, crossing: Crossing): void {
    const { offset } = crossing;
    this.#next += 2 * recordBytes;
    this.#records.writeCrossing(record, offset);
    this.#words[map / 4 + offset] = record;
    this.#crossings.set(record, crossing);
    code.note(offset, PAGE_BYTES - offset);
  }

  #frameOf(frame: FrameNumber): CodeFrame {
    let code = this.#frames.get(frame);
    if (code === undefined) {
      code = new CodeFrame();
      this.#frames.set(frame, code);
      this.#memory.guards.add(frame, Guard.code);
    }
    return code;
  }

  #mapFor(code: CodeFrame, frame: FrameNumber, codeSize: CodeSize): number {
    const known = code.maps.get(codeSize);
    if (known !== undefined) return known;
    const map = this.#next;
    this.#next += mapBytes;
    this.#words.fill(0, map / 4, (map + mapBytes) / 4);
    code.maps.set(codeSize, map);
    this.#words[this.mapsFor(codeSize) / 4 + frame] = map;
    return map;
  }

  #written(address: PhysicalAddress, bytes: number): void {
    const frame = frameOf(address);
    const code = this.#frames.get(frame);
    if (code?.concerns(address % PAGE_BYTES, bytes)) this.#forget(frame, code);
  }

  #forget(frame: FrameNumber, code: CodeFrame): void {
    for (const codeSize of code.maps.keys()) this.#words[this.mapsFor(codeSize) / 4 + frame] = 0;
    this.#frames.delete(frame);
    this.#memory.guards.remove(frame, Guard.code);
    this.version++;
  }

  #forgetAll(): void {
    for (const [frame, code] of this.#frames) this.#forget(frame, code);
    this.#crossings.clear();
    this.#next = this.#layout.code;
  }
}

/** Where in the page a branch goes whose target is cut by no operand size, if it is in the page. */
function targetInPage(i: Instruction, end: number, codeSize: CodeSize): number | undefined {
  const operand = i.operands[0];
  if (i.operandCount === 0 || operand.kind !== OperandKind.relative || i.operandSize * 8 !== codeSize) return undefined;
  const target = end + operand.low;
  const near = operand.high === operand.low >> 31;
  return near && target >= 0 && target < PAGE_BYTES ? target : undefined;
}
