/** System instructions on registers, caches and translations (SDM 3A 2.8; SDM 2A, 2B; AMD's INVLPGB and TLBSYNC, APM 3). */
import type { Builder } from '../builder.ts';
import type { HelperName } from '../helpers/table.ts';
import { type Instruction, OperandKind, Segment } from '../instruction.ts';
import { Register } from '../registers.ts';
import { read, write } from './operand-access.ts';
import { type Body, row } from './row.ts';

function single<V>(b: Builder<V>, values: readonly V[]): V {
  return values[0] ?? b.constant(0n);
}

/** MOV to and from control and debug registers. */
export function moveSystemRegister<V>(b: Builder<V>, i: Instruction): void {
  const [to, from] = i.operands;
  const reads = to.kind === OperandKind.general;
  const system = reads ? from : to;
  const control = system.kind === OperandKind.control;
  const number = b.constant(BigInt(system.register));
  if (reads) write(b, i, to, single(b, b.call(control ? 'readControl' : 'readDebug', [number])));
  else b.call(control ? 'writeControl' : 'writeDebug', [number, read(b, i, from)]);
}

/** EDX:EAX. */
function pair<V>(b: Builder<V>): V {
  return b.or(b.register(Register.RAX, 4), b.shiftLeft(b.register(Register.RDX, 4), b.constant(32n)));
}

function setPair<V>(b: Builder<V>, value: V): void {
  b.setRegister(Register.RAX, 4, value);
  b.setRegister(Register.RDX, 4, b.shiftRight(value, b.constant(32n)));
}

const alone =
  (helper: HelperName): Body =>
  (b) => {
    b.call(helper, []);
  };

/** A limit of two bytes, then a base, of which 16-bit operands have three bytes (SDM 2A LGDT). */
const loadTable =
  (helper: HelperName): Body =>
  (b, i) => {
    b.call('requirePrivilege', []);
    const at = b.effectiveAddress(i, 0);
    const limit = b.load(i.segment, at, 2);
    const baseAt = b.cut(b.add(at, b.constant(2n)), i.addressSize);
    const base = b.load(i.segment, baseAt, i.codeSize === 64 ? 8 : 4);
    b.call(helper, [limit, i.codeSize !== 64 && i.operandSize === 2 ? b.cut(base, 3) : base]);
  };

const storeTable =
  (helper: HelperName): Body =>
  (b, i) => {
    const none = b.constant(0n);
    const [limit = none, base = none] = b.call(helper, []);
    const at = b.effectiveAddress(i, 0);
    const baseAt = b.cut(b.add(at, b.constant(2n)), i.addressSize);
    const bytes = i.codeSize === 64 ? 8 : 4;
    // Over a page boundary, nothing is written unless all can be.
    b.loadForWrite(i.segment, baseAt, bytes);
    b.store(i.segment, at, 2, limit);
    b.store(i.segment, baseAt, bytes, base);
  };

const loadSelector =
  (helper: HelperName): Body =>
  (b, i) => {
    b.call('requirePrivilege', []);
    b.call(helper, [read(b, i, i.operands[0])]);
  };

const storeValue =
  (helper: HelperName): Body =>
  (b, i) =>
    write(b, i, i.operands[0], single(b, b.call(helper, [])));

const readBase =
  (segment: number): Body =>
  (b, i) =>
    write(b, i, i.operands[0], single(b, b.call('readBase', [b.constant(BigInt(segment))])));

const writeBase =
  (segment: number): Body =>
  (b, i) => {
    b.call('writeBase', [b.constant(BigInt(segment)), read(b, i, i.operands[0])]);
  };

/** Nothing is cached that could be written back; the address has to be readable (SDM 2A CLFLUSH). */
const flushLine: Body = (b, i) => {
  b.load(i.segment, b.effectiveAddress(i, 0), 1);
};

/** The descriptor has sixteen bytes. */
function invalidateByPcid<V>(b: Builder<V>, i: Instruction): void {
  b.call('requirePrivilege', []);
  const [type] = i.operands;
  const at = b.effectiveAddress(i, 0);
  const pcid = b.load(i.segment, at, 8);
  const address = b.load(i.segment, b.cut(b.add(at, b.constant(8n)), i.addressSize), 8);
  b.call('invalidateByPcid', [read(b, i, type), pcid, address]);
}

const serializing = row(() => {});

export const systemInstructions = {
  LGDT: row(loadTable('loadGlobalTable')),
  LIDT: row(loadTable('loadInterruptTable')),
  SGDT: row(storeTable('storeGlobalTable')),
  SIDT: row(storeTable('storeInterruptTable')),
  LLDT: row(loadSelector('loadLocalTable')),
  LTR: row(loadSelector('loadTask')),
  SLDT: row(storeValue('storeLocalTable')),
  STR: row(storeValue('storeTask')),
  SMSW: row(storeValue('storeMachineStatus')),
  LMSW: row(loadSelector('loadMachineStatus')),
  CLTS: row(alone('clearTaskSwitched')),
  RDMSR: row((b) => setPair(b, single(b, b.call('readMsr', [b.register(Register.RCX, 4)])))),
  WRMSR: row((b) => {
    b.call('writeMsr', [b.register(Register.RCX, 4), pair(b)]);
  }),
  XSETBV: row((b) => {
    b.call('writeExtendedControl', [b.register(Register.RCX, 4), pair(b)]);
  }),
  RDPMC: row(alone('readPerformanceCounter')),
  RDPKRU: row((b) => setPair(b, single(b, b.call('readProtectionKeys', [b.register(Register.RCX, 4)])))),
  WRPKRU: row((b) => {
    const registers = [Register.RAX, Register.RCX, Register.RDX];
    b.call(
      'writeProtectionKeys',
      registers.map((register) => b.register(register, 4)),
    );
  }),
  RDFSBASE: row(readBase(Segment.FS)),
  RDGSBASE: row(readBase(Segment.GS)),
  WRFSBASE: row(writeBase(Segment.FS)),
  WRGSBASE: row(writeBase(Segment.GS)),
  SWAPGS: row(alone('swapGs')),
  INVLPG: row((b, i) => {
    b.call('invalidatePage', [b.linearAddress(i.segment, b.effectiveAddress(i, 0))]);
  }),
  INVPCID: row(invalidateByPcid),
  INVLPGB: row((b) => {
    b.call('invalidateEverywhere', [
      b.register(Register.RAX, 8),
      b.register(Register.RCX, 4),
      b.register(Register.RDX, 4),
    ]);
  }),
  TLBSYNC: row(alone('synchronizeTlbs')),
  INVD: row(alone('requirePrivilege')),
  WBINVD: row(alone('requirePrivilege')),
  WBNOINVD: row(alone('requirePrivilege')),
  CLFLUSH: row(flushLine),
  CLFLUSHOPT: row(flushLine),
  CLWB: row(flushLine),
  SERIALIZE: serializing,
};
