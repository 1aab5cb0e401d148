/** What iced-x86 says of an encoding (its `Code`) as opposed to one instruction of it; asked once each. */
import { CodeExt, CpuidFeature, type Instruction, MemorySizeExt, OpCodeOperandKind } from 'iced-x86';
import { featureNames } from './iced-features.ts';
import { operationName } from './iced-names.ts';
import { statedDifferences } from './stated-differences.ts';

export interface IcedCode {
  readonly operation: string;
  readonly condition: number;
  /** In bytes; 0 when the encoding has none of its own. */
  readonly operandSize: number;
  readonly operandCount: number;
  readonly memoryBytes: number;
  /** The CPUID features it needs, in our names. */
  readonly features: string;
  /** One of the stated differences. */
  readonly stated: boolean;
}

const codes: (IcedCode | undefined)[] = [];

const stringKinds: ReadonlySet<OpCodeOperandKind> = new Set([OpCodeOperandKind.es_rDI, OpCodeOperandKind.seg_rSI]);

function describe(instruction: Instruction): IcedCode {
  const info = CodeExt.opCode(instruction.code);
  const kinds = Array.from({ length: info.opCount }, (_, at) => info.opKind(at));
  const far = /ptr16:|m16:/.test(info.instructionString) && /^(CALL|JMP)/.test(info.instructionString);
  const variant = kinds.some((kind) => stringKinds.has(kind)) ? 'string' : far ? 'far' : 'plain';
  const features = Array.from(instruction.cpuidFeatures(), (feature) => CpuidFeature[feature] ?? '');
  const described = {
    ...operationName(info.mnemonic, variant),
    operandSize: info.operandSize / 8,
    operandCount: info.opCount,
    memoryBytes: MemorySizeExt.size(info.memorySize),
    features: featureNames(features),
    stated: features.some((feature) => statedDifferences.has(feature)),
  };
  info.free();
  return described;
}

export function icedCode(instruction: Instruction): IcedCode {
  const code = instruction.code;
  let known = codes[code];
  if (known === undefined) {
    known = describe(instruction);
    codes[code] = known;
  }
  return known;
}
