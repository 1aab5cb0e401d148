/**
 * A small kernel and a program, in both engines side by side: system calls, interrupts that come at any time, page faults that are
 * mended, single steps, a change of page tables with INVLPG. After every slice both must be in the same state.
 */
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { Register } from '../../../src/cpu/registers.ts';
import { Msr } from '../../../src/cpu/system/model-specific-register.ts';
import { P, RW, US } from '../../mmu/paging-fixture.ts';
import { Place, stackTop, SystemBench } from './system-bench.ts';

/** Where the page tables are mapped, so that the kernel may write the entry of `lazy`. */
const tables = 0x6_0000n;
const lazy = 0x48_0000n;

const entry = {
  systemCall: Place.kernelCode,
  pageFault: Place.kernelCode + 0x200n,
  interrupt: Place.kernelCode + 0x300n,
  debug: Place.kernelCode + 0x380n,
  service: Place.kernelCode + 0x400n,
} as const;

const code: readonly (readonly [bigint, string])[] = [
  // System call: swapgs; inc qword gs:[0]; swapgs; sysretq
  [entry.systemCall, '0f01f8 6548ff042500000000 0f01f8 480f07'],
  // Page fault: the entry of `lazy` becomes present, or not, by turns: push rax; mov eax, 8; xor [r15], 1; mov rax, cr2; invlpg [rax];
  // inc r14; pop rax; add rsp, 8; iretq
  [entry.pageFault, '50 49803701 0f20d0 0f0138 49ffc6 58 4883c408 48cf'],
  // Interrupt: push rax; in al, 0x60; mov al, 0x20; out 0x20, al; invlpg [lazy]; pop rax; iretq
  [entry.interrupt, '50 e460 b020 e620 0f013c2500004800 58 48cf'],
  // Debug: clear TF in the saved flags: btr qword [rsp+16], 8; inc r12; iretq
  [entry.debug, '480fba74241008 49ffc4 48cf'],
  // INT 0x80: what the program may not do: toggles the entry without invalidating; iretq
  [entry.service, '49803701 48cf'],
  // The program: syscall; mov rbx, [lazy]; add r13, rbx; int 0x80; pushfq; or qword [rsp], 0x100; popfq; nop; cpuid; loop
  [Place.userCode, '0f05 488b1c2500004800 4901dd cd80 9c 48810c2400010000 9d 90 0fa2 ebe2'],
];

function boot(engine: 'golden' | 'fast'): SystemBench {
  const bench = new SystemBench({}, engine);
  const { fixture, state } = bench;
  const place = fixture.map(lazy, 90, { flags: RW | US });
  fixture.map(tables, Math.floor(place / 4096), { flags: P | RW });
  for (const [address, bytes] of code) bench.code(address, bytes);
  bench.gate(14, entry.pageFault);
  bench.gate(1, entry.debug);
  bench.gate(0x30, entry.interrupt);
  bench.gate(0x80, entry.service, { dpl: 3, type: 15 });
  state.modelSpecific.set(Msr.STAR, 0x0013_0008_0000_0000n);
  state.modelSpecific.set(Msr.LSTAR, entry.systemCall);
  state.modelSpecific.set(Msr.FMASK, 0x300n);
  state.modelSpecific.set(Msr.KERNEL_GS_BASE, Place.interruptStack);
  state.mmu.writeEfer(state.mmu.control.efer | 1n);
  bench.enterUser();
  bench.set(15 as Register, tables + BigInt(place % 4096));
  return bench;
}

function summary(bench: SystemBench) {
  const { registers, state } = bench;
  return {
    general: [...registers.general],
    rip: registers.rip,
    rflags: registers.rflags,
    selectors: [...registers.selector],
    bases: [...registers.segmentBase],
    cpl: state.cpl,
    cr2: state.cr2,
    executed: bench.engine.executed,
    ports: bench.ports.length,
    counters: state.mmu.counters,
    events: bench.fixture.events.length,
  };
}

describe('a kernel and a program', () => {
  it.each([1, 2, 3])('are the same to both engines, seed %i', (seed) => {
    const benches = [boot('golden'), boot('fast')] as const;
    const random = new Random(seed);
    for (let slice = 0; slice < 300; slice++) {
      const budget = 1 + random.below(random.chance(0.5) ? 3 : 40);
      const interrupts = random.chance(0.3);
      for (const bench of benches) {
        if (interrupts) bench.pending.push(0x30);
        expect(bench.run(budget)).toBe('budget');
      }
      const [golden, fast] = benches;
      expect(summary(fast)).toEqual(summary(golden));
    }
    const [golden, fast] = benches;
    expect(fast.fixture.events).toEqual(golden.fixture.events);
    // All of it has happened: calls, faults, single steps, interrupts, and system calls counted in the kernel's memory.
    for (const bench of benches) {
      expect(bench.read(Place.interruptStack)).toBeGreaterThan(100n);
      expect(bench.get(14 as Register)).toBeGreaterThan(10n);
      expect(bench.get(12 as Register)).toBeGreaterThan(100n);
      expect(bench.ports.length).toBeGreaterThan(50);
      expect(bench.get(Register.RSP)).toBeLessThanOrEqual(stackTop(Place.userStack));
    }
  });
});
