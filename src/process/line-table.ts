/**
 * Line tables of DWARF versions 4 and 5 (DWARF 5 standard, 6.2): which source line an address belongs to. Units of other
 * versions are passed over, and what does not make sense ends a unit: a report then has no line there.
 */
import { textAt } from './elf-sections.ts';

/** What one row of the line-number matrix says of the addresses from it to the next. */
export interface LineRow {
  readonly address: number;
  readonly file: string;
  readonly line: number;
  /** The first address behind a sequence: no line. */
  readonly end: boolean;
}

export interface LineSections {
  readonly line: Uint8Array;
  /** .debug_line_str and .debug_str. */
  readonly lineStrings: Uint8Array;
  readonly strings: Uint8Array;
}

const DW_LNS = { copy: 1, advancePc: 2, advanceLine: 3, setFile: 4, constAddPc: 8, fixedAdvancePc: 9 } as const;
const DW_LNE = { endSequence: 1, setAddress: 2 } as const;
const DW_LNCT_PATH = 1;
const DW_FORM = {
  block: 9,
  data1: 0x0b,
  data2: 5,
  data4: 6,
  data8: 7,
  data16: 0x1e,
  string: 8,
  strp: 0x0e,
  udata: 0x0f,
  lineStrp: 0x1f,
} as const;

/** Rows of all units, by ascending address. */
export function readLineTable(sections: LineSections): LineRow[] {
  const rows: LineRow[] = [];
  const reader = new Reader(sections.line);
  while (reader.left > 4) {
    const length = reader.fixed(4);
    // The 64-bit format begins with these.
    if (length >= 0xffff_fff0 || length > reader.left) break;
    const unit = new Reader(sections.line.subarray(reader.at, reader.at + length));
    reader.at += length;
    try {
      readUnit(unit, sections, rows);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return rows.sort((a, b) => a.address - b.address || Number(b.end) - Number(a.end));
}

interface Header {
  readonly minimumLength: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Operands of the standard opcodes. */
  readonly operands: readonly number[];
  /** By the number that the program uses for them. */
  readonly files: readonly string[];
}

function readUnit(reader: Reader, sections: LineSections, rows: LineRow[]): void {
  const version = reader.fixed(2);
  if (version !== 4 && version !== 5) return;
  if (version === 5) reader.at += 2;
  const programAt = reader.fixed(4) + reader.at;
  const minimumLength = reader.fixed(1);
  // Operations in an instruction, and the initial is_stmt.
  reader.at += 2;
  const lineBase = (reader.fixed(1) << 24) >> 24;
  const lineRange = reader.fixed(1);
  const opcodeBase = reader.fixed(1);
  const operands = Array.from({ length: opcodeBase - 1 }, () => reader.fixed(1));
  const files = version === 5 ? readFiles5(reader, sections) : readFiles4(reader);
  reader.at = programAt;
  runProgram(reader, { minimumLength, lineBase, lineRange, opcodeBase, operands, files }, rows);
}

/** Files count from 1 in version 4. */
function readFiles4(reader: Reader): string[] {
  while (reader.string() !== '') {}
  const files = [''];
  for (;;) {
    const name = reader.string();
    if (name === '') return files;
    files.push(name);
    for (let skipped = 0; skipped < 3; skipped++) reader.unsigned();
  }
}

function readFiles5(reader: Reader, sections: LineSections): string[] {
  readEntries(reader, sections);
  return readEntries(reader, sections);
}

/** The paths of a table whose format precedes it. */
function readEntries(reader: Reader, sections: LineSections): string[] {
  const formats = Array.from({ length: reader.fixed(1) }, () => [reader.unsigned(), reader.unsigned()] as const);
  const count = reader.unsigned();
  const paths: string[] = [];
  for (let entry = 0; entry < count; entry++) {
    let path = '';
    for (const [content, form] of formats) {
      const text = readForm(reader, form, sections);
      if (content === DW_LNCT_PATH) path = text;
    }
    paths.push(path);
  }
  return paths;
}

/** Text, or the empty string for what is none. */
function readForm(reader: Reader, form: number, { lineStrings, strings }: LineSections): string {
  switch (form) {
    case DW_FORM.string:
      return reader.string();
    case DW_FORM.lineStrp:
      return textAt(lineStrings, reader.fixed(4));
    case DW_FORM.strp:
      return textAt(strings, reader.fixed(4));
    case DW_FORM.udata:
      reader.unsigned();
      return '';
    case DW_FORM.block:
      reader.at += reader.unsigned();
      return '';
    case DW_FORM.data1:
    case DW_FORM.data2:
    case DW_FORM.data4:
    case DW_FORM.data8:
    case DW_FORM.data16:
      reader.at += { 11: 1, 5: 2, 6: 4, 7: 8, 30: 16 }[form];
      return '';
    default:
      throw new RangeError(`form ${form}`);
  }
}

/** The state machine (DWARF 5, 6.2.2 and 6.2.5), without what reports do not show. */
function runProgram(reader: Reader, header: Header, rows: LineRow[]): void {
  const { minimumLength, lineBase, lineRange, opcodeBase, operands, files } = header;
  let [address, file, line] = [0, 1, 1];
  const emit = (end: boolean): void => {
    rows.push({ address, file: files[file] ?? '?', line, end });
  };
  while (reader.left > 0) {
    const opcode = reader.fixed(1);
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      address += Math.floor(adjusted / lineRange) * minimumLength;
      line += lineBase + (adjusted % lineRange);
      emit(false);
      continue;
    }
    switch (opcode) {
      case 0: {
        const next = reader.unsigned() + reader.at;
        const extended = reader.fixed(1);
        if (extended === DW_LNE.setAddress) address = reader.fixed(8);
        if (extended === DW_LNE.endSequence) {
          emit(true);
          [address, file, line] = [0, 1, 1];
        }
        reader.at = next;
        break;
      }
      case DW_LNS.copy:
        emit(false);
        break;
      case DW_LNS.advancePc:
        address += reader.unsigned() * minimumLength;
        break;
      case DW_LNS.advanceLine:
        line += reader.signed();
        break;
      case DW_LNS.setFile:
        file = reader.unsigned();
        break;
      case DW_LNS.constAddPc:
        address += Math.floor((255 - opcodeBase) / lineRange) * minimumLength;
        break;
      case DW_LNS.fixedAdvancePc:
        address += reader.fixed(2);
        break;
      default:
        for (let skipped = 0; skipped < (operands[opcode - 1] ?? 0); skipped++) reader.unsigned();
    }
  }
}

/** Throws RangeError beyond the end. */
class Reader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  /** Little-endian; of eight bytes what a number holds exactly. */
  fixed(bytes: number): number {
    if (bytes > this.left) throw new RangeError('beyond the end');
    let value = 0;
    for (let index = bytes - 1; index >= 0; index--) value = value * 256 + (this.#bytes[this.at + index] as number);
    this.at += bytes;
    return value;
  }

  /** ULEB128. */
  unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.fixed(1);
      value += (byte & 0x7f) * scale;
      if (byte < 128) return value;
    }
  }

  /** SLEB128. */
  signed(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.fixed(1);
      value += (byte & 0x7f) * scale;
      if (byte < 128) return (byte & 0x40) === 0 ? value : value - scale * 128;
    }
  }

  string(): string {
    const text = textAt(this.#bytes, this.at);
    const end = this.#bytes.indexOf(0, this.at);
    if (end < 0) throw new RangeError('a string without an end');
    this.at = end + 1;
    return text;
  }
}
