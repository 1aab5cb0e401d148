/**
 * The VEX map 3, 0F 3A (SDM 2D, table A-5): AVX, AVX2, F16C and BMI2.
 */
import { section } from '../row.ts';

export const vex0F3AMap = [
  section(
    ['AVX'],
    [
      ['66 04 W0', 'VPERMILPS', 'Vps Wps Ib'],
      ['66 05 W0', 'VPERMILPD', 'Vpd Wpd Ib'],
      ['66 06 W0 L1', 'VPERM2F128', 'Vx Hx Wx Ib'],
      ['66 08', 'VROUNDPS', 'Vps Wps Ib'],
      ['66 09', 'VROUNDPD', 'Vpd Wpd Ib'],
      ['66 0A', 'VROUNDSS', 'Vss Hss Wss Ib'],
      ['66 0B', 'VROUNDSD', 'Vsd Hsd Wsd Ib'],
      ['66 0C', 'VBLENDPS', 'Vps Hps Wps Ib'],
      ['66 0D', 'VBLENDPD', 'Vpd Hpd Wpd Ib'],
      ['66 14 L0', 'VPEXTRB', 'Ry/Mb Vx Ib'],
      ['66 15 L0', 'VPEXTRW', 'Ry/Mw Vx Ib'],
      ['66 16 w0 L0', 'VPEXTRD', 'Ed Vx Ib'],
      ['66 16 W1 L0', 'VPEXTRQ', 'Eq Vx Ib', 'o64'],
      ['66 17 L0', 'VEXTRACTPS', 'Ry/Mss Vps Ib'],
      ['66 18 W0 L1', 'VINSERTF128', 'Vx Hx Wdq Ib'],
      ['66 19 W0 L1', 'VEXTRACTF128', 'Wdq Vx Ib'],
      ['66 20 L0', 'VPINSRB', 'Vx Hx Ry/Mb Ib'],
      ['66 21 L0', 'VINSERTPS', 'Vps Hps Wss Ib'],
      ['66 22 w0 L0', 'VPINSRD', 'Vx Hx Ed Ib'],
      ['66 22 W1 L0', 'VPINSRQ', 'Vx Hx Eq Ib', 'o64'],
      ['66 40', 'VDPPS', 'Vps Hps Wps Ib'],
      ['66 41 L0', 'VDPPD', 'Vpd Hpd Wpd Ib'],
      ['66 4A W0', 'VBLENDVPS', 'Vps Hps Wps Lps'],
      ['66 4B W0', 'VBLENDVPD', 'Vpd Hpd Wpd Lpd'],
      ['66 60 L0', 'VPCMPESTRM', 'Vx Wx Ib'],
      ['66 61 L0', 'VPCMPESTRI', 'Vx Wx Ib'],
      ['66 62 L0', 'VPCMPISTRM', 'Vx Wx Ib'],
      ['66 63 L0', 'VPCMPISTRI', 'Vx Wx Ib'],
    ],
  ),
  section({ L0: ['AVX'], L1: ['AVX2'] }, [
    ['66 0E', 'VPBLENDW', 'Vx Hx Wx Ib'],
    ['66 0F', 'VPALIGNR', 'Vx Hx Wx Ib'],
    ['66 42', 'VMPSADBW', 'Vx Hx Wx Ib'],
    ['66 4C W0', 'VPBLENDVB', 'Vx Hx Wx Lx'],
  ]),
  section(
    ['AVX2'],
    [
      ['66 00 W1 L1', 'VPERMQ', 'Vx Wx Ib'],
      ['66 01 W1 L1', 'VPERMPD', 'Vpd Wpd Ib'],
      ['66 02 W0', 'VPBLENDD', 'Vx Hx Wx Ib'],
      ['66 38 W0 L1', 'VINSERTI128', 'Vx Hx Wdq Ib'],
      ['66 39 W0 L1', 'VEXTRACTI128', 'Wdq Vx Ib'],
      ['66 46 W0 L1', 'VPERM2I128', 'Vx Hx Wx Ib'],
    ],
  ),
  section(
    ['F16C'],
    [
      ['66 1D W0 L0', 'VCVTPS2PH', 'Wq Vx Ib'],
      ['66 1D W0 L1', 'VCVTPS2PH', 'Wdq Vx Ib'],
    ],
  ),
  section(['AES', 'AVX'], [['66 DF L0', 'VAESKEYGENASSIST', 'Vx Wx Ib']]),
  section(['PCLMULQDQ', 'AVX'], [['66 44 L0', 'VPCLMULQDQ', 'Vx Hx Wx Ib']]),
  section(['BMI2'], [['F2 F0 L0', 'RORX', 'Gy Ey Ib']]),
] as const;
