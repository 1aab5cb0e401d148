/** Delivery of exceptions and interrupts, and the way back (SDM 3A chapter 6). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Segment } from '../../../src/cpu/instruction.ts';
import { Register } from '../../../src/cpu/registers.ts';
import { deliver, deliverException } from '../../../src/cpu/system/interrupt-delivery.ts';
import { handler, Place, Selector, stackTop, SystemBench } from './system-bench.ts';

const RF = 0x1_0000n;

/** User code, and a gate for one vector. */
function userBench(code: string, vector: number, gate: Parameters<SystemBench['gate']>[2] = {}): SystemBench {
  const bench = new SystemBench();
  bench.code(Place.userCode, code);
  bench.gate(vector, handler, gate);
  bench.enterUser();
  return bench;
}

describe('the frame', () => {
  it('SDM 3A 6.14.2, 6.14.4: of a fault from level 3: new stack, null SS, error code, RF in the saved flags', () => {
    const bench = userBench('f4', 13);
    bench.core.run(1);
    expect(bench.rip).toBe(handler);
    expect(bench.get(Register.RSP)).toBe(stackTop(Place.kernelStack) - 48n);
    expect(bench.stack(6)).toEqual([
      0n,
      Place.userCode,
      BigInt(Selector.userCode),
      0x202n | RF,
      stackTop(Place.userStack),
      BigInt(Selector.userData),
    ]);
    expect([bench.state.cpl, bench.registers.selector[Segment.SS], bench.registers.selector[Segment.CS]]).toEqual([
      0,
      0,
      Selector.kernelCode,
    ]);
    expect(bench.registers.rflags).toBe(2);
  });

  it('SDM 3A 6.12.1.3: a trap gate leaves IF', () => {
    const bench = userBench('f4', 13, { type: 15 });
    bench.core.run(1);
    expect(bench.registers.rflags).toBe(0x202);
  });

  it('SDM 3A 6.14.5: an IST stack is taken from level 0 too', () => {
    const bench = new SystemBench();
    bench.code(Place.kernelCode, '0f0b');
    bench.gate(6, handler, { ist: 1 });
    bench.core.run(1);
    expect(bench.get(Register.RSP)).toBe(stackTop(Place.interruptStack) - 40n);
    expect(bench.stack(5)[3]).toBe(stackTop(Place.kernelStack));
  });

  it('SDM 3A 6.14.2: without a change of level the stack pointer is aligned to 16', () => {
    const bench = new SystemBench();
    bench.code(Place.kernelCode, '0f0b');
    bench.gate(6, handler);
    bench.set(Register.RSP, stackTop(Place.kernelStack) - 9n);
    bench.core.run(1);
    expect(bench.get(Register.RSP)).toBe(stackTop(Place.kernelStack) - 16n - 40n);
    expect(bench.stack(5)[3]).toBe(stackTop(Place.kernelStack) - 9n);
  });

  it('SDM 3A 4.7, 6.15: a page fault puts its address into CR2', () => {
    // mov rax, [0x1234000]
    const bench = userBench('488b042500402301', 14);
    bench.core.run(1);
    expect(bench.state.cr2).toBe(0x123_4000n);
    expect(bench.stack(2)).toEqual([4n, Place.userCode]);
  });

  it('SDM 3A 6.5: after a trap it holds the next instruction', () => {
    const bench = userBench('cc', 3, { dpl: 3 });
    bench.core.run(1);
    expect(bench.stack(3)).toEqual([Place.userCode + 1n, BigInt(Selector.userCode), 0x202n]);
  });
});

describe('what a gate may do', () => {
  const rows = [
    { cite: 'SDM 3A 6.12.1.2', name: 'its privilege', gate: { dpl: 0 }, vector: 13, error: 0x80 * 8 + 2 },
    { cite: 'SDM 3A 6.14.1', name: 'its type', gate: { dpl: 3, type: 5 }, vector: 13, error: 0x80 * 8 + 2 },
    { cite: 'SDM 3A 6.14.1', name: 'its presence', gate: { dpl: 3, present: false }, vector: 11, error: 0x80 * 8 + 2 },
    { cite: 'SDM 3A 6.14.1', name: 'a null selector', gate: { dpl: 3, selector: 0 }, vector: 13, error: 0 },
    { cite: 'SDM 3A 6.14.1', name: 'a data segment', gate: { dpl: 3, selector: 0x10 }, vector: 13, error: 0x10 },
    { cite: 'SDM 3A 3.5.1', name: 'the table limit', gate: { dpl: 3, selector: 0x80 }, vector: 13, error: 0x80 },
  ];
  it.each(rows)('$cite: INT n meets $name: exception $vector, error code $error', ({ gate, vector, error }) => {
    const bench = userBench('cd80', 0x80, gate);
    const fault = deliver(bench.state, { vector: 0x80, software: true, fault: false, rip: 0n });
    expect(fault).toEqual({ vector, errorCode: error });
    bench.gate(vector, handler);
    bench.core.run(1);
    expect(bench.stack(2)).toEqual([BigInt(error), Place.userCode]);
  });

  it('SDM 3A 6.13: an event from outside sets EXT', () => {
    const bench = new SystemBench();
    bench.gate(0x30, handler, { selector: 0x10 });
    expect(deliver(bench.state, { vector: 0x30, software: false, fault: false, rip: 0n })).toEqual({
      vector: 13,
      errorCode: 0x11,
    });
    bench.state.idtr = { base: Place.idt, limit: 0x30 * 16 + 14 };
    expect(deliver(bench.state, { vector: 0x30, software: false, fault: false, rip: 0n })).toEqual({
      vector: 13,
      errorCode: 0x30 * 8 + 3,
    });
  });

  it('SDM 3A 6.6: a stack that cannot be written leaves everything as it was', () => {
    const bench = userBench('0f0b', 6);
    bench.write(Place.tss + 4n, 0x9999_0000n);
    const { rflags } = bench.registers;
    const fault = deliver(bench.state, { vector: 6, software: false, fault: true, rip: Place.userCode });
    expect(fault).toMatchObject({ vector: 14, errorCode: 2 });
    expect([bench.state.cpl, bench.registers.rflags, bench.rip]).toEqual([3, rflags, Place.userCode]);
    expect(bench.get(Register.RSP)).toBe(stackTop(Place.userStack));
  });
});

it('SDM 2A IRET: a stack pointer that is not canonical is #SS(0)', () => {
  const bench = new SystemBench();
  bench.code(Place.kernelCode, '48cf');
  bench.set(Register.RSP, 1n << 60n);
  bench.gate(12, handler, { ist: 1 });
  bench.core.run(1);
  expect(bench.stack(2)).toEqual([0n, Place.kernelCode]);
});

describe('faults in delivery', () => {
  it('SDM 3A table 6-5: contributory after contributory is a double fault, with error code 0', () => {
    const bench = userBench('f4', 8, { ist: 1 });
    expect(deliverException(bench.state, { vector: 13, errorCode: 0 })).toBe('handler');
    expect(bench.get(Register.RSP)).toBe(stackTop(Place.interruptStack) - 48n);
    expect(bench.stack(2)).toEqual([0n, Place.userCode]);
  });

  it('SDM 3A table 6-5: contributory after benign is delivered by itself', () => {
    const bench = userBench('0f0b', 11);
    bench.gate(6, handler, { present: false });
    expect(deliverException(bench.state, { vector: 6 })).toBe('handler');
    expect(bench.stack(1)).toEqual([BigInt(6 * 8 + 3)]);
  });

  it('SDM 3A table 6-5: a page fault after a contributory one is delivered by itself', () => {
    const bench = userBench('f4', 14);
    bench.gate(13, handler, { ist: 2 });
    bench.write(Place.tss + 0x2cn, 0x9999_0000n);
    expect(deliverException(bench.state, { vector: 13, errorCode: 0 })).toBe('handler');
    expect(bench.state.cr2).toBe(0x9998_ffd0n);
    expect(bench.stack(2)).toEqual([2n, Place.userCode]);
  });

  it('SDM 3A table 6-5: a page fault after a page fault is a double fault; without a GDT that cannot be delivered', () => {
    const bench = userBench('f4', 8, { ist: 1 });
    bench.gate(14, handler, { ist: 2 });
    bench.write(Place.tss + 0x2cn, 0x9999_0000n);
    const pageFault = { vector: 14, errorCode: 4, linear: 0x1000n } as const;
    expect(deliverException(bench.state, pageFault)).toBe('handler');
    expect(bench.get(Register.RSP)).toBe(stackTop(Place.interruptStack) - 48n);
    bench.enterUser();
    bench.state.gdtr = { base: 0x7777_0000n, limit: 0xffff };
    expect(deliverException(bench.state, pageFault)).toBe('shutdown');
  });

  it('SDM 3A 6.15: a fault in the delivery of a double fault shuts down', () => {
    const bench = userBench('f4', 13, { present: false });
    expect(bench.run(10)).toBe('shutdown');
  });
});

describe('IRET', () => {
  it('comes back from every exception to what it found', () => {
    const vectors = [0, 3, 6, 8, 10, 11, 12, 13, 14] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...vectors),
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.boolean(),
        (vector, random, user) => {
          const bench = new SystemBench();
          const hasCode = vector === 8 || (vector >= 10 && vector <= 14);
          // add rsp, 8 if there is an error code; iretq
          bench.code(handler, `${hasCode ? '4883c408' : ''}48cf`);
          bench.gate(vector, handler, { ist: vector === 8 ? 1 : 0 });
          if (user) bench.enterUser();
          bench.registers.rflags = (random & 0x4_4cd5) | 0x202;
          bench.registers.rflags &= ~0x4000;
          bench.set(Register.RSP, bench.get(Register.RSP) - BigInt(random % 64));
          const before = [bench.rip, bench.get(Register.RSP), bench.state.cpl, bench.registers.selector[Segment.CS]];
          const stackSelector = bench.registers.selector[Segment.SS];
          const flags = bench.registers.rflags;
          const exception = hasCode ? { vector, errorCode: 0 } : { vector };
          expect(deliverException(bench.state, exception)).toBe('handler');
          expect(bench.state.cpl).toBe(0);
          bench.core.run(hasCode ? 2 : 1);
          const after = [bench.rip, bench.get(Register.RSP), bench.state.cpl, bench.registers.selector[Segment.CS]];
          expect(after).toEqual(before);
          expect(bench.registers.selector[Segment.SS]).toBe(stackSelector);
          expect(bench.registers.rflags & ~0x1_0000).toBe(flags & ~0x1_0000);
        },
      ),
      { seed: 6, numRuns: 200 },
    );
  });

  it.each([
    { cite: 'SDM 2A IRET', name: 'a null CS', cs: 0n, ss: 0n, error: 0 },
    { cite: 'SDM 2A IRET', name: 'an inner level', cs: 0x08n, ss: 0n, error: 8, user: true },
    { cite: 'SDM 2A IRET', name: 'a data segment', cs: 0x1bn, ss: 0x1bn, error: 0x18 },
    { cite: 'SDM 2A IRET', name: 'a null SS at level 3', cs: 0x23n, ss: 3n, error: 0 },
    { cite: 'SDM 2A IRET', name: 'an SS of another level', cs: 0x23n, ss: 0x10n, error: 0x10 },
    { cite: 'SDM 2A IRET', name: 'a target that is not canonical', cs: 0x23n, ss: 0x1bn, rip: 1n << 62n, error: 0 },
  ])(
    '$cite: $name is #GP($error), and nothing has changed',
    ({ cs, ss, error, rip = Place.userCode, user = false }) => {
      const bench = new SystemBench();
      bench.gate(13, handler, { ist: 1 });
      if (user) bench.enterUser();
      bench.code(bench.rip, '48cf');
      const top = bench.get(Register.RSP) - 40n;
      bench.set(Register.RSP, top);
      for (const [at, value] of [rip, cs, 0x202n, stackTop(Place.userStack), ss].entries()) {
        bench.write(top + BigInt(at * 8), value);
      }
      const start = bench.rip;
      bench.core.run(1);
      expect(bench.rip).toBe(handler);
      expect(bench.stack(2)).toEqual([BigInt(error), start]);
      expect(bench.stack(5)[4]).toBe(top);
    },
  );

  it('SDM 3A 5.8.6: at an outer level data segments of inner ones become null', () => {
    const bench = new SystemBench();
    bench.state.setSegment(Segment.DS, Selector.kernelData, bench.state.segments[Segment.SS]);
    bench.code(Place.kernelCode, '48cf');
    const top = bench.get(Register.RSP) - 40n;
    bench.set(Register.RSP, top);
    const frame = [Place.userCode, 0x23n, 0x202n, stackTop(Place.userStack), 0x1bn];
    for (const [at, value] of frame.entries()) bench.write(top + BigInt(at * 8), value);
    bench.core.run(1);
    expect([bench.state.cpl, bench.rip, bench.registers.selector[Segment.DS]]).toEqual([3, Place.userCode, 0]);
  });
});

describe('interrupts from outside', () => {
  it('SDM 3A 6.8.1: wait for IF', () => {
    const bench = new SystemBench();
    // nop; sti; nop; nop
    bench.code(Place.kernelCode, '90fb9090');
    bench.gate(0x30, handler);
    bench.pending.push(0x30);
    bench.core.run(2);
    expect(bench.rip).toBe(Place.kernelCode + 2n);
    // After STI one more instruction is executed.
    bench.core.run(1);
    expect(bench.rip).toBe(handler);
    expect(bench.stack(1)).toEqual([Place.kernelCode + 3n]);
  });

  it('SDM 3A 6.8.3: a load of SS holds them back for an instruction', () => {
    const bench = new SystemBench();
    // mov ss, eax; nop; nop
    bench.code(Place.kernelCode, '8ed09090');
    bench.set(Register.RAX, BigInt(Selector.kernelData));
    bench.gate(0x30, handler);
    bench.registers.rflags = 0x202;
    bench.core.run(1);
    bench.pending.push(0x30);
    bench.core.run(1);
    expect(bench.stack(1)).toEqual([Place.kernelCode + 3n]);
  });

  it('SDM 3A 6.7.1: an NMI ignores IF, and holds back the next until IRET', () => {
    const bench = new SystemBench();
    bench.code(Place.kernelCode, '9090');
    bench.code(handler, '9048cf');
    bench.gate(2, handler);
    bench.nmi = true;
    bench.core.run(1);
    expect(bench.stack(1)).toEqual([Place.kernelCode]);
    bench.nmi = true;
    bench.core.run(0);
    expect([bench.rip, bench.nmi]).toEqual([handler + 1n, true]);
    bench.core.run(1);
    expect([bench.rip, bench.nmi]).toEqual([handler, false]);
  });

  it('SDM 2A HLT: waits for one', () => {
    const bench = new SystemBench();
    bench.code(Place.kernelCode, 'f490');
    bench.gate(0x30, handler);
    bench.registers.rflags = 0x202;
    expect(bench.run(5)).toBe('halt');
    expect(bench.run(5)).toBe('halt');
    bench.pending.push(0x30);
    bench.core.run(0);
    expect(bench.rip).toBe(handler);
    expect(bench.stack(1)).toEqual([Place.kernelCode + 1n]);
  });

  it('SDM 3B 18.3.2: TF traps after the instruction, and sets DR6.BS', () => {
    const bench = userBench('9090', 1);
    bench.registers.rflags = 0x302;
    bench.core.run(1);
    expect([bench.rip, (bench.state.debug[6] ?? 0n) & 0x4000n]).toEqual([handler, 0x4000n]);
    expect(bench.stack(3)).toEqual([Place.userCode + 1n, BigInt(Selector.userCode), 0x302n]);
    expect(bench.registers.rflags & 0x100).toBe(0);
  });

  it('SDM 3B 18.3.1.4: TF and INT n: the handler comes, and no single step', () => {
    const bench = userBench('cd80', 0x80, { dpl: 3 });
    bench.gate(1, handler + 0x40n);
    bench.registers.rflags = 0x302;
    bench.core.run(1);
    expect(bench.rip).toBe(handler);
    expect(bench.stack(3)[2]).toBe(0x302n);
  });

  it('SDM 3B 18.3.1.1: RF lasts for one instruction', () => {
    const bench = userBench('9090', 14);
    bench.registers.rflags = 0x1_0202;
    bench.core.run(1);
    expect(bench.registers.rflags).toBe(0x202);
  });
});
