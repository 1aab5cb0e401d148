/**
 * The hardware switches that a workload or the command line sets: which of the architecture's features this machine has,
 * and how far it uses the freedom that the architecture leaves it.
 */
import { InputError, type InputPlace } from '../base/errors.ts';

interface SwitchDescription {
  readonly initial: boolean;
  readonly meaning: string;
}

export const SWITCHES = {
  pcid: { initial: true, meaning: 'CR4.PCIDE may be set: cached translations are tagged and survive MOV to CR3' },
  invpcid: { initial: true, meaning: 'the INVPCID instruction' },
  'global-pages': { initial: true, meaning: 'CR4.PGE may be set' },
  'paging-structure-caches': { initial: true, meaning: 'upper-level entries are cached apart from the TLB' },
  'store-buffers': {
    initial: true,
    meaning: 'stores wait in a buffer that the processor drains when it likes (x86-TSO)',
  },
  speculation: { initial: true, meaning: 'a processor may walk for any address under its CR3, at the worst moment' },
  la57: { initial: false, meaning: '5-level paging' },
  smep: { initial: true, meaning: 'supervisor-mode execution prevention' },
  smap: { initial: true, meaning: 'supervisor-mode access prevention' },
  pku: { initial: false, meaning: 'protection keys for user-mode addresses' },
  pks: { initial: false, meaning: 'protection keys for supervisor-mode addresses' },
  nx: { initial: true, meaning: 'EFER.NXE: execute-disable' },
  wp: { initial: true, meaning: 'CR0.WP: supervisor writes respect R/W' },
  tce: {
    initial: false,
    meaning: "AMD's translation cache extension: INVLPG drops only the upper-level entries on the way to its address",
  },
  invlpgb: {
    initial: false,
    meaning: "AMD's INVLPGB and TLBSYNC: one processor invalidates on all, which learn of it at their own times",
  },
  pti: {
    initial: false,
    meaning: 'the part needs page-table isolation (Meltdown): kernels from v4.15 run user code on tables of its own',
  },
  kvm: {
    initial: false,
    meaning: 'the processors are virtual and their host takes them away at times: the kernel flushes through KVM',
  },
  'invlpg-global-erratum': {
    initial: false,
    meaning: 'INVLPG with PCIDs enabled leaves global translations (Alder Lake, Raptor Lake)',
  },
} as const satisfies Record<string, SwitchDescription>;

export type SwitchName = keyof typeof SWITCHES;
export type Switches = Readonly<Record<SwitchName, boolean>>;

export function initialSwitches(): Record<SwitchName, boolean> {
  const entries = Object.entries(SWITCHES).map(([name, { initial }]) => [name, initial]);
  return Object.fromEntries(entries) as Record<SwitchName, boolean>;
}

/** Sets one switch from text. Throws InputError naming the switches there are, or the values it takes. */
export function setSwitch(switches: Record<SwitchName, boolean>, name: string, value: string, place: InputPlace): void {
  if (!Object.hasOwn(SWITCHES, name)) {
    throw new InputError(`unknown switch '${name}'; there are ${Object.keys(SWITCHES).join(', ')}`, place);
  }
  if (value !== 'on' && value !== 'off')
    throw new InputError(`switch '${name}' is 'on' or 'off', not '${value}'`, place);
  switches[name as SwitchName] = value === 'on';
}
