/** Reads an address space's page tables straight from memory, by the manual's figures alone, for comparison. */
import { addressInFrame, frameNumber, type PagingLevel, type PhysicalAddress } from '../../../src/arch/address.ts';
import type { System } from '../../../src/scenario/system.ts';

export interface Leaf {
  readonly address: bigint;
  readonly bytes: bigint;
  readonly frame: number;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

export interface Table {
  readonly address: bigint;
  readonly bytes: bigint;
  readonly frame: number;
}

const FRAME = 0x000f_ffff_ffff_f000n;

/** What the user half of the tables below `root` maps, and the tables themselves. Entries with P = 0 are no leaves. */
export function readPageTables(system: System, root: number): { leaves: Leaf[]; tables: Table[] } {
  const leaves: Leaf[] = [];
  const tables: Table[] = [];
  const read = (address: PhysicalAddress): bigint => system.machine.memory.read64(address);
  const top: PagingLevel = system.options.switches.la57 ? 5 : 4;
  const descend = (
    frame: number,
    level: number,
    base: bigint,
    rights: { w: boolean; u: boolean; x: boolean },
  ): void => {
    const bytes = 1n << BigInt(12 + 9 * (level - 1));
    for (let index = 0; index < (level === top ? 256 : 512); index++) {
      const entry = read(addressInFrame(frameNumber(frame), index * 8));
      if ((entry & 1n) === 0n) continue;
      const address = base + BigInt(index) * bytes;
      const below = Number((entry & FRAME) >> 12n);
      const w = rights.w && (entry & 2n) !== 0n;
      const u = rights.u && (entry & 4n) !== 0n;
      const x = rights.x && entry >> 63n === 0n;
      if (level === 1 || (entry & 0x80n) !== 0n) {
        leaves.push({ address, bytes, frame: below, writable: w, user: u, executable: x });
      } else {
        tables.push({ address, bytes, frame: below });
        descend(below, level - 1, address, { w, u, x });
      }
    }
  };
  descend(root, top, 0n, { w: true, u: true, x: true });
  return { leaves, tables };
}
