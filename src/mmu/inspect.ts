/**
 * What memory alone says of an access: a walk from CR3 that uses and leaves nothing cached, and sets neither A nor D.
 * It tells a fault that the paging structures call for from one that a stale cached translation caused.
 */
import type { FrameNumber, PageNumber, PagingLevel } from '../arch/address.ts';
import { addressInFrame, tableIndex } from '../arch/address.ts';
import { entryFrame, entryProtectionKey, mapsPage, PagingEntry } from '../arch/paging-entry.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { ALLOWED, rightsFault } from './access-rights.ts';
import type { AccessCode } from './access-rights.ts';
import type { ControlState } from './control-state.ts';

export function memoryAllows(
  memory: PhysicalMemory,
  control: ControlState,
  page: PageNumber,
  code: AccessCode,
): boolean {
  let table: FrameNumber = control.root;
  let writable = true;
  let user = true;
  let executable = true;
  for (let level: PagingLevel = control.levels; level >= 1; level = (level - 1) as PagingLevel) {
    if (table >= memory.frames) return false;
    const entry = memory.read64(addressInFrame(table, tableIndex(page, level) * 8));
    if ((entry & PagingEntry.P) === 0n || control.reserved.areSetIn(entry, level)) return false;
    writable &&= (entry & PagingEntry.RW) !== 0n;
    user &&= (entry & PagingEntry.US) !== 0n;
    executable &&= (entry & PagingEntry.XD) === 0n;
    if (mapsPage(entry, level)) {
      const protectionKey = entryProtectionKey(entry);
      return rightsFault({ writable, user, executable, protectionKey }, code, control) === ALLOWED;
    }
    table = entryFrame(entry);
  }
  return false;
}
