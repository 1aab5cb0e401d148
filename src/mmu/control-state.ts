/**
 * The registers that paging consults, and which writes to them are faults (SDM 3A 2.5, 4.1.1, 4.10.1; 2B MOV to control
 * registers). Values only: what a write invalidates is in `invalidation.ts`.
 *
 * Modelled paging modes: none (CR0.PG = 0), 4-level, 5-level. Bits that paging does not consult are kept as written;
 * whether they exist is the processor core's business. So is the privilege to execute these instructions.
 */
import type { FrameNumber, PageNumber, PagingLevels } from '../arch/address.ts';
import { isCanonical } from '../arch/address.ts';
import { Cr0, Cr3, Cr4, Efer, InvpcidType } from '../arch/control-registers.ts';
import type { Exception } from '../arch/page-fault.ts';
import { Vector } from '../arch/page-fault.ts';
import { entryFrame } from '../arch/paging-entry.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { RightsControl } from './access-rights.ts';
import type { ProcessorPart } from './part.ts';
import { ReservedBits } from './reserved-bits.ts';

/** CR0 after RESET or INIT: CD, NW and ET (SDM 3A table 9-1). */
const CR0_AT_RESET = 0x6000_0010n;

export const GENERAL_PROTECTION: Exception = { vector: Vector.GP, errorCode: 0 };
const INVALID_OPCODE: Exception = { vector: Vector.UD };

export class ControlState implements RightsControl {
  readonly part: ProcessorPart;
  cr0 = CR0_AT_RESET;
  cr3 = 0n;
  cr4 = 0n;
  efer = 0n;
  cpl = 0;
  ac = false;
  pkru = 0;
  pkrs = 0;

  // Derived from the registers by #derive.
  paging = false;
  levels: PagingLevels = 4;
  root = 0 as FrameNumber;
  /** 000H while CR4.PCIDE = 0 (SDM 3A 4.10.1). */
  pcid = 0;
  wp = false;
  pge = false;
  pcide = false;
  smep = false;
  smap = false;
  pke = false;
  pks = false;
  nxe = false;
  tce = false;
  reserved: ReservedBits;

  constructor(part: ProcessorPart) {
    this.part = part;
    this.reserved = new ReservedBits(part, false);
    this.#derive();
  }

  /** Why MOV to CR0 with this value is a fault, or null. */
  faultOfCr0(value: bigint): Exception | null {
    const set = (bit: bigint): boolean => (value & bit) !== 0n;
    const ia32e = (this.efer & Efer.LME) !== 0n;
    if (value >> 32n !== 0n || (set(Cr0.PG) && !set(Cr0.PE)) || (set(Cr0.NW) && !set(Cr0.CD))) {
      return GENERAL_PROTECTION;
    }
    const enabling = set(Cr0.PG) && (this.cr0 & Cr0.PG) === 0n;
    if (enabling && ia32e && (this.cr4 & Cr4.PAE) === 0n) return GENERAL_PROTECTION;
    if (!set(Cr0.PG) && this.pcide) return GENERAL_PROTECTION;
    return null;
  }

  loadCr0(value: bigint): void {
    const enabling = (value & Cr0.PG) !== 0n && (this.cr0 & Cr0.PG) === 0n;
    if (enabling && (this.efer & Efer.LME) === 0n) {
      throw new UnsupportedError('CR0.PG = 1 with EFER.LME = 0: 32-bit and PAE paging are not modelled');
    }
    this.cr0 = value;
    if (enabling) this.efer |= Efer.LMA;
    else if ((value & Cr0.PG) === 0n) this.efer &= ~Efer.LMA;
    this.#derive();
  }

  /** `value` is the source operand: bit 63 asks not to invalidate while CR4.PCIDE = 1, and is reserved otherwise. */
  faultOfCr3(value: bigint): Exception | null {
    const operand = this.pcide ? value & ~Cr3.NO_FLUSH : value;
    return operand >> BigInt(this.part.maxPhysicalAddressBits) === 0n ? null : GENERAL_PROTECTION;
  }

  loadCr3(value: bigint): void {
    this.cr3 = value & ~Cr3.NO_FLUSH;
    this.#derive();
  }

  faultOfCr4(value: bigint): Exception | null {
    const { part } = this;
    const changed = value ^ this.cr4;
    const longMode = (this.efer & Efer.LMA) !== 0n;
    const unsupported =
      (part.globalPages ? 0n : Cr4.PGE) |
      (part.la57 ? 0n : Cr4.LA57) |
      (part.pcid ? 0n : Cr4.PCIDE) |
      (part.smep ? 0n : Cr4.SMEP) |
      (part.smap ? 0n : Cr4.SMAP) |
      (part.pku ? 0n : Cr4.PKE) |
      (part.pks ? 0n : Cr4.PKS);
    if ((value & unsupported) !== 0n) return GENERAL_PROTECTION;
    if (longMode && ((value & Cr4.PAE) === 0n || (changed & Cr4.LA57) !== 0n)) return GENERAL_PROTECTION;
    const enablesPcids = (changed & value & Cr4.PCIDE) !== 0n;
    if (enablesPcids && (!longMode || (this.cr3 & Cr3.PCID_MASK) !== 0n)) return GENERAL_PROTECTION;
    return null;
  }

  loadCr4(value: bigint): void {
    this.cr4 = value;
    this.#derive();
  }

  faultOfEfer(value: bigint): Exception | null {
    const unsupported = (this.part.nx ? 0n : Efer.NXE) | (this.part.tce ? 0n : Efer.TCE);
    if ((value & unsupported) !== 0n) return GENERAL_PROTECTION;
    const changesLme = ((value ^ this.efer) & Efer.LME) !== 0n;
    return changesLme && (this.cr0 & Cr0.PG) !== 0n ? GENERAL_PROTECTION : null;
  }

  /** Writes to LMA are ignored: it follows LME and PG (SDM 3A 2.2.1). */
  loadEfer(value: bigint): void {
    this.efer = (value & ~Efer.LMA) | (this.efer & Efer.LMA);
    this.#derive();
  }

  /** `pcid` is bits 63:0 of the descriptor as one number: above FFFH, reserved bits are set (SDM 2A INVPCID). */
  faultOfInvpcid(type: InvpcidType, pcid: number, page: PageNumber): Exception | null {
    if (!this.part.invpcid) return INVALID_OPCODE;
    if (!Object.values<number>(InvpcidType).includes(type) || pcid < 0 || pcid > 0xfff) return GENERAL_PROTECTION;
    const individual = type === InvpcidType.individualAddress;
    const namesPcid = individual || type === InvpcidType.singleContext;
    if (namesPcid && pcid !== 0 && !this.pcide) return GENERAL_PROTECTION;
    return individual && !isCanonical(page, this.levels) ? GENERAL_PROTECTION : null;
  }

  /** INIT keeps CR0.CD and CR0.NW, PKRU and PKRS; RESET does not (SDM 3A 10.1, table 10-1). */
  reset(by: 'INIT' | 'RESET'): void {
    const kept = by === 'INIT' ? this.cr0 & (Cr0.CD | Cr0.NW) : Cr0.CD | Cr0.NW;
    this.cr0 = (CR0_AT_RESET & ~(Cr0.CD | Cr0.NW)) | kept;
    this.cr3 = 0n;
    this.cr4 = 0n;
    this.efer = 0n;
    this.cpl = 0;
    this.ac = false;
    if (by === 'RESET') {
      this.pkru = 0;
      this.pkrs = 0;
    }
    this.#derive();
  }

  #derive(): void {
    const cr4 = (bit: bigint): boolean => (this.cr4 & bit) !== 0n;
    this.paging = (this.cr0 & Cr0.PG) !== 0n;
    this.wp = (this.cr0 & Cr0.WP) !== 0n;
    this.levels = cr4(Cr4.LA57) ? 5 : 4;
    this.root = entryFrame(this.cr3);
    this.pcide = cr4(Cr4.PCIDE);
    this.pcid = this.pcide ? Number(this.cr3 & Cr3.PCID_MASK) : 0;
    this.pge = cr4(Cr4.PGE);
    this.smep = cr4(Cr4.SMEP);
    this.smap = cr4(Cr4.SMAP);
    this.pke = cr4(Cr4.PKE);
    this.pks = cr4(Cr4.PKS);
    this.tce = (this.efer & Efer.TCE) !== 0n;
    const nxe = (this.efer & Efer.NXE) !== 0n;
    if (nxe !== this.nxe) this.reserved = new ReservedBits(this.part, nxe);
    this.nxe = nxe;
  }
}
