/** The APIC timer (SDM 3A 11.5.4), against a timer that counts one by one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApicTimer } from '../../src/apic/timer.ts';
import { UnsupportedError } from '../../src/base/errors.ts';
import { rig } from './rig.ts';

const SEED = 20230603;
const ONE_SHOT = 0;
const PERIODIC = 1;
/** Figure 11-10: the register's value to divide by 2, 4, 8, 16, 32, 64, 128, 1. */
const DIVIDE = [
  [0b0000, 2],
  [0b0001, 4],
  [0b0010, 8],
  [0b0011, 16],
  [0b1000, 32],
  [0b1001, 64],
  [0b1010, 128],
  [0b1011, 1],
] as const;

describe('the timer', () => {
  it(`agrees with counting one by one (seed ${SEED})`, () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...DIVIDE),
        fc.constantFrom(ONE_SHOT, PERIODIC),
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 12 }),
        ([configuration, divisor], mode, initial, ticks) => {
          const timer = new ApicTimer();
          timer.divideConfiguration = configuration;
          timer.start(initial);
          let current = initial;
          let inputs = 0;
          for (const counts of ticks) {
            let expired = false;
            for (let count = 0; count < counts; count++) {
              inputs++;
              if (inputs % divisor !== 0 || current === 0) continue;
              current--;
              if (current === 0) {
                expired = true;
                if (mode === PERIODIC) current = initial;
              }
            }
            expect(timer.tick(mode, counts, 0n)).toBe(expired);
            expect(timer.currentCount).toBe(current);
          }
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('the timer interrupt', () => {
  const timed = (lvt: number) => {
    const apic = rig([0]).apic(0);
    apic.writeRegister(0x320, lvt);
    apic.writeRegister(0x3e0, 0b1011);
    return apic;
  };

  it('one-shot: comes once', () => {
    const apic = timed(0x40);
    apic.writeRegister(0x380, 10);
    apic.tick(9);
    expect(apic.pendingVector(true)).toBeNull();
    expect(apic.readRegister(0x390)).toBe(1);
    apic.tick(1);
    expect(apic.pendingVector(true)).toBe(0x40);
    apic.acknowledge();
    apic.endOfInterrupt();
    apic.tick(100);
    expect(apic.pendingVector(true)).toBeNull();
  });

  it('periodic: comes again; masked: does not come; initial count 0: stops', () => {
    const apic = timed(0x2_0040);
    apic.writeRegister(0x380, 10);
    for (let period = 0; period < 3; period++) {
      apic.tick(10);
      expect(apic.pendingVector(true)).toBe(0x40);
      apic.acknowledge();
      apic.endOfInterrupt();
    }
    apic.writeRegister(0x320, 0x3_0040);
    apic.tick(10);
    expect(apic.pendingVector(true)).toBeNull();
    apic.writeRegister(0x320, 0x2_0040);
    apic.writeRegister(0x380, 0);
    apic.tick(10);
    expect(apic.pendingVector(true)).toBeNull();
  });

  it('TSC deadline: once, at the deadline; the counts are ignored (11.5.4.1)', () => {
    const apic = timed(0x4_0040);
    apic.writeRegister(0x380, 10);
    expect(apic.readRegister(0x380)).toBe(0);
    apic.writeMsr(0x6e0, 1000n);
    apic.tick(100, 999n);
    expect(apic.pendingVector(true)).toBeNull();
    expect(apic.readMsr(0x6e0)).toBe(1000n);
    apic.tick(1, 1000n);
    expect(apic.pendingVector(true)).toBe(0x40);
    expect(apic.readMsr(0x6e0)).toBe(0n);
  });

  it('IA32_TSC_DEADLINE is ignored in other modes, and leaving the mode disarms it (11.5.4.1)', () => {
    const apic = timed(0x40);
    apic.writeMsr(0x6e0, 1000n);
    expect(apic.readMsr(0x6e0)).toBe(0n);
    apic.writeRegister(0x320, 0x4_0040);
    apic.writeMsr(0x6e0, 1000n);
    apic.writeRegister(0x320, 0x40);
    apic.writeRegister(0x320, 0x4_0040);
    apic.tick(1, 5000n);
    expect(apic.pendingVector(true)).toBeNull();
  });

  it('an illegal vector is an error, not an interrupt; mode 3 is refused', () => {
    const apic = timed(0x0f);
    apic.writeRegister(0x380, 1);
    apic.tick(1);
    apic.writeRegister(0x280, 0);
    expect(apic.readRegister(0x280)).toBe(0x40);
    expect(() => apic.writeRegister(0x320, 0x6_0040)).toThrow(UnsupportedError);
  });
});
