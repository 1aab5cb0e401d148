/** Names for the addresses of a program, for reports: functions of the symbol table, source lines where there is a line table. */
import { sectionsOf, textAt } from './elf-sections.ts';
import { type LineRow, readLineTable } from './line-table.ts';

interface FunctionSymbol {
  readonly address: number;
  readonly size: number;
  readonly name: string;
}

const SYMBOL_BYTES = 24;
const STT_FUNC = 2;
const NOTHING = new Uint8Array(0);

export class Symbols {
  readonly #functions: readonly FunctionSymbol[];
  readonly #lines: readonly LineRow[];

  constructor(file: Uint8Array) {
    const sections = sectionsOf(file);
    const bytes = (name: string): Uint8Array => sections.get(name)?.bytes ?? NOTHING;
    this.#functions = functionsOf(bytes('.symtab'), bytes('.strtab'));
    this.#lines = readLineTable({
      line: bytes('.debug_line'),
      lineStrings: bytes('.debug_line_str'),
      strings: bytes('.debug_str'),
    });
  }

  /** `function+offset (file:line)`, as far as known; null when nothing is. The address is that of the file. */
  describe(address: number): string | null {
    const symbol = lastUpTo(this.#functions, address);
    const named = symbol !== null && address < symbol.address + Math.max(symbol.size, 1) ? symbol : null;
    const row = lastUpTo(this.#lines, address);
    const place = row === null || row.end ? null : `${row.file}:${row.line}`;
    if (named === null) return place;
    const offset = address === named.address ? '' : `+0x${(address - named.address).toString(16)}`;
    return `${named.name}${offset}${place === null ? '' : ` (${place})`}`;
  }
}

/** Of a list by ascending address. */
function lastUpTo<T extends { readonly address: number }>(list: readonly T[], address: number): T | null {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as T).address <= address) low = middle + 1;
    else high = middle;
  }
  return list[low - 1] ?? null;
}

function functionsOf(table: Uint8Array, names: Uint8Array): FunctionSymbol[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const functions: FunctionSymbol[] = [];
  for (let at = 0; at + SYMBOL_BYTES <= table.length; at += SYMBOL_BYTES) {
    if ((view.getUint8(at + 4) & 0xf) !== STT_FUNC || view.getUint16(at + 6, true) === 0) continue;
    functions.push({
      address: Number(view.getBigUint64(at + 8, true)),
      size: Number(view.getBigUint64(at + 16, true)),
      name: textAt(names, view.getUint32(at, true)),
    });
  }
  return functions.sort((a, b) => a.address - b.address || a.size - b.size);
}
