/** Loading segment registers, LDTR and TR, with the checks of protected mode and of 64-bit mode (SDM 3A 3.4.2, 5.2 to 5.7; 2B MOV). */
import { type Exception, generalProtection, Vector } from '../exception.ts';
import { Segment } from '../instruction.ts';
import {
  type Descriptor,
  isCode,
  isConforming,
  isNull,
  isReadable,
  isWritableData,
  notPresent,
  parseDescriptor,
  protection,
  realModeSegment,
  rplOf,
  selectorFault,
  SystemType,
} from './descriptor.ts';
import type { SystemState } from './system-state.ts';

export type Outcome<T> = { readonly ok: T } | { readonly fault: Exception };

const tableIndicator = 4;
const accessed = 1n << 40n;
const busy = 2n << 40n;

/** Where a selector's descriptor is, if all of it is within its table. */
function placeOf(state: SystemState, selector: number, bytes: number): bigint | undefined {
  const table = (selector & tableIndicator) === 0 ? state.gdtr : state.ldtr;
  const offset = selector & 0xfff8;
  if (offset + bytes - 1 > table.limit) return undefined;
  return BigInt.asUintN(64, table.base + BigInt(offset));
}

/** The eight bytes that a selector names. `external` is the EXT bit of a fault. */
export function readDescriptor(state: SystemState, selector: number, external = false): Outcome<Descriptor> {
  const place = placeOf(state, selector, 8);
  if (place === undefined) return { fault: selectorFault(Vector.GP, selector, external) };
  const bits = state.memory.read(place, 8, 'implicit');
  return typeof bits === 'bigint' ? { ok: parseDescriptor(bits) } : { fault: bits };
}

/** The two halves of a descriptor of sixteen bytes. */
export function readWideDescriptor(state: SystemState, selector: number): Outcome<readonly [bigint, bigint]> {
  const place = placeOf(state, selector, 16);
  if (place === undefined) return { fault: protection(selector) };
  const low = state.memory.read(place, 8, 'implicit');
  if (typeof low !== 'bigint') return { fault: low };
  const high = state.memory.read(BigInt.asUintN(64, place + 8n), 8, 'implicit');
  return typeof high === 'bigint' ? { ok: [low, high] } : { fault: high };
}

/** Sets the accessed bit in memory, unless it is set (SDM 3A 3.4.5.1). */
export function markAccessed(state: SystemState, selector: number, { bits }: Descriptor): Exception | undefined {
  const place = placeOf(state, selector, 8);
  if ((bits & accessed) !== 0n || place === undefined) return undefined;
  return state.memory.write(place, 8, bits | accessed, 'implicit');
}

/** #SS in place of #GP and #NP where the stack segment is concerned (SDM 2B MOV). */
function faultOfStack(selector: number, descriptor: Descriptor, cpl: number): Exception | undefined {
  if (rplOf(selector) !== cpl || descriptor.dpl !== cpl || !isWritableData(descriptor)) return protection(selector);
  return descriptor.present ? undefined : selectorFault(Vector.SS, selector);
}

function faultOfData(selector: number, descriptor: Descriptor, cpl: number): Exception | undefined {
  const checksPrivilege = !(isCode(descriptor) && isConforming(descriptor));
  if (!isReadable(descriptor)) return protection(selector);
  if (checksPrivilege && (rplOf(selector) > descriptor.dpl || cpl > descriptor.dpl)) return protection(selector);
  return descriptor.present ? undefined : notPresent(selector);
}

/** What may be in SS at a privilege level: a writable segment, and for 64-bit code below level 3 a null selector. */
export function checkStackSegment(
  state: SystemState,
  selector: number,
  { cpl, long }: { readonly cpl: number; readonly long: boolean },
): Outcome<Descriptor | undefined> {
  if (isNull(selector)) {
    return long && cpl < 3 && rplOf(selector) === cpl ? { ok: undefined } : { fault: generalProtection };
  }
  const found = readDescriptor(state, selector);
  if ('fault' in found) return found;
  const fault = faultOfStack(selector, found.ok, cpl) ?? markAccessed(state, selector, found.ok);
  return fault === undefined ? found : { fault };
}

/** MOV and POP to DS, ES, FS, GS, SS. */
export function loadSegment(state: SystemState, segment: number, selector: number): Exception | undefined {
  if (state.realMode) {
    state.setSegment(segment, selector, realModeSegment(selector));
    if (segment === Segment.SS) state.castShadow('stack');
    return undefined;
  }
  if (segment === Segment.SS) {
    const found = checkStackSegment(state, selector, { cpl: state.cpl, long: state.codeSize === 64 });
    if ('fault' in found) return found.fault;
    state.setSegment(segment, selector, found.ok);
    state.castShadow('stack');
    return undefined;
  }
  if (isNull(selector)) {
    state.setSegment(segment, selector, undefined);
    return undefined;
  }
  const found = readDescriptor(state, selector);
  if ('fault' in found) return found.fault;
  const fault = faultOfData(selector, found.ok, state.cpl) ?? markAccessed(state, selector, found.ok);
  if (fault !== undefined) return fault;
  state.setSegment(segment, selector, found.ok);
  return undefined;
}

/** After a return to a less privileged level: data segments that it may not use become null (SDM 3A 5.8.6; 2B RET). */
export function dropPrivilegedSegments(state: SystemState): void {
  for (const segment of [Segment.ES, Segment.DS, Segment.FS, Segment.GS]) {
    const descriptor = state.segments[segment];
    if (descriptor === undefined || (isCode(descriptor) && isConforming(descriptor))) continue;
    if (descriptor.dpl < state.cpl) state.setSegment(segment, 0, undefined);
  }
}

interface SystemKind {
  readonly type: number;
  readonly nullAllowed: boolean;
}

function loadSystemSegment(state: SystemState, selector: number, { type, nullAllowed }: SystemKind) {
  if (isNull(selector)) return nullAllowed ? undefined : generalProtection;
  if ((selector & tableIndicator) !== 0) return protection(selector);
  const halves = readWideDescriptor(state, selector);
  if ('fault' in halves) return halves.fault;
  const descriptor = parseDescriptor(...halves.ok);
  if (!descriptor.system || descriptor.type !== type || ((halves.ok[1] >> 40n) & 31n) !== 0n)
    return protection(selector);
  if (!descriptor.present) return notPresent(selector);
  return state.isCanonical(descriptor.base) ? descriptor : protection(selector);
}

/** LLDT. */
export function loadLocalTable(state: SystemState, selector: number): Exception | undefined {
  const loaded = loadSystemSegment(state, selector, { type: SystemType.ldt, nullAllowed: true });
  if (loaded !== undefined && 'vector' in loaded) return loaded;
  state.ldtr = { selector, base: loaded?.base ?? 0n, limit: loaded?.limit ?? -1 };
  return undefined;
}

/** LTR: the descriptor becomes busy. */
export function loadTask(state: SystemState, selector: number): Exception | undefined {
  const loaded = loadSystemSegment(state, selector, { type: SystemType.availableTss, nullAllowed: false });
  if (loaded === undefined || 'vector' in loaded) return loaded;
  const place = placeOf(state, selector, 8);
  const fault = place === undefined ? undefined : state.memory.write(place, 8, loaded.bits | busy, 'implicit');
  if (fault !== undefined) return fault;
  state.tr = { selector, base: loaded.base, limit: loaded.limit };
  return undefined;
}
