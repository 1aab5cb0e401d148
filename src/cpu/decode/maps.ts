/**
 * The opcode maps, in the order in which their rows are numbered. A space is what an escape or a VEX prefix selects:
 * spaces 0-3 are the one-, two- and three-byte maps, 4-6 the same three under VEX (VEX.mmmmm 1, 2, 3).
 * EVEX, XOP and 3DNow! (0F 0F) have no map here: all of their encodings are undefined.
 */
import { oneByteMap } from './map/one-byte.ts';
import { threeByte38Map } from './map/three-byte-38.ts';
import { threeByte3AMap } from './map/three-byte-3a.ts';
import { twoByteGeneralMap } from './map/two-byte-general.ts';
import { twoByteMultimediaMap } from './map/two-byte-multimedia.ts';
import { twoByteSystemMap } from './map/two-byte-system.ts';
import { vex0FMap } from './map/vex-0f.ts';
import { vex0F38Map } from './map/vex-0f38.ts';
import { vex0F3AMap } from './map/vex-0f3a.ts';
import { vexFusedMap } from './map/vex-fused-multiply-add.ts';
import { x87Map } from './map/x87.ts';
import type { Section } from './row.ts';

export const opcodeSpaces = ['', '0F', '0F38', '0F3A', 'VEX.0F', 'VEX.0F38', 'VEX.0F3A'] as const;

interface OpcodeMap<S extends readonly Section[]> {
  readonly space: number;
  readonly sections: S;
}

const inSpace = <S extends readonly Section[]>(space: number, sections: S): OpcodeMap<S> => ({ space, sections });

export const opcodeMaps = [
  inSpace(0, oneByteMap),
  inSpace(0, x87Map),
  inSpace(1, twoByteGeneralMap),
  inSpace(1, twoByteSystemMap),
  inSpace(1, twoByteMultimediaMap),
  inSpace(2, threeByte38Map),
  inSpace(3, threeByte3AMap),
  inSpace(4, vex0FMap),
  inSpace(5, vex0F38Map),
  inSpace(5, vexFusedMap),
  inSpace(6, vex0F3AMap),
] as const;

/** The name of every operation in the maps, and '#UD' for bytes that are none of them. */
export type Operation = (typeof opcodeMaps)[number]['sections'][number]['rows'][number][1] | '#UD';
