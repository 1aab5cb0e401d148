/**
 * What a processor has loaded: which paging structures each PCID stands for (CR3), and the control bits that decide an
 * access. A translation tagged with a PCID is used, while that PCID is loaded, as a translation of *those* structures,
 * whichever it was filled from (SDM 3A 4.10.1).
 */
import type { FrameNumber } from '../arch/address.ts';
import { Cr0, Cr3, Cr4 } from '../arch/control-registers.ts';
import { entryFrame } from '../arch/paging-entry.ts';
import type { HardwareEvent } from '../event/event.ts';
import type { RootChange } from './change.ts';
import type { AccessControls } from './significance.ts';

export interface PcidContext {
  readonly root: FrameNumber;
  /** How that root came behind the PCID in place of another. */
  readonly change: RootChange | null;
}

export class ProcessorContext {
  readonly #byPcid = new Map<number, PcidContext>();
  #pcids = true;
  #loaded: { readonly pcid: number; readonly root: FrameNumber } | null = null;
  controls: AccessControls = { writeProtect: true, supervisorFetchesRestricted: false };

  /** Null until the processor is first seen to load CR3. */
  get loaded(): { readonly pcid: number; readonly root: FrameNumber } | null {
    return this.#loaded;
  }

  of(pcid: number): PcidContext | undefined {
    return this.#byPcid.get(pcid);
  }

  /** Of a write to CR3: the PCID and root that are loaded now, and the root that the PCID stood for. */
  load(event: Extract<HardwareEvent, { kind: 'control-write' }>): {
    readonly pcid: number;
    readonly root: FrameNumber;
    readonly before: FrameNumber | null;
    readonly loadedBefore: FrameNumber | null;
  } {
    const pcid = this.#pcids ? Number(event.after & Cr3.PCID_MASK) : 0;
    const root = entryFrame(event.after);
    const loadedBefore = this.#loaded?.root ?? null;
    const before = this.#byPcid.get(pcid)?.root ?? null;
    this.#loaded = { pcid, root };
    if (before !== root) this.#byPcid.set(pcid, { root, change: null });
    return { pcid, root, before, loadedBefore };
  }

  recordChange(change: RootChange): void {
    this.#byPcid.set(change.pcid, { root: change.after, change });
  }

  control(event: Extract<HardwareEvent, { kind: 'control-write' }>): void {
    if (event.register === 'CR0') {
      this.controls = { ...this.controls, writeProtect: (event.after & Cr0.WP) !== 0n };
    } else if (event.register === 'CR4') {
      this.#pcids = (event.after & Cr4.PCIDE) !== 0n;
      this.controls = { ...this.controls, supervisorFetchesRestricted: (event.after & Cr4.SMEP) !== 0n };
    }
  }
}
