/** From a start-up IPI to 64-bit code, in both engines (SDM 3A 9.4.4, 10.8.5): what a kernel's trampoline does. */
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/base/errors.ts';
import { Segment } from '../../../src/cpu/instruction.ts';
import { Register } from '../../../src/cpu/registers.ts';
import { addressInFrame, physicalAddress } from '../../../src/arch/address.ts';
import { SystemBench } from './system-bench.ts';

/** Physical addresses of the trampoline's parts, in page 0; its tables are those of the bench, by their physical address. */
const at = { code16: 0, code32: 0x100, code64: 0x200, pseudoDescriptor: 0x300, gdt: 0x400 } as const;

const trampoline: readonly (readonly [number, string])[] = [
  // cli; xor ax, ax; mov ds, ax; lgdt [0x300] with a 32-bit base; mov eax, cr0; or al, 1; mov cr0, eax; jmp dword 0x18:0x100
  [at.code16, 'fa 31c0 8ed8 660f01160003 0f20c0 0c01 0f22c0 66ea000100001800'],
  // mov ax, 0x10; mov ds, ax; mov ss, ax; mov eax, cr4; or eax, 0x20; mov cr4, eax; mov eax, [0x380]; mov cr3, eax;
  // mov ecx, 0xc0000080; rdmsr; or eax, 0x100; wrmsr; mov eax, cr0; or eax, 0x80000000; mov cr0, eax; jmp 0x08:0x200
  [
    at.code32,
    '66b81000 8ed8 8ed0 0f20e0 83c820 0f22e0 a180030000 0f22d8 b9800000c0 0f32 0d00010000 0f30' +
      ' 0f20c0 0d00000080 0f22c0 ea000200000800',
  ],
  // mov rax, 0x123456789abcdef0; hlt
  [at.code64, '48b8f0debc9a78563412 f4'],
];

function trampolineBench(engine: 'golden' | 'fast'): SystemBench {
  const bench = new SystemBench({}, engine);
  const { memory, root, mmu } = bench.fixture;
  bench.fixture.map(0n, 0);
  const put = (address: number, hex: string): void => {
    for (const [offset, byte] of Buffer.from(hex.replaceAll(' ', ''), 'hex').entries()) {
      memory.storeBytes(0, physicalAddress(address + offset), 1, BigInt(byte));
    }
  };
  for (const [address, bytes] of trampoline) put(address, bytes);
  put(at.pseudoDescriptor, '1f0000040000');
  memory.storeBytes(0, physicalAddress(0x380), 4, BigInt(addressInFrame(root, 0)));
  const table = [0n, 0x00af_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn, 0x00cf_9b00_0000_ffffn];
  for (const [index, bits] of table.entries()) memory.storeBytes(0, physicalAddress(at.gdt + index * 8), 8, bits);
  mmu.reset('INIT');
  bench.state.startUp(0);
  return bench;
}

describe('a start-up IPI', () => {
  it.each(['golden', 'fast'] as const)('leads to 64-bit code by way of real and protected mode: %s', (engine) => {
    const bench = trampolineBench(engine);
    expect(bench.state.codeSize).toBe(16);
    expect(bench.run(8)).toBe('budget');
    expect([bench.rip, bench.state.codeSize, bench.registers.selector[Segment.CS]]).toEqual([0x100n, 32, 0x18]);
    expect(bench.run(60)).toBe('halt');
    expect([bench.state.codeSize, bench.state.longMode, bench.registers.selector[Segment.CS]]).toEqual([64, true, 8]);
    expect(bench.get(Register.RAX)).toBe(0x1234_5678_9abc_def0n);
    expect(bench.rip).toBe(BigInt(at.code64) + 11n);
  });

  it('a page other than the first is refused: the base of CS does not count', () => {
    const bench = new SystemBench();
    bench.fixture.mmu.reset('INIT');
    expect(() => bench.state.startUp(8)).toThrow(UnsupportedError);
  });
});
