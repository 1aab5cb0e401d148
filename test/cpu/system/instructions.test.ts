/** System instructions one by one (SDM 2A, 2B; 3A chapters 2 and 5). */
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/base/errors.ts';
import { exceptionOfStop } from '../../../src/cpu/engine.ts';
import { GoldenEngine } from '../../../src/cpu/engines/golden/golden-engine.ts';
import { Segment } from '../../../src/cpu/instruction.ts';
import { Register, RegisterFile, Restriction } from '../../../src/cpu/registers.ts';
import { Msr } from '../../../src/cpu/system/model-specific-register.ts';
import { FlatMemory } from '../../../tools/native/flat-memory.ts';
import { codeAddress } from '../../../tools/native/instance.ts';
import { READ } from '../../mmu/paging-fixture.ts';
import { descriptors, Place, Selector, stackTop, SystemBench } from './system-bench.ts';

/** Executes one instruction at the present level; its exception. */
function step(bench: SystemBench, code: string) {
  bench.code(bench.rip, code);
  bench.engine.codeSize = bench.state.codeSize;
  return exceptionOfStop(bench.engine.run(1));
}

const protection = (errorCode = 0) => ({ vector: 13, errorCode });
const undefinedOpcode = { vector: 6 };

function userBench(): SystemBench {
  const bench = new SystemBench();
  bench.enterUser();
  return bench;
}

const privilegedCodes = [
  ['0f20c0', 'MOV from CR0'],
  ['0f22d8', 'MOV to CR3'],
  ['0f21c0', 'MOV from DR0'],
  ['0f23f8', 'MOV to DR7'],
  ['0f06', 'CLTS'],
  ['0f01f0', 'LMSW'],
  ['0f01542400', 'LGDT'],
  ['0f015c2400', 'LIDT'],
  ['0f00d0', 'LLDT'],
  ['0f00d8', 'LTR'],
  ['0f32', 'RDMSR'],
  ['0f30', 'WRMSR'],
  ['0f013c24', 'INVLPG'],
  ['660f38820424', 'INVPCID'],
  ['0f08', 'INVD'],
  ['0f09', 'WBINVD'],
  ['0f01f8', 'SWAPGS'],
  ['f4', 'HLT'],
  ['fa', 'CLI'],
  ['fb', 'STI'],
  ['e460', 'IN'],
  ['e660', 'OUT'],
] as const;

describe('privilege', () => {
  it.each(privilegedCodes)('SDM 3A 5.9: %s, %s, is #GP(0) at level 3', (code) => {
    const bench = userBench();
    expect(step(bench, code)).toEqual(protection());
    expect(bench.rip).toBe(Place.userCode);
  });

  it.each(privilegedCodes)('a program without a kernel of its own is at level 3: %s, %s', (code) => {
    const registers = new RegisterFile();
    const memory = new FlatMemory();
    memory.code = Uint8Array.from(Buffer.from(code, 'hex'));
    registers.rip = codeAddress;
    registers.general[Register.RSP] = 0x3000_0000n;
    const nobody = (): never => {
      throw new Error('not asked');
    };
    const processor = {
      cpuid: nobody,
      timestamp: nobody,
      processorId: nobody,
      random: nobody,
      extendedControl: nobody,
    };
    const engine = new GoldenEngine({ registers, memory, processor });
    expect(exceptionOfStop(engine.step())).toEqual(protection());
  });

  it.each(['0f0100', '0f0108', '0f00c0', '0f00c8', '0f01e0'])('SDM 3A 2.5 UMIP: %s is #GP(0) at level 3', (code) => {
    const bench = userBench();
    bench.set(Register.RAX, Place.userStack);
    expect(step(bench, code)).toBeUndefined();
    bench.state.mmu.writeCr4(bench.state.mmu.control.cr4 | 0x800n);
    bench.registers.rip = Place.userCode;
    bench.set(Register.RAX, Place.userStack);
    expect(step(bench, code)).toEqual(protection());
  });
});

describe('control registers', () => {
  it('SDM 3A 2.5: CR0 keeps what exists, and tells x87 instructions of TS', () => {
    const bench = new SystemBench();
    bench.set(Register.RAX, bench.state.mmu.control.cr0 | 8n | 0x40n);
    expect(step(bench, '0f22c0')).toBeUndefined();
    expect(bench.state.mmu.control.cr0 & 0x48n).toBe(8n);
    expect(bench.registers.restrictions & Restriction.taskSwitched).toBe(Restriction.taskSwitched);
    expect(step(bench, '0f06')).toBeUndefined();
    expect(bench.registers.restrictions & Restriction.taskSwitched).toBe(0);
  });

  it.each([
    ['CR0.PG = 0 in 64-bit code', '0f22c0', 0x11n],
    ['CR0 with bit 32', '0f22c0', 0x1_8005_0033n],
    ['CR4 with a reserved bit', '0f22e0', 0x8020n],
    ['CR4.PAE = 0 in long mode', '0f22e0', 0n],
    ['CR3 beyond the physical addresses', '0f22d8', 1n << 50n],
    ['CR8 above 15', '440f22c0', 16n],
    ['DR7 above 32 bits', '0f23f8', 1n << 32n],
  ])('SDM 2B MOV: %s is #GP(0)', (_, code, value) => {
    const bench = new SystemBench();
    bench.set(Register.RAX, value);
    const { cr0, cr3, cr4 } = bench.state.mmu.control;
    expect(step(bench, code)).toEqual(protection());
    expect(bench.state.mmu.control).toMatchObject({ cr0, cr3, cr4 });
  });

  it('SDM 2B MOV: there is no CR1, and with CR4.DE no DR4', () => {
    const bench = new SystemBench();
    expect(step(bench, '0f20c8')).toEqual(undefinedOpcode);
    expect(step(bench, '0f21e0')).toBeUndefined();
    expect(bench.get(Register.RAX)).toBe(0xffff_0ff0n);
    bench.state.mmu.writeCr4(bench.state.mmu.control.cr4 | 8n);
    expect(step(bench, '0f21e0')).toEqual(undefinedOpcode);
  });

  it('SDM 3A 11.8.6: CR8 is the task priority', () => {
    const bench = new SystemBench();
    bench.set(Register.RAX, 9n);
    expect(step(bench, '440f22c0')).toBeUndefined();
    expect(bench.taskPriority()).toBe(9);
    bench.set(Register.RAX, 0n);
    expect(step(bench, '440f20c0')).toBeUndefined();
    expect(bench.get(Register.RAX)).toBe(9n);
  });

  it('breakpoints are refused, not forgotten', () => {
    const bench = new SystemBench();
    bench.set(Register.RAX, 0x402n);
    expect(() => step(bench, '0f23f8')).toThrow(UnsupportedError);
  });
});

describe('model-specific registers', () => {
  function write(bench: SystemBench, index: number, value: bigint) {
    bench.set(Register.RCX, BigInt(index));
    bench.set(Register.RAX, value & 0xffff_ffffn);
    bench.set(Register.RDX, value >> 32n);
    return step(bench, '0f30');
  }
  function read(bench: SystemBench, index: number): bigint {
    bench.set(Register.RCX, BigInt(index));
    expect(step(bench, '0f32')).toBeUndefined();
    return (bench.get(Register.RDX) << 32n) | bench.get(Register.RAX);
  }

  it.each([
    [Msr.LSTAR, 0xffff_8000_0000_1234n],
    [Msr.STAR, 0x23_0010_0000_0000n],
    [Msr.FMASK, 0x4_7700n],
    [Msr.FS_BASE, 0x7fff_0000_1000n],
    [Msr.GS_BASE, 0xffff_8880_0000_0000n],
    [Msr.KERNEL_GS_BASE, 0x1000n],
    [Msr.SYSENTER_EIP, 0xffff_ffff_8000_0000n],
    [Msr.PAT, 0x0407_0506_0007_0106n],
    [Msr.TSC_AUX, 0x1003n],
    [Msr.EFER, 0xd01n],
  ])('SDM 4 2.1: %x keeps %x', (index, value) => {
    const bench = new SystemBench();
    expect(write(bench, index, value)).toBeUndefined();
    expect(read(bench, index)).toBe(value);
  });

  it.each([
    ['a base that is not canonical', Msr.FS_BASE, 1n << 47n],
    ['LSTAR that is not canonical', Msr.LSTAR, 1n << 63n],
    ['memory type 2', Msr.PAT, 0x0407_0506_0007_0206n],
    ['FMASK above 32 bits', Msr.FMASK, 1n << 32n],
    ['a reserved bit of EFER', Msr.EFER, 0xd03n],
    ['LME while paging', Msr.EFER, 0xc00n],
    ['a register that nobody has', 0x1234, 0n],
  ])('SDM 2B WRMSR: %s is #GP(0)', (_, index, value) => {
    const bench = new SystemBench();
    expect(write(bench, index, value)).toEqual(protection());
  });

  it('SDM 3B 18.17: writing the time-stamp counter moves it, and TSC_ADJUST', () => {
    const bench = new SystemBench();
    bench.clock = 1000n;
    expect(write(bench, Msr.TSC, 5n)).toBeUndefined();
    bench.clock = 1010n;
    expect(read(bench, Msr.TSC)).toBe(15n);
    expect(BigInt.asIntN(64, read(bench, Msr.TSC_ADJUST))).toBe(-995n);
    expect(step(bench, '0f31')).toBeUndefined();
    expect(bench.get(Register.RAX)).toBe(15n);
  });

  it('asks the machine for what is the APIC’s', () => {
    expect(read(new SystemBench(), 0x1b)).toBe(0xfee0_0900n);
  });
});

describe('segment registers', () => {
  function load(bench: SystemBench, selector: number, segment: number = Segment.DS) {
    bench.set(Register.RAX, BigInt(selector));
    return step(bench, `8e${(0xc0 | (segment << 3)).toString(16)}`);
  }
  const spare = (bench: SystemBench, bits: bigint): void => bench.write(Place.gdt + BigInt(Selector.spare), bits);

  it('SDM 3A 3.4.4: FS gets the descriptor’s base, and the descriptor its accessed bit', () => {
    const bench = new SystemBench();
    spare(bench, 0x12cf_9234_5678_ffffn);
    expect(load(bench, Selector.spare, Segment.FS)).toBeUndefined();
    expect(bench.registers.segmentBase[Segment.FS]).toBe(0x1234_5678n);
    expect(bench.read(Place.gdt + BigInt(Selector.spare))).toBe(0x12cf_9334_5678_ffffn);
    expect(load(bench, 0, Segment.FS)).toBeUndefined();
    expect(bench.registers.segmentBase[Segment.FS]).toBe(0n);
  });

  it.each([
    { name: 'beyond the table', selector: 0x83, vector: 13, error: 0x80 },
    { name: 'not present', bits: descriptors.userData & ~(1n << 47n), vector: 11, error: 0x38 },
    { name: 'a system segment', bits: 0x0000_8900_0000_0067n, vector: 13, error: 0x38 },
    { name: 'code that cannot be read', bits: 0x00af_f900_0000_ffffn, vector: 13, error: 0x38 },
    { name: 'too privileged', bits: descriptors.kernelData, selector: Selector.spare | 3, vector: 13, error: 0x38 },
  ])('SDM 2B MOV: DS from a descriptor $name is $vector($error)', (given) => {
    const { selector = Selector.spare, bits = 0n, vector, error } = given;
    const bench = new SystemBench();
    spare(bench, bits);
    expect(load(bench, selector)).toEqual({ vector, errorCode: error });
    expect(bench.registers.selector[Segment.DS]).toBe(0);
  });

  it.each([
    { name: 'of another level', selector: Selector.userData, vector: 13, error: 0x18 },
    { name: 'not writable', bits: 0x00cf_9100_0000_ffffn, vector: 13, error: 0x38 },
    { name: 'not present', bits: descriptors.kernelData & ~(1n << 47n), vector: 12, error: 0x38 },
  ])(
    'SDM 2B MOV: SS from a descriptor $name is $vector($error)',
    ({ selector = Selector.spare, bits = 0n, vector, error }) => {
      const bench = new SystemBench();
      spare(bench, bits);
      expect(load(bench, selector, Segment.SS)).toEqual({ vector, errorCode: error });
    },
  );

  it('SDM 3A 5.4.1: SS may be null in 64-bit code below level 3', () => {
    const bench = new SystemBench();
    expect(load(bench, 0, Segment.SS)).toBeUndefined();
    expect(load(userBench(), 3, Segment.SS)).toEqual(protection());
  });

  it('SDM 2B POP: takes the stack up when the load is made', () => {
    const bench = new SystemBench();
    const top = stackTop(Place.kernelStack) - 8n;
    bench.set(Register.RSP, top);
    bench.write(top, BigInt(Selector.kernelData));
    expect(step(bench, '0fa9')).toBeUndefined();
    expect([bench.registers.selector[Segment.GS], bench.get(Register.RSP)]).toEqual([Selector.kernelData, top + 8n]);
    bench.set(Register.RSP, top);
    bench.write(top, 0x70n);
    expect(step(bench, '0fa9')).toEqual(protection(0x70));
    expect(bench.get(Register.RSP)).toBe(top);
  });

  it('SDM 2A LTR, LLDT: the task becomes busy; a null LDT holds nothing', () => {
    const bench = new SystemBench();
    bench.write(Place.gdt + 0x28n, 0x0000_8900_0000_0067n | ((Place.tss & 0xff_ffffn) << 16n));
    bench.write(Place.gdt + 0x30n, 0xffff_8000n);
    bench.set(Register.RAX, 0x28n);
    expect(step(bench, '0f00d8')).toBeUndefined();
    expect(bench.state.tr).toEqual({ selector: 0x28, base: 0xffff_8000_0000_0000n | Place.tss, limit: 0x67 });
    expect((bench.read(Place.gdt + 0x28n) >> 40n) & 15n).toBe(11n);
    bench.registers.rip = Place.kernelCode;
    expect(step(bench, '0f00d8')).toEqual(protection(0x28));
    bench.set(Register.RAX, 0n);
    expect(step(bench, '0f00d0')).toBeUndefined();
    expect(load(bench, 4)).toEqual(protection(4));
  });

  it('SDM 2A LGDT, SGDT: a limit and a canonical base, there and back', () => {
    const bench = new SystemBench();
    bench.set(Register.RAX, Place.kernelStack);
    bench.write(Place.kernelStack, 0xffff_8000_0000_1234n);
    bench.write(Place.kernelStack + 8n, 0xffffn);
    expect(step(bench, '0f0110')).toBeUndefined();
    expect(bench.state.gdtr).toEqual({ limit: 0x1234, base: 0xffff_ffff_8000_0000n });
    bench.set(Register.RAX, Place.kernelStack + 0x20n);
    expect(step(bench, '0f0100')).toBeUndefined();
    expect(bench.read(Place.kernelStack + 0x20n)).toBe(0xffff_8000_0000_1234n);
    bench.write(Place.kernelStack + 8n, 0n);
    bench.set(Register.RAX, Place.kernelStack);
    expect(step(bench, '0f0110')).toEqual(protection());
  });

  it('SDM 2A LAR, LSL; 2B VERW: say what may be seen', () => {
    const bench = userBench();
    bench.set(Register.RCX, BigInt(Selector.userCode));
    expect(step(bench, '0f02c1')).toBeUndefined();
    expect(bench.get(Register.RAX)).toBe(0xaf_fb00n);
    expect(step(bench, '0f03c1')).toBeUndefined();
    expect(bench.get(Register.RAX)).toBe(0xffff_ffffn);
    expect(bench.registers.rflags & 0x40).toBe(0x40);
    expect(step(bench, '0f00e9')).toBeUndefined();
    expect(bench.registers.rflags & 0x40).toBe(0);
    bench.set(Register.RCX, BigInt(Selector.kernelData));
    bench.set(Register.RAX, 7n);
    expect(step(bench, '0f02c1')).toBeUndefined();
    expect([bench.get(Register.RAX), bench.registers.rflags & 0x40]).toEqual([7n, 0]);
  });
});

describe('fast calls', () => {
  function prepared(): SystemBench {
    const bench = new SystemBench();
    bench.state.modelSpecific.set(Msr.STAR, 0x0013_0008_0000_0000n);
    bench.state.modelSpecific.set(Msr.LSTAR, Place.kernelCode);
    bench.state.modelSpecific.set(Msr.FMASK, 0x200n);
    bench.state.mmu.writeEfer(bench.state.mmu.control.efer | 1n);
    return bench;
  }

  it('SDM 2B SYSCALL, SYSRET: there and back', () => {
    const bench = prepared();
    // nop; sysretq
    bench.code(Place.kernelCode, '90480f07');
    bench.code(Place.userCode, '0f0590');
    bench.enterUser(0x246);
    bench.core.run(1);
    expect([bench.state.cpl, bench.rip, bench.registers.rflags]).toEqual([0, Place.kernelCode, 0x46]);
    expect([bench.get(Register.RCX), bench.get(11 as Register)]).toEqual([Place.userCode + 2n, 0x246n]);
    expect([...bench.registers.selector].slice(1, 3)).toEqual([0x08, 0x10]);
    bench.core.run(2);
    expect([bench.state.cpl, bench.rip, bench.registers.rflags]).toEqual([3, Place.userCode + 2n, 0x246]);
    expect([...bench.registers.selector].slice(1, 3)).toEqual([0x23, 0x1b]);
  });

  it('SDM 2B SYSCALL: #UD without EFER.SCE, nothing changed', () => {
    const bench = userBench();
    bench.set(Register.RCX, 77n);
    expect(step(bench, '0f05')).toEqual(undefinedOpcode);
    expect(bench.get(Register.RCX)).toBe(77n);
  });

  it('SDM 2B SYSRET: a target that is not canonical is #GP(0) at level 0', () => {
    const bench = prepared();
    bench.set(Register.RCX, 1n << 47n);
    expect(step(bench, '480f07')).toEqual(protection());
    expect(bench.state.cpl).toBe(0);
  });

  it('SDM 2B SYSENTER, SYSEXIT', () => {
    const bench = userBench();
    bench.state.modelSpecific.set(Msr.SYSENTER_CS, 0x08n);
    bench.state.modelSpecific.set(Msr.SYSENTER_ESP, 0x1234n);
    bench.state.modelSpecific.set(Msr.SYSENTER_EIP, Place.kernelCode);
    expect(step(bench, '0f34')).toBeUndefined();
    expect([bench.state.cpl, bench.rip, bench.get(Register.RSP)]).toEqual([0, Place.kernelCode, 0x1234n]);
    bench.set(Register.RDX, Place.userCode);
    bench.set(Register.RCX, 0x5678n);
    expect(step(bench, '480f35')).toBeUndefined();
    expect([bench.state.cpl, bench.rip, bench.get(Register.RSP)]).toEqual([3, Place.userCode, 0x5678n]);
    expect([...bench.registers.selector].slice(1, 3)).toEqual([0x2b, 0x33]);
  });

  it('SDM 2B SWAPGS', () => {
    const bench = new SystemBench();
    bench.state.modelSpecific.set(Msr.KERNEL_GS_BASE, 0x1111n);
    bench.registers.segmentBase[Segment.GS] = 0x2222n;
    expect(step(bench, '0f01f8')).toBeUndefined();
    expect(bench.registers.segmentBase[Segment.GS]).toBe(0x1111n);
    expect(bench.state.modelSpecific.get(Msr.KERNEL_GS_BASE)).toBe(0x2222n);
  });

  it('SDM 2B RDFSBASE, WRGSBASE: #UD without CR4.FSGSBASE', () => {
    const bench = userBench();
    bench.registers.segmentBase[Segment.FS] = 0x3333n;
    expect(step(bench, 'f3480faec0')).toEqual(undefinedOpcode);
    bench.state.mmu.writeCr4(bench.state.mmu.control.cr4 | 0x1_0000n);
    expect(step(bench, 'f3480faec0')).toBeUndefined();
    expect(step(bench, 'f3480faed8')).toBeUndefined();
    expect(bench.registers.segmentBase[Segment.GS]).toBe(0x3333n);
    bench.set(Register.RAX, 1n << 47n);
    expect(step(bench, 'f3480faed8')).toEqual(protection());
  });
});

describe('far branches', () => {
  /** A far pointer at RAX, which is on the stack page. */
  function pointer(bench: SystemBench, offset: bigint, selector: number): void {
    const place = bench.state.cpl === 0 ? Place.kernelStack : Place.userStack;
    bench.write(place, offset);
    bench.write(place + 8n, BigInt(selector));
    bench.set(Register.RAX, place);
  }
  function callGate(
    bench: SystemBench,
    offset: bigint,
    { dpl = 3, selector = Selector.kernelCode as number } = {},
  ): void {
    const low = (offset & 0xffffn) | (BigInt(selector) << 16n) | (BigInt(0x8c | (dpl << 5)) << 40n);
    bench.write(Place.gdt + BigInt(Selector.spare), low | (((offset >> 16n) & 0xffffn) << 48n));
    bench.write(Place.gdt + BigInt(Selector.spare) + 8n, offset >> 32n);
  }

  it('SDM 2A CALL; 2B RET: far, at the same level, and back', () => {
    const bench = new SystemBench();
    pointer(bench, Place.kernelCode + 0x40n, Selector.kernelCode);
    const top = bench.get(Register.RSP);
    expect(step(bench, '48ff18')).toBeUndefined();
    expect(bench.rip).toBe(Place.kernelCode + 0x40n);
    expect(bench.stack(2)).toEqual([Place.kernelCode + 3n, BigInt(Selector.kernelCode)]);
    expect(step(bench, '48cb')).toBeUndefined();
    expect([bench.rip, bench.get(Register.RSP)]).toEqual([Place.kernelCode + 3n, top]);
  });

  it('SDM 3A 5.8.5: a call gate leads inside and RET out again, with the outer stack', () => {
    const bench = userBench();
    callGate(bench, Place.kernelCode);
    pointer(bench, 0n, Selector.spare);
    const top = bench.get(Register.RSP);
    expect(step(bench, '48ff18')).toBeUndefined();
    expect([bench.state.cpl, bench.rip]).toEqual([0, Place.kernelCode]);
    expect(bench.get(Register.RSP)).toBe(stackTop(Place.kernelStack) - 32n);
    expect(bench.stack(4)).toEqual([Place.userCode + 3n, BigInt(Selector.userCode), top, BigInt(Selector.userData)]);
    expect(step(bench, '48ca0000')).toBeUndefined();
    expect([bench.state.cpl, bench.rip, bench.get(Register.RSP)]).toEqual([3, Place.userCode + 3n, top]);
  });

  it.each([
    { name: 'null', selector: 0, error: 0 },
    { name: 'data', selector: Selector.userData, error: 0x18 },
    { name: 'inner code', selector: Selector.kernelCode, error: 0x08 },
    { name: 'a gate that is not for programs', selector: Selector.spare, error: 0x38 },
  ])('SDM 3A 5.8: a far jump from level 3 to $name is #GP($error)', ({ selector, error }) => {
    const bench = userBench();
    callGate(bench, Place.kernelCode, { dpl: 0 });
    pointer(bench, Place.userCode, selector);
    expect(step(bench, '48ff28')).toEqual(protection(error));
    expect([bench.state.cpl, bench.rip]).toEqual([3, Place.userCode]);
  });

  it('SDM 3A 5.2.1: a jump to a segment with L = 0 leaves 64-bit mode, and one back enters it', () => {
    const bench = new SystemBench();
    bench.write(Place.gdt + BigInt(Selector.spare), 0x00cf_9b00_0000_ffffn);
    pointer(bench, Place.kernelCode + 0x40n, Selector.spare);
    expect(step(bench, '48ff28')).toBeUndefined();
    expect(bench.state.codeSize).toBe(32);
    // jmp 08:kernelCode
    expect(step(bench, 'ea000002000800')).toBeUndefined();
    expect([bench.state.codeSize, bench.rip]).toEqual([64, Place.kernelCode]);
  });
});

describe('input and output', () => {
  it('SDM 1 19.3: sizes and widths', () => {
    const bench = new SystemBench();
    bench.set(Register.RDX, 0xcfcn);
    bench.set(Register.RAX, 0xaabb_ccddn);
    for (const code of ['ee', '66ef', 'ef', 'e680']) expect(step(bench, code)).toBeUndefined();
    expect(bench.ports).toEqual(['out cfc 1 dd', 'out cfc 2 ccdd', 'out cfc 4 aabbccdd', 'out 80 1 dd']);
    bench.set(Register.RAX, -1n);
    expect(step(bench, 'ec')).toBeUndefined();
    expect(bench.get(Register.RAX)).toBe(0xffff_ffff_ffff_ff21n);
    expect(step(bench, 'ed')).toBeUndefined();
    expect(bench.get(Register.RAX)).toBe(0x8765_4321n);
  });

  it('SDM 1 19.5.2: the bitmap allows ports one by one', () => {
    const bench = userBench();
    bench.state.tr = { ...bench.state.tr, limit: 0x68 + 16 };
    bench.write(Place.tss + 0x68n, 0xffff_ffff_ffff_fff0n);
    expect(step(bench, 'e400')).toBeUndefined();
    expect(step(bench, 'e503')).toEqual(protection());
    expect(step(bench, 'e500')).toBeUndefined();
    expect(bench.ports).toEqual(['in 0 1', 'in 0 4']);
  });

  it('SDM 1 19.5.1: IOPL allows all', () => {
    const bench = userBench();
    bench.registers.rflags |= 0x3000;
    expect(step(bench, 'e480')).toBeUndefined();
    expect(step(bench, 'fa')).toBeUndefined();
    expect(bench.registers.rflags & 0x200).toBe(0);
  });

  it('SDM 2A INS: the port is not read when memory faults', () => {
    const bench = new SystemBench();
    bench.set(Register.RDI, 0x7777_0000n);
    expect(step(bench, '6c')).toMatchObject({ vector: 14 });
    expect(bench.ports).toEqual([]);
    bench.set(Register.RDI, Place.kernelStack);
    bench.set(Register.RCX, 3n);
    expect(step(bench, 'f36d')).toBeUndefined();
    expect(bench.ports).toEqual(['in 0 4', 'in 0 4', 'in 0 4']);
    expect([bench.get(Register.RCX), bench.get(Register.RDI)]).toEqual([0n, Place.kernelStack + 12n]);
  });
});

describe('translations', () => {
  it('SDM 2A INVLPG: a stale translation goes', () => {
    const bench = new SystemBench();
    const { fixture } = bench;
    fixture.map(0x60_0000n, 200);
    expect(fixture.outcome(0x60_0000n, READ)).toBe(200);
    fixture.map(0x60_0000n, 201);
    expect(fixture.outcome(0x60_0000n, READ)).toBe(200);
    bench.set(Register.RAX, 0x60_0000n);
    expect(step(bench, '0f0138')).toBeUndefined();
    expect(fixture.outcome(0x60_0000n, READ)).toBe(201);
  });

  it('SDM 2A INVPCID: its descriptor is checked', () => {
    const bench = new SystemBench();
    bench.set(Register.RCX, Place.kernelStack);
    const invalidate = (type: bigint, pcid: bigint) => {
      bench.set(Register.RAX, type);
      bench.write(Place.kernelStack, pcid);
      return step(bench, '660f388201');
    };
    expect(invalidate(2n, 0n)).toBeUndefined();
    expect(invalidate(4n, 0n)).toEqual(protection());
    expect(invalidate(0n, 0x1000n)).toEqual(protection());
  });

  it('APM 3 INVLPGB, TLBSYNC: what registers name; #UD where there is none', () => {
    expect(step(new SystemBench(), '0f01fe')).toEqual(undefinedOpcode);
    const bench = new SystemBench({ invlpgbCountMax: 7 });
    bench.set(Register.RAX, 0x1234_5000n | 11n);
    bench.set(Register.RCX, 0x8000_0003n);
    bench.set(Register.RDX, 0x0123_0000n);
    expect(step(bench, '0f01fe')).toBeUndefined();
    expect(bench.broadcasts).toEqual([
      { pcid: 0x123, pages: { start: 0x1234_5000n, count: 4, strideShift: 21 }, includeGlobals: true },
    ]);
    expect(step(bench, '0f01ff')).toBeUndefined();
    expect(bench.ports).toEqual(['tlbsync']);
    bench.set(Register.RCX, 8n);
    expect(step(bench, '0f01fe')).toEqual(protection());
  });

  it('SDM 2D XSETBV: #UD without CR4.OSXSAVE, and only the value that is there', () => {
    const bench = new SystemBench();
    bench.set(Register.RCX, 0n);
    bench.set(Register.RDX, 0n);
    bench.set(Register.RAX, 3n);
    expect(step(bench, '0f01d1')).toEqual(undefinedOpcode);
    bench.set(Register.RBX, bench.state.mmu.control.cr4 | 0x4_0000n);
    expect(step(bench, '0f22e3')).toBeUndefined();
    expect(step(bench, '0f01d1')).toBeUndefined();
    bench.set(Register.RAX, 7n);
    expect(step(bench, '0f01d1')).toEqual(protection());
  });

  it('SDM 2B RDPKRU, WRPKRU: #UD without CR4.PKE', () => {
    const bench = new SystemBench();
    for (const register of [Register.RCX, Register.RDX]) bench.set(register, 0n);
    bench.set(Register.RAX, 0xcn);
    expect(step(bench, '0f01ef')).toEqual(undefinedOpcode);
    bench.state.mmu.writeCr4(bench.state.mmu.control.cr4 | (1n << 22n));
    expect(step(bench, '0f01ef')).toBeUndefined();
    expect(bench.state.mmu.control.pkru).toBe(0xc);
    bench.set(Register.RAX, 0n);
    expect(step(bench, '0f01ee')).toBeUndefined();
    expect(bench.get(Register.RAX)).toBe(0xcn);
  });

  it('SDM 2A CLAC; 2B STAC, POPF: the MMU knows of AC', () => {
    const bench = new SystemBench();
    expect(step(bench, '0f01cb')).toBeUndefined();
    expect(bench.state.mmu.control.ac).toBe(true);
    expect(step(bench, '0f01ca')).toBeUndefined();
    expect(bench.state.mmu.control.ac).toBe(false);
    bench.set(Register.RSP, stackTop(Place.kernelStack) - 8n);
    bench.write(stackTop(Place.kernelStack) - 8n, 0x4_3202n);
    expect(step(bench, '9d')).toBeUndefined();
    expect(bench.state.mmu.control.ac).toBe(true);
    expect(bench.registers.rflags).toBe(0x4_3202);
    expect(step(userBench(), '0f01cb')).toEqual(undefinedOpcode);
  });
});
