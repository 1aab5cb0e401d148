/**
 * The sections of an ELF64 file by name, for symbols and line tables. They serve reports only: a file whose section headers
 * make no sense has none.
 */

export interface Section {
  readonly bytes: Uint8Array;
  /** sh_link: the number of another section. */
  readonly link: number;
}

const SECTION_HEADER_BYTES = 64;
const SHT_NOBITS = 8;
const SHF_COMPRESSED = 0x800n;

export function sectionsOf(file: Uint8Array): ReadonlyMap<string, Section> {
  const sections = new Map<string, Section>();
  const headers = headersOf(file);
  const names = headers.at(new DataView(file.buffer, file.byteOffset).getUint16(62, true))?.bytes;
  if (names === undefined) return sections;
  for (const { name, bytes, link } of headers) sections.set(textAt(names, name), { bytes, link });
  return sections;
}

/** Up to the next zero byte. */
export function textAt(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  return new TextDecoder().decode(bytes.subarray(at, end < 0 ? bytes.length : end));
}

interface Header extends Section {
  /** Offset in the section of names. */
  readonly name: number;
}

function headersOf(file: Uint8Array): Header[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const first = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  if (view.getUint16(58, true) !== SECTION_HEADER_BYTES || first + count * SECTION_HEADER_BYTES > file.length)
    return [];
  return Array.from({ length: count }, (_, index) => {
    const at = first + index * SECTION_HEADER_BYTES;
    const offset = Number(view.getBigUint64(at + 24, true));
    const size = Number(view.getBigUint64(at + 32, true));
    const empty =
      view.getUint32(at + 4, true) === SHT_NOBITS || (view.getBigUint64(at + 8, true) & SHF_COMPRESSED) !== 0n;
    return {
      name: view.getUint32(at, true),
      bytes: empty || offset + size > file.length ? new Uint8Array(0) : file.subarray(offset, offset + size),
      link: view.getUint32(at + 40, true),
    };
  });
}
