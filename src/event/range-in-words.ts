/** Ranges of flushes and promises in words, for reports and stories. */
import type { AddressRange } from './event.ts';

/** The end of a range that is everything. */
export const EVERYTHING_END = 0xffff_ffff_ffff_ffffn;

export function rangeInWords({ mm, start, end }: AddressRange): string {
  const whose = mm === 0 ? 'every address space' : mm === 1 ? 'the kernel' : `mm ${mm}`;
  return end === EVERYTHING_END ? `all of ${whose}` : `[0x${start.toString(16)}, 0x${end.toString(16)}) of ${whose}`;
}
