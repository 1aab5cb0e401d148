/**
 * The three-byte opcode map 0F 3A (SDM 2D, table A-5).
 * REX.W makes the explicit lengths of PCMPESTRM and PCMPESTRI 64-bit registers (operandSize is then 8).
 */
import { section } from '../row.ts';

export const threeByte3AMap = [
  section(
    ['SSSE3'],
    [
      ['NP 0F', 'PALIGNR', 'Pq Qq Ib'],
      ['66 0F', 'PALIGNR', 'Vx Wx Ib'],
    ],
  ),
  section(
    ['SSE4.1'],
    [
      ['66 08', 'ROUNDPS', 'Vps Wps Ib'],
      ['66 09', 'ROUNDPD', 'Vpd Wpd Ib'],
      ['66 0A', 'ROUNDSS', 'Vss Wss Ib'],
      ['66 0B', 'ROUNDSD', 'Vsd Wsd Ib'],
      ['66 0C', 'BLENDPS', 'Vps Wps Ib'],
      ['66 0D', 'BLENDPD', 'Vpd Wpd Ib'],
      ['66 0E', 'PBLENDW', 'Vx Wx Ib'],
      ['66 14', 'PEXTRB', 'Ry/Mb Vx Ib'],
      ['66 15', 'PEXTRW', 'Ry/Mw Vx Ib'],
      ['66 16 w0', 'PEXTRD', 'Ed Vx Ib'],
      ['66 16 W1', 'PEXTRQ', 'Eq Vx Ib', 'o64'],
      ['66 17', 'EXTRACTPS', 'Ry/Mss Vps Ib'],
      ['66 20', 'PINSRB', 'Vx Ry/Mb Ib'],
      ['66 21', 'INSERTPS', 'Vps Wss Ib'],
      ['66 22 w0', 'PINSRD', 'Vx Ed Ib'],
      ['66 22 W1', 'PINSRQ', 'Vx Eq Ib', 'o64'],
      ['66 40', 'DPPS', 'Vps Wps Ib'],
      ['66 41', 'DPPD', 'Vpd Wpd Ib'],
      ['66 42', 'MPSADBW', 'Vx Wx Ib'],
    ],
  ),
  section(
    ['SSE4.2'],
    [
      ['66 60', 'PCMPESTRM', 'Vx Wx Ib'],
      ['66 61', 'PCMPESTRI', 'Vx Wx Ib'],
      ['66 62', 'PCMPISTRM', 'Vx Wx Ib'],
      ['66 63', 'PCMPISTRI', 'Vx Wx Ib'],
    ],
  ),
  section(['AES'], [['66 DF', 'AESKEYGENASSIST', 'Vx Wx Ib']]),
  section(['PCLMULQDQ'], [['66 44', 'PCLMULQDQ', 'Vx Wx Ib']]),
  section(['SHA'], [['NP CC', 'SHA1RNDS4', 'Vx Wx Ib']]),
] as const;
