/** Helpers of invalidation (SDM 2A INVLPG, INVPCID; APM 3 INVLPGB, TLBSYNC). */
import { type LinearAddress, linearAddress } from '../../arch/address.ts';
import { InvpcidType } from '../../arch/control-registers.ts';
import type { InvlpgbOperand } from '../../arch/invlpgb.ts';
import { type Exception, generalProtection, invalidOpcode } from '../exception.ts';
import type { SystemState } from '../system/system-state.ts';
import type { Helper } from './helper.ts';
import { checked, privileged } from './system-access.ts';

const types = Object.values(InvpcidType);

/** Type, then the descriptor's two halves. */
function invalidateByPcid(state: SystemState, type: bigint, pcid: bigint, address: bigint): Exception | undefined {
  if (!state.mmu.part.invpcid) return invalidOpcode;
  const known = types.find((each) => BigInt(each) === type);
  if (known === undefined || pcid > 0xfffn) return generalProtection;
  const fault = state.mmu.invpcid(known, Number(pcid), address as LinearAddress);
  return fault === null ? undefined : generalProtection;
}

/** Bits of RAX (APM 3 INVLPGB). */
const Valid = { address: 1n, pcid: 2n, asid: 4n, globals: 8n, finalOnly: 16n, nested: 32n } as const;

function operandOf(rax: bigint, ecx: bigint, edx: bigint): InvlpgbOperand {
  const large = (ecx & 0x8000_0000n) !== 0n;
  const start = linearAddress(rax & ~0xfffn);
  return {
    pcid: (rax & Valid.pcid) === 0n ? null : Number((edx >> 16n) & 0xfffn),
    pages:
      (rax & Valid.address) === 0n ? null : { start, count: Number(ecx & 0xffffn) + 1, strideShift: large ? 21 : 12 },
    includeGlobals: (rax & Valid.globals) !== 0n,
  };
}

/** What only guests and nested paging would ask for is refused. */
function invalidateEverywhere(state: SystemState, rax: bigint, ecx: bigint, edx: bigint): Exception | undefined {
  const limit = state.mmu.part.invlpgbCountMax;
  if (limit === null) return invalidOpcode;
  const guests = (rax & (Valid.asid | Valid.nested)) !== 0n && (edx & 0xffffn) !== 0n;
  if (state.cpl !== 0 || (ecx & 0xffffn) > BigInt(limit) || guests) return generalProtection;
  state.port.invalidateEverywhere(operandOf(rax, ecx, edx));
  return undefined;
}

export const systemInvalidationHelpers = {
  invalidatePage: privileged(1, 0, (state, [address]) => {
    state.mmu.invlpg(address as LinearAddress);
    return undefined;
  }),
  invalidateByPcid: privileged(3, 0, (state, [type, pcid, address]) => invalidateByPcid(state, type, pcid, address)),
  /** RAX, ECX, EDX. */
  invalidateEverywhere: checked(3, 0, invalidOpcode, (state, [rax, ecx, edx]) =>
    invalidateEverywhere(state, rax, ecx, edx),
  ),
  synchronizeTlbs: checked(0, 0, invalidOpcode, (state) => {
    if (state.mmu.part.invlpgbCountMax === null) return invalidOpcode;
    if (state.cpl !== 0) return generalProtection;
    state.port.synchronizeTlbs();
    return undefined;
  }),
} as const satisfies Record<string, Helper>;
