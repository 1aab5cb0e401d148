/** Whether the access filter, and its lines for generated code, say only what the modelled TLB says. */
import type { FrameNumber, PageNumber } from '../../src/arch/address.ts';
import type { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import {
  type AccessCode,
  ACCESS_CODES,
  allowedCodes,
  FETCH_CODES,
  isFetch,
  isWrite,
} from '../../src/mmu/access-rights.ts';
import { CachedTlbEntry } from '../../src/mmu/cached-entry.ts';
import type { Mmu } from '../../src/mmu/mmu.ts';

/** The first mistake, if there is one. */
export function filterMistake(mmu: Mmu, memory: PhysicalMemory): string | undefined {
  const { filter, control } = mmu;
  const entries = [...mmu.cached()].filter((cached) => cached instanceof CachedTlbEntry);
  const half = filter.pages.length / 2;
  for (const [index, number] of filter.pages.entries()) {
    if (number < 0) continue;
    const page = number as PageNumber;
    const kind = (index < half ? 0 : FETCH_CODES) as AccessCode;
    const allowed = filter.allowed[index];
    const implied = entries.some(
      (entry) =>
        entry.covers(page) &&
        !entry.watched &&
        (entry.global || entry.pcid === control.pcid) &&
        entry.frameOf(page) === filter.frames[index] &&
        allowedCodes(entry, kind, control) === allowed,
    );
    if (!implied) return `the filter holds page 0x${number.toString(16)}, and no entry implies it`;
    for (let code = 0; code < ACCESS_CODES; code++) {
      const access = code as AccessCode;
      if (isFetch(access) !== isFetch(kind) || !filter.hasLine(page, access)) continue;
      const frame = filter.frames[index] as FrameNumber;
      const refused = isWrite(access) && memory.guards.guarded(frame);
      if (refused || (((allowed ?? 0) >> code) & 1) === 0 || frame >= memory.frames) {
        return `a line allows access ${code} to page 0x${number.toString(16)}`;
      }
    }
  }
  return undefined;
}
