/**
 * On what our decoder and iced-x86 may differ; on nothing else.
 *
 * First, the extensions that iced decodes and whose rows our opcode maps do not have, by iced's CpuidFeature names: other
 * vendors' and system instructions that no guest of ours is offered, what follows AVX2 and FMA, and everything that EVEX
 * or XOP encodes. Ours then finds no instruction, or the reserved no-operation that lies beneath (RDSSP, PREFETCHIT).
 */
const names: readonly string[] = [
  // Encoded by EVEX or XOP, or on AVX-512's opmask registers.
  ...['AVX512F', 'AVX512BW', 'AVX512CD', 'AVX512DQ', 'AVX512VL', 'AVX512ER', 'AVX512PF', 'AVX512_4FMAPS'],
  ...['AVX512_4VNNIW', 'AVX512_BF16', 'AVX512_BITALG', 'AVX512_FP16', 'AVX512_IFMA', 'AVX512_VBMI', 'AVX512_VBMI2'],
  ...['AVX512_VNNI', 'AVX512_VP2INTERSECT', 'AVX512_VPOPCNTDQ', 'XOP', 'TBM', 'LWP'],
  // Encoded by VEX, after FMA.
  ...['FMA4', 'VAES', 'VPCLMULQDQ', 'AVX_IFMA', 'AVX_NE_CONVERT', 'AVX_VNNI', 'AVX_VNNI_INT8', 'AVX_VNNI_INT16'],
  ...['SHA512', 'SM3', 'SM4', 'CMPCCXADD', 'AMX_TILE', 'AMX_INT8', 'AMX_BF16', 'AMX_FP16', 'AMX_COMPLEX'],
  // Legacy encodings for programs.
  ...['D3NOW', 'D3NOWEXT', 'SSE4A', 'GFNI', 'KL', 'AESKLE', 'WIDE_KL', 'RTM', 'HLE_or_RTM', 'TSXLDTRK', 'RAO_INT'],
  ...['MOVDIRI', 'MOVDIR64B', 'ENQCMD', 'PTWRITE', 'PREFETCHITI', 'CET_SS', 'UINTR', 'CLZERO', 'MONITORX', 'MCOMMIT'],
  ...[
    'RDPRU',
    'PADLOCK_ACE',
    'PADLOCK_PHE',
    'PADLOCK_PMM',
    'PADLOCK_RNG',
    'PADLOCK_GMI',
    'PADLOCK_UNDOC',
    'CENTAUR_AIS',
  ],
  // System instructions.
  ...['VMX', 'SVM', 'SKINIT', 'SKINIT_or_SVM', 'SMX', 'SGX1', 'OSS', 'TDX', 'SEV_ES', 'SEV_SNP', 'RMPQUERY', 'TSE'],
  ...['PCONFIG', 'FRED', 'LKGS', 'MSRLIST', 'WRMSRNS', 'HRESET'],
];

export const statedDifferences: ReadonlySet<string> = new Set(names);

/**
 * Second, where iced does not do what processors do: its operation, and ours for the same bytes. With REX.B, 90 exchanges
 * rAX and R8 after F3 too, as an AMD EPYC does; iced takes F3 41 90 for PAUSE.
 */
export const departures: ReadonlyMap<string, string> = new Map([['PAUSE', 'XCHG']]);
