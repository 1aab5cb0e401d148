/**
 * The forms that are compared with the host: those modelled in 64-bit mode whose outcome depends on nothing hidden. In
 * groups by extension, each with recorded instances of its own.
 */
import type { Feature } from '../../src/cpu/decode/feature.ts';
import type { Form } from '../../src/cpu/decode/form.ts';
import { forms } from '../../src/cpu/decode/forms.ts';
import type { Operation } from '../../src/cpu/decode/maps.ts';
import { OperandKind } from '../../src/cpu/instruction.ts';
import { farBranches } from '../../src/cpu/semantics/far-branch.ts';
import { inputOutput } from '../../src/cpu/semantics/input-output.ts';
import { interrupts } from '../../src/cpu/semantics/interrupt.ts';
import { segments } from '../../src/cpu/semantics/segment.ts';
import { systemInstructions } from '../../src/cpu/semantics/system.ts';
import { isModelled } from '../../src/cpu/semantics/table.ts';

/** Their outcome is the processor's own, or changes how the harness works. */
const hidden: ReadonlySet<Operation> = new Set<Operation>([
  'CPUID',
  'INT1',
  'POPF',
  'PUSHF',
  'RDPID',
  'RDRAND',
  'RDSEED',
  'RDTSC',
  'RDTSCP',
  'XGETBV',
]);

/** Their outcome depends on privilege, and on descriptors that only a kernel sees. INT3 is one that programs use. */
const ofSystem: ReadonlySet<string> = new Set(
  [systemInstructions, segments, interrupts, farBranches, inputOutput].flatMap(Object.keys),
);

function needsSystem({ operation }: Form): boolean {
  return ofSystem.has(operation) && operation !== 'INT3';
}

/** Their operand is larger than the window. */
const large: ReadonlySet<Operation> = new Set<Operation>(['FXSAVE', 'FXRSTOR', 'XSAVE', 'XSAVEOPT', 'XRSTOR']);

/** Not on every host; each would be #UD there. */
const rare: ReadonlySet<string> = new Set(['PREFETCHWT1', 'CLDEMOTE']);

/** Moves to segment registers need descriptors that the host will not show, and those of control and debug registers are privileged. */
function movesSystemRegister({ operation, operands }: Form): boolean {
  const [to, from] = operands.map(({ kind }) => kind);
  const loads = to === OperandKind.segment && operation !== 'PUSH';
  return loads || [to, from].some((kind) => kind === OperandKind.control || kind === OperandKind.debug);
}

/** 0F 0D with a register is a no-operation to Intel and #UD to AMD. */
function differsByVendor({ opcode }: Form): boolean {
  return opcode === '0F 0D';
}

function isCompared(form: Form): boolean {
  if (!form.long || !isModelled(form) || needsSystem(form)) return false;
  if (hidden.has(form.operation) || large.has(form.operation) || rare.has(form.operation)) return false;
  return !movesSystemRegister(form) && !differsByVendor(form);
}

export const groups = ['integer', 'vector', 'x87'] as const;
export type Group = (typeof groups)[number];

const vectorFeatures: ReadonlySet<Feature> = new Set(['MMX', 'SSE', 'SSE2', 'SSE3', 'SSSE3', 'SSE4.1', 'SSE4.2']);

export function groupOf(form: Form): Group {
  if (form.features.includes('FPU') || form.operation === 'WAIT') return 'x87';
  return form.features.some((feature) => vectorFeatures.has(feature)) ? 'vector' : 'integer';
}

export function comparedForms(group: Group): readonly Form[] {
  return forms.filter((form) => isCompared(form) && groupOf(form) === group);
}
