/** Helpers of instructions on control, debug, model-specific and descriptor-table registers (SDM 3A 2.8). */
import { type Exception, generalProtection, invalidOpcode } from '../exception.ts';
import { Restriction } from '../registers.ts';
import {
  clearTaskSwitched,
  Cr4Bit,
  loadMachineStatus,
  readControl,
  readDebug,
  writeControl,
  writeDebug,
} from '../system/control-register.ts';
import { readMsr, writeMsr } from '../system/model-specific-register.ts';
import { loadLocalTable, loadSegment, loadTask } from '../system/segment-load.ts';
import { examineSegment, type Examination, examinations } from '../system/segment-examination.ts';
import type { SystemState, TableRegister } from '../system/system-state.ts';
import type { Helper } from './helper.ts';
import { checked, privileged, unprivileged } from './system-access.ts';

const number = (value: bigint): number => Number(BigInt.asUintN(32, value));
const selectorOf = (value: bigint): number => Number(BigInt.asUintN(16, value));
const has = (state: SystemState, bit: bigint): boolean => (state.mmu.control.cr4 & bit) !== 0n;

/** SGDT, SIDT, SLDT, SMSW and STR are not for programs where CR4.UMIP says so (SDM 3A 2.5). */
function prevented(state: SystemState): Exception | undefined {
  return has(state, Cr4Bit.UMIP) && state.cpl > 0 ? generalProtection : undefined;
}

function table(which: 'gdtr' | 'idtr', limit: bigint, base: bigint, state: SystemState): Exception | undefined {
  if (state.codeSize === 64 && !state.isCanonical(base)) return generalProtection;
  const loaded: TableRegister = { base, limit: selectorOf(limit) };
  state[which] = loaded;
  return undefined;
}

/** Segment bases by RDFSBASE and its kin: #UD unless CR4.FSGSBASE (SDM 2B). */
function baseAllowed(state: SystemState): Exception | undefined {
  return has(state, Cr4Bit.FSGSBASE) ? undefined : invalidOpcode;
}

export const systemRegisterHelpers = {
  /** Nothing but the check: #GP above level 0. */
  requirePrivilege: privileged(0, 0, () => undefined),
  /** Register number; value. */
  readControl: privileged(1, 1, (state, [register]) => readControl(state, number(register))),
  writeControl: privileged(2, 0, (state, [register, value]) => writeControl(state, number(register), value)),
  readDebug: privileged(1, 1, (state, [register]) => readDebug(state, number(register))),
  writeDebug: privileged(2, 0, (state, [register, value]) => writeDebug(state, number(register), value)),
  loadMachineStatus: privileged(1, 0, (state, [value]) => loadMachineStatus(state, value)),
  storeMachineStatus: checked(0, 1, generalProtection, (state) => prevented(state) ?? state.mmu.control.cr0),
  clearTaskSwitched: privileged(0, 0, clearTaskSwitched),
  /** Index to value. */
  readMsr: privileged(1, 1, (state, [index], { processor }) =>
    readMsr(state, number(index), () => processor.timestamp()),
  ),
  writeMsr: privileged(2, 0, (state, [index, value], { processor }) =>
    writeMsr(state, number(index), value, () => processor.timestamp()),
  ),
  /** Limit, base. */
  loadGlobalTable: privileged(2, 0, (state, [limit, base]) => table('gdtr', limit, base, state)),
  loadInterruptTable: privileged(2, 0, (state, [limit, base]) => table('idtr', limit, base, state)),
  /** To limit, base. */
  storeGlobalTable: checked(
    0,
    2,
    generalProtection,
    (state) => prevented(state) ?? [BigInt(state.gdtr.limit), state.gdtr.base],
  ),
  storeInterruptTable: checked(
    0,
    2,
    generalProtection,
    (state) => prevented(state) ?? [BigInt(state.idtr.limit), state.idtr.base],
  ),
  loadLocalTable: privileged(1, 0, (state, [selector]) => loadLocalTable(state, selectorOf(selector))),
  loadTask: privileged(1, 0, (state, [selector]) => loadTask(state, selectorOf(selector))),
  storeLocalTable: checked(0, 1, generalProtection, (state) => prevented(state) ?? BigInt(state.ldtr.selector)),
  storeTask: checked(0, 1, generalProtection, (state) => prevented(state) ?? BigInt(state.tr.selector)),
  /** Segment number, selector. */
  loadSegment: unprivileged('loading a segment register', 2, 0, (state, [segment, selector]) =>
    loadSegment(state, number(segment), selectorOf(selector)),
  ),
  /** What is asked, by its index in `examinations`, and a selector: to whether it holds (ZF), and the value. */
  examineSegment: unprivileged('looking at descriptors', 2, 2, (state, [what, selector]) => {
    const examination: Examination = examinations[number(what)] ?? 'readable';
    return examineSegment(state, examination, selectorOf(selector));
  }),
  /** Segment number; value. */
  readBase: checked(
    1,
    1,
    invalidOpcode,
    (state, [segment]) => baseAllowed(state) ?? state.registers.segmentBase[number(segment)] ?? 0n,
  ),
  writeBase: checked(2, 0, invalidOpcode, (state, [segment, value]) => {
    const fault = baseAllowed(state) ?? (state.isCanonical(value) ? undefined : generalProtection);
    if (fault !== undefined) return fault;
    state.registers.segmentBase[number(segment)] = value;
    return undefined;
  }),
  /** ECX to EAX. */
  readProtectionKeys: checked(1, 1, invalidOpcode, (state, [zero]) => {
    if (!state.mmu.control.pke) return invalidOpcode;
    return zero === 0n ? BigInt(state.mmu.control.pkru) : generalProtection;
  }),
  /** EAX, ECX, EDX. */
  writeProtectionKeys: checked(3, 0, invalidOpcode, (state, [value, zero, alsoZero]) => {
    if (!state.mmu.control.pke) return invalidOpcode;
    if (zero !== 0n || alsoZero !== 0n) return generalProtection;
    state.mmu.wrpkru(number(value));
    return undefined;
  }),
  /** The extended control register's number, and its value, which must be the one that is there. */
  writeExtendedControl: checked(2, 0, generalProtection, (state, [register, value], { registers, processor }) => {
    if ((registers.restrictions & Restriction.noExtendedStates) !== 0) return invalidOpcode;
    if (state.cpl !== 0) return generalProtection;
    const present = processor.extendedControl(number(register));
    if (typeof present !== 'bigint') return present;
    return value === present ? undefined : generalProtection;
  }),
} as const satisfies Record<string, Helper>;
