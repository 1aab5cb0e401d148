/**
 * The two-byte opcode map (SDM 2D, table A-3): system instructions, processor state and cache control. The size of the
 * FXSAVE and XSAVE forms' operand is that of the image; REX.W chooses its 64-bit layout (operandSize is then 8).
 * VMX, SVM, SGX, SMX, TDX and shadow stacks are not offered and have no rows.
 */
import { section } from '../row.ts';

export const twoByteSystemMap = [
  section(
    ['X86'],
    [
      ['00 /0', 'SLDT', 'Rv/Mw'],
      ['00 /1', 'STR', 'Rv/Mw'],
      ['00 /2', 'LLDT', 'Rv/Mw'],
      ['00 /3', 'LTR', 'Rv/Mw'],
      ['00 /4', 'VERR', 'Rv/Mw'],
      ['00 /5', 'VERW', 'Rv/Mw'],
      ['01 /0', 'SGDT', 'Ms', 'f64'],
      ['01 /1', 'SIDT', 'Ms', 'f64'],
      ['01 /2', 'LGDT', 'Ms', 'f64'],
      ['01 /3', 'LIDT', 'Ms', 'f64'],
      ['01 /4', 'SMSW', 'Rv/Mw'],
      ['01 /6', 'LMSW', 'Rv/Mw'],
      ['01 /7', 'INVLPG', 'M'],
      ['01 (F8)', 'SWAPGS', '', 'o64'],
      ['02', 'LAR', 'Gv Rv/Mw'],
      ['03', 'LSL', 'Gv Rv/Mw'],
      ['06', 'CLTS', ''],
      ['08', 'INVD', ''],
      ['09', 'WBINVD', ''],
      ['20', 'MOV', 'Ry Cy', 'f64', 'anymod'],
      ['21', 'MOV', 'Ry Dy', 'f64', 'anymod'],
      ['22', 'MOV', 'Cy Ry', 'f64', 'anymod'],
      ['23', 'MOV', 'Dy Ry', 'f64', 'anymod'],
      ['33', 'RDPMC', ''],
    ],
  ),
  section(
    ['SYSCALL'],
    [
      ['05', 'SYSCALL', ''],
      ['07', 'SYSRET', ''],
    ],
  ),
  section(
    ['SEP'],
    [
      ['34', 'SYSENTER', ''],
      ['35', 'SYSEXIT', ''],
    ],
  ),
  section(
    ['MSR'],
    [
      ['30', 'WRMSR', ''],
      ['32', 'RDMSR', ''],
    ],
  ),
  section(['TSC'], [['31', 'RDTSC', '']]),
  section(['RDTSCP'], [['01 (F9)', 'RDTSCP', '']]),
  section(
    ['MONITOR'],
    [
      ['NP 01 (C8)', 'MONITOR', ''],
      ['NP 01 (C9)', 'MWAIT', ''],
    ],
  ),
  section(
    ['SMAP'],
    [
      ['NP 01 (CA)', 'CLAC', ''],
      ['NP 01 (CB)', 'STAC', ''],
    ],
  ),
  section(['SERIALIZE'], [['NP 01 (E8)', 'SERIALIZE', '']]),
  section(
    ['PKU'],
    [
      ['NP 01 (EE)', 'RDPKRU', ''],
      ['NP 01 (EF)', 'WRPKRU', ''],
    ],
  ),
  section(
    ['INVLPGB'],
    [
      ['NP 01 (FE)', 'INVLPGB', ''],
      ['NP 01 (FF)', 'TLBSYNC', ''],
    ],
  ),
  section(['WBNOINVD'], [['F3 09', 'WBNOINVD', '']]),
  section(['SMM'], [['AA', 'RSM', '']]),
  section(
    ['FSGSBASE'],
    [
      ['F3 AE /0', 'RDFSBASE', 'Ry', 'o64'],
      ['F3 AE /1', 'RDGSBASE', 'Ry', 'o64'],
      ['F3 AE /2', 'WRFSBASE', 'Ry', 'o64'],
      ['F3 AE /3', 'WRGSBASE', 'Ry', 'o64'],
    ],
  ),
  section(['RDPID'], [['F3 C7 /7', 'RDPID', 'Ry', 'f64']]),
  section(
    ['FXSR'],
    [
      ['NP AE /0', 'FXSAVE', 'Mfx'],
      ['NP AE /1', 'FXRSTOR', 'Mfx'],
    ],
  ),
  section(
    ['XSAVE'],
    [
      ['NP 01 (D0)', 'XGETBV', ''],
      ['NP 01 (D1)', 'XSETBV', ''],
      ['NP AE /4', 'XSAVE', 'Marea'],
      ['NP AE /5', 'XRSTOR', 'Marea'],
    ],
  ),
  section(['XSAVEOPT'], [['NP AE /6', 'XSAVEOPT', 'Marea']]),
  section(['XSAVEC'], [['NP C7 /4', 'XSAVEC', 'Marea']]),
  section(
    ['XSAVES'],
    [
      ['NP C7 /3', 'XRSTORS', 'Marea'],
      ['NP C7 /5', 'XSAVES', 'Marea'],
    ],
  ),
  section(['CLFSH'], [['NP AE /7', 'CLFLUSH', 'Mb']]),
  section(['CLFLUSHOPT'], [['66 AE /7', 'CLFLUSHOPT', 'Mb']]),
  section(['CLWB'], [['66 AE /6', 'CLWB', 'Mb']]),
  section(
    ['WAITPKG'],
    [
      ['66 AE /6', 'TPAUSE', 'Ry'],
      ['F3 AE /6', 'UMONITOR', 'Raddress'],
      ['F2 AE /6', 'UMWAIT', 'Ry'],
    ],
  ),
] as const;
