/** From the names that a workload or a command line uses to the part and the policy that the machine is built with. */
import { InputError, type InputPlace } from '../base/errors.ts';
import type { Switches } from './switches.ts';
import { GEOMETRIES } from '../mmu/geometry.ts';
import { FULL_PART, type ProcessorPart } from '../mmu/part.ts';
import { emulatorPolicy } from '../mmu/policy/emulator.ts';
import type { TlbPolicy } from '../mmu/policy/policy.ts';
import { profilePolicy } from '../mmu/policy/profile.ts';
import { searchPolicy } from '../mmu/policy/search.ts';
import { worstPolicy } from '../mmu/policy/worst.ts';

/** Every name that `choosePolicy` takes. */
export const POLICY_NAMES: readonly string[] = [
  'worst',
  'emulator',
  ...GEOMETRIES.map(({ name }) => `profile:${name}`),
];

/** CPUID Fn8000_0008_EDX[15:0] plus 1; the parts that have the instruction differ (model). */
const INVLPGB_COUNT_MAX = 8;

export function partFor(switches: Switches): ProcessorPart {
  return {
    ...FULL_PART,
    pcid: switches.pcid,
    invpcid: switches.invpcid,
    globalPages: switches['global-pages'],
    la57: switches.la57,
    nx: switches.nx,
    smep: switches.smep,
    smap: switches.smap,
    pku: switches.pku,
    pks: switches.pks,
    invlpgbCountMax: switches.invlpgb ? INVLPGB_COUNT_MAX : null,
    tce: switches.tce,
    errata: { invlpgKeepsGlobals: switches['invlpg-global-erratum'] },
  };
}

/** Throws InputError naming the policies there are. */
export function choosePolicy(
  name: string,
  switches: Switches,
  place: InputPlace = { file: '--policy' },
): () => TlbPolicy {
  const pagingStructureCaches = switches['paging-structure-caches'];
  if (name === 'worst') return () => worstPolicy({ pagingStructureCaches });
  if (name === 'emulator') return emulatorPolicy;
  const geometry = GEOMETRIES.find((candidate) => name === `profile:${candidate.name}`);
  if (geometry !== undefined) return () => profilePolicy(geometry, { pagingStructureCaches });
  throw new InputError(`unknown policy '${name}'; there are ${POLICY_NAMES.join(', ')}`, place);
}

/** For searches, which choose themselves what each access and each walk uses (`translation-freedom.ts`). */
export function policyForSearch(switches: Switches): () => TlbPolicy {
  return () => searchPolicy({ pagingStructureCaches: switches['paging-structure-caches'] });
}
