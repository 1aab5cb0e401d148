/** The end of MMX code (SDM 2A EMMS). */
import type { Helper } from './helper.ts';

export const vectorStateHelpers = {
  /** Every x87 register becomes empty; TOP becomes 0 (SDM 3A table 13-3). */
  emptyRegisters: {
    arguments: 0,
    results: 0,
    run: ({ registers }) => {
      registers.x87Words[1] = (registers.x87Words[1] ?? 0) & ~0x3800;
      registers.x87Words[2] = 0xffff;
      return [];
    },
  },
} as const satisfies Record<string, Helper>;
