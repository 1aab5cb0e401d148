/**
 * What an access must lead to, given the paging-structure entries that control it: an independent reading of SDM 3A 4.5.4
 * to 4.8 that shares only the facts of `src/arch` with the MMU. It knows no caches and walks nothing: it is handed the
 * entries from the top down, and judges them whole.
 */
import type { PagingLevel } from '../../src/arch/address.ts';
import type { Access } from '../../src/arch/page-fault.ts';
import { PageFaultCode } from '../../src/arch/page-fault.ts';
import { entryProtectionKey, PagingEntry } from '../../src/arch/paging-entry.ts';

export interface OracleControl {
  readonly wp: boolean;
  readonly nxe: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly ac: boolean;
  readonly pke: boolean;
  readonly pks: boolean;
  readonly pkru: number;
  readonly pkrs: number;
}

export interface OraclePart {
  readonly maxPhysicalAddressBits: number;
  readonly page1GB: boolean;
}

/** One entry, with the level of the structure that it is in. */
export interface OracleEntry {
  readonly level: PagingLevel;
  readonly entry: bigint;
}

export interface Expectation {
  /** null: the access is made. */
  readonly errorCode: number | null;
  /** The bits that the walk must have set in each of the entries given; those beyond where it ended get 0. */
  readonly sets: readonly bigint[];
}

const { P, RW, US, PS, XD, A, D } = PagingEntry;

export function expectAccess(
  entries: readonly OracleEntry[],
  access: Access,
  control: OracleControl,
  part: OraclePart,
): Expectation {
  const last = entries.findIndex(({ level, entry }) => isLast(level, entry) || isInvalid(level, entry, control, part));
  const invalid = entries[last];
  if (invalid === undefined) throw new Error('the entries given map no page');
  const about = describeAccess(access, control);
  const passed = entries.map((_, index) => (index < last ? A : 0n));

  if ((invalid.entry & P) === 0n) return { errorCode: about, sets: passed };
  if (reservedBits(invalid.level, invalid.entry, control, part) !== 0n) {
    return { errorCode: about | PageFaultCode.P | PageFaultCode.RSVD, sets: passed };
  }
  const used = entries.slice(0, last + 1).map(({ entry }) => entry);
  const verdict = judge(used, access, control);
  if (verdict.allowed) {
    const final = access.kind === 'write' ? A | D : A;
    return { errorCode: null, sets: passed.map((bits, index) => (index === last ? final : bits)) };
  }
  return { errorCode: about | PageFaultCode.P | (verdict.key ? PageFaultCode.PK : 0), sets: passed };
}

function isLast(level: PagingLevel, entry: bigint): boolean {
  return level === 1 || (level <= 3 && (entry & PS) !== 0n);
}

function isInvalid(level: PagingLevel, entry: bigint, control: OracleControl, part: OraclePart): boolean {
  return (entry & P) === 0n || reservedBits(level, entry, control, part) !== 0n;
}

/** The bits set that must be 0: bit numbers as the tables of 4.5.4 print them. */
function reservedBits(level: PagingLevel, entry: bigint, control: OracleControl, part: OraclePart): bigint {
  let reserved = bits(part.maxPhysicalAddressBits, 51);
  if (!control.nxe) reserved |= XD;
  const large = (entry & PS) !== 0n;
  if (level >= 4 || (level === 3 && !part.page1GB)) reserved |= PS;
  if (level === 3 && large) reserved |= bits(13, 29);
  if (level === 2 && large) reserved |= bits(13, 20);
  return entry & reserved;
}

function bits(low: number, high: number): bigint {
  return ((1n << BigInt(high + 1)) - 1n) & ~((1n << BigInt(low)) - 1n);
}

/** Bits of the error code that say what was tried (4.7). */
function describeAccess(access: Access, { nxe, smep }: OracleControl): number {
  let code = access.user ? PageFaultCode.US : 0;
  if (access.kind === 'write') code |= PageFaultCode.WR;
  if (access.kind === 'fetch' && (nxe || smep)) code |= PageFaultCode.ID;
  return code;
}

/** The rules of 4.6.1 in their order, each a reason to refuse; then 4.6.2. */
function judge(entries: readonly bigint[], access: Access, control: OracleControl): { allowed: boolean; key: boolean } {
  const userPage = entries.every((entry) => (entry & US) !== 0n);
  const writable = entries.every((entry) => (entry & RW) !== 0n);
  const noExecute = control.nxe && entries.some((entry) => (entry & XD) !== 0n);
  const supervisor = !access.user;
  const data = access.kind !== 'fetch';
  const write = access.kind === 'write';
  const explicit = access.implicit !== true;

  const refusals = [
    // Supervisor mode reads and writes user-mode addresses under SMAP only explicitly and with AC set.
    supervisor && data && userPage && control.smap && !(control.ac && explicit),
    // Supervisor mode writes to read-only pages only while CR0.WP = 0.
    supervisor && write && !writable && control.wp,
    // Supervisor mode fetches from user-mode addresses only without SMEP.
    supervisor && !data && userPage && control.smep,
    !data && noExecute,
    access.user && !userPage,
    access.user && write && !writable,
  ];

  const key = entryProtectionKey(entries.at(-1) ?? 0n);
  const register = userPage ? (control.pke ? control.pkru : 0) : control.pks && supervisor ? control.pkrs : 0;
  const accessDisabled = Math.floor(register / 4 ** key) % 2 === 1;
  const writeDisabled = Math.floor(register / 4 ** key / 2) % 2 === 1;
  const byKey = data && (accessDisabled || (write && writeDisabled && (access.user || control.wp)));
  return { allowed: !byKey && !refusals.includes(true), key: byKey };
}
