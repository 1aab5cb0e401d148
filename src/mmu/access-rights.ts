/**
 * Whether a translation's rights allow an access, and the error code of the page fault if not (SDM 3A 4.6 and 4.7).
 *
 * Not modelled: shadow-stack accesses, SGX.
 */
import type { Access, AccessKind } from '../arch/page-fault.ts';
import { PageFaultCode } from '../arch/page-fault.ts';
import type { CombinedRights } from '../event/cached-translation.ts';

declare const brand: unique symbol;

/** An Access as a small number: bit 0 user, bit 1 implicit, bits 3:2 read 0, write 1, fetch 2. */
export type AccessCode = number & { readonly [brand]: 'AccessCode' };

export const ACCESS_CODES = 12;
export const FETCH_CODES = 8;
const USER = 1;
const IMPLICIT = 2;
const WRITE = 4;

const KINDS: readonly AccessKind[] = ['read', 'write', 'fetch'];
const ACCESSES: readonly Access[] = Array.from({ length: ACCESS_CODES }, (_, code) => ({
  kind: KINDS[code >> 2] as AccessKind,
  user: (code & USER) !== 0,
  implicit: (code & IMPLICIT) !== 0,
}));

export function accessCode(access: Access): AccessCode {
  const kind = access.kind === 'read' ? 0 : access.kind === 'write' ? WRITE : FETCH_CODES;
  return (kind | (access.user ? USER : 0) | (access.implicit === true ? IMPLICIT : 0)) as AccessCode;
}

export function accessOf(code: AccessCode): Access {
  return ACCESSES[code] as Access;
}

export function isWrite(code: AccessCode): boolean {
  return (code & WRITE) !== 0;
}

export function isFetch(code: AccessCode): boolean {
  return code >= FETCH_CODES;
}

/** The state that access rights depend on besides the translation itself. */
export interface RightsControl {
  /** CR0.WP. */
  readonly wp: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly pke: boolean;
  readonly pks: boolean;
  /** EFER.NXE. */
  readonly nxe: boolean;
  /** EFLAGS.AC. */
  readonly ac: boolean;
  readonly pkru: number;
  readonly pkrs: number;
}

export interface TranslationRights extends CombinedRights {
  readonly protectionKey: number;
}

/** What `rightsFault` returns for an access that is allowed. */
export const ALLOWED = -1;

/** ALLOWED, or the error code of the page fault. */
export function rightsFault(rights: TranslationRights, code: AccessCode, control: RightsControl): number {
  const disallowedByKey = keyDisallows(rights, code, control);
  if (!disallowedByKey && modeAllows(rights, code, control)) return ALLOWED;
  return accessBits(code, control) | PageFaultCode.P | (disallowedByKey ? PageFaultCode.PK : 0);
}

/**
 * The accesses of one kind, data or fetch, that a cached translation allows without a walk: bit n is access code n.
 * Writes are among them only once D is set.
 */
export function allowedCodes(
  translation: TranslationRights & { readonly dirty: boolean },
  kind: AccessCode,
  control: RightsControl,
): number {
  const first = isFetch(kind) ? FETCH_CODES : 0;
  const end = isFetch(kind) ? ACCESS_CODES : FETCH_CODES;
  let allowed = 0;
  for (let other = first; other < end; other++) {
    const code = other as AccessCode;
    if (isWrite(code) && !translation.dirty) continue;
    if (rightsFault(translation, code, control) === ALLOWED) allowed |= 1 << other;
  }
  return allowed;
}

/** The error code of a fault for want of a valid translation: `reserved` says that a reserved bit was set (SDM 3A 4.7). */
export function translationFault(code: AccessCode, control: RightsControl, reserved: boolean): number {
  return accessBits(code, control) | (reserved ? PageFaultCode.P | PageFaultCode.RSVD : 0);
}

/** The bits of the error code that describe the access. I/D needs a reason to tell fetches apart: NXE or SMEP. */
function accessBits(code: AccessCode, control: RightsControl): number {
  return (
    ((code & USER) !== 0 ? PageFaultCode.US : 0) |
    (isWrite(code) ? PageFaultCode.WR : 0) |
    (isFetch(code) && (control.nxe || control.smep) ? PageFaultCode.ID : 0)
  );
}

/** SDM 3A 4.6.1, protection keys aside. */
function modeAllows(rights: CombinedRights, code: AccessCode, control: RightsControl): boolean {
  if ((code & USER) !== 0) {
    if (!rights.user) return false;
    if (isFetch(code)) return rights.executable || !control.nxe;
    return !isWrite(code) || rights.writable;
  }
  if (isFetch(code)) return (rights.executable || !control.nxe) && !(rights.user && control.smep);
  if (rights.user && control.smap && ((code & IMPLICIT) !== 0 || !control.ac)) return false;
  return !isWrite(code) || rights.writable || !control.wp;
}

/**
 * SDM 3A 4.6.2: PKRU rules data accesses to user-mode addresses, PKRS supervisor-mode data accesses to supervisor-mode
 * addresses; write-disable binds a supervisor only while CR0.WP = 1.
 */
function keyDisallows(rights: TranslationRights, code: AccessCode, control: RightsControl): boolean {
  if (isFetch(code)) return false;
  const user = (code & USER) !== 0;
  if (rights.user ? !control.pke : !control.pks || user) return false;
  const disables = ((rights.user ? control.pkru : control.pkrs) >>> (2 * rights.protectionKey)) & 3;
  if ((disables & 1) !== 0) return true;
  return (disables & 2) !== 0 && isWrite(code) && (user || control.wp);
}
