/**
 * Flushing under KVM: what becomes of a virtual processor that the host has taken away, step by step, on top of several
 * eras.
 */
import { describe, expect, it } from 'vitest';
import type { PhysicalAddress } from '../../src/arch/address.ts';
import { KVM_VCPU_FLUSH_TLB, KVM_VCPU_PREEMPTED } from '../../src/arch/kvm.ts';
import type { ProcessorAction } from '../../src/scenario/execution.ts';
import { Stepper } from '../scenario/stepper.ts';

const ERAS = ['E0a', 'E1', 'E3', 'E5', 'E6', 'E9-fixed', 'E11'];

const isMarking = (action: ProcessorAction): boolean =>
  action.kind === 'locked' && action.operation === 'compare-exchange' && action.expected === KVM_VCPU_PREEMPTED;

/** Two processors that run the same space; processor 1 has page 0 cached. */
function stepperOf(era: string): Stepper {
  const stepper = new Stepper({ era, switches: { kvm: true } });
  expect(stepper.access(1, 0, 'read')).toBe(1n);
  return stepper;
}

function host(stepper: Stepper, kind: 'preempt' | 'enter', processor = 1): void {
  stepper.system.machine.takeHostStep({ kind, processor });
}

function ipis({ system }: Stepper): number {
  return system.machine.bus.inFlight.length;
}

/** Processor 0 unmaps page 0, up to where it marks processor 1. Result: where the state of processor 1 is told. */
function unmapUpToTheMark(stepper: Stepper): PhysicalAddress {
  stepper.begin(0, stepper.munmap(0, 0));
  stepper.stopBefore(0, isMarking);
  const action = stepper.system.execution.nextAction(0);
  if (action?.kind !== 'locked') throw new Error('a locked operation');
  return action.address;
}

describe.each(ERAS)('under %s', (era) => {
  it('a processor that the host has taken is marked, not called; it is flushed before it runs again', () => {
    const stepper = stepperOf(era);
    const { machine, execution } = stepper.system;
    host(stepper, 'preempt');
    expect(execution.runnable(1)).toBe(false);
    const state = unmapUpToTheMark(stepper);
    expect(stepper.goOn(0)).toBe(true);
    expect(ipis(stepper)).toBe(0);
    expect(machine.memory.read64(state)).toBe(KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB);
    expect([...machine.processor(1).mmu.cached()]).not.toEqual([]);
    host(stepper, 'enter');
    expect([...machine.processor(1).mmu.cached()]).toEqual([]);
    expect(machine.memory.read64(state)).toBe(0n);
    expect(stepper.access(1, 0, 'read')).toBe('SIGSEGV');
    expect(stepper.reported()).toEqual([]);
  });

  it('is reported, if the host does not look at what the guest has left there', () => {
    const stepper = stepperOf(era);
    host(stepper, 'preempt');
    const state = unmapUpToTheMark(stepper);
    expect(stepper.goOn(0)).toBe(true);
    stepper.system.machine.memory.write64(state, KVM_VCPU_PREEMPTED);
    host(stepper, 'enter');
    expect(stepper.access(1, 0, 'read')).toBe(1n);
    expect(stepper.reported()).toEqual(['stale-frame on 1']);
  });

  it('one that comes back between the look and the mark is called after all', () => {
    const stepper = stepperOf(era);
    host(stepper, 'preempt');
    unmapUpToTheMark(stepper);
    host(stepper, 'enter');
    expect(stepper.goOn(0)).toBe(false);
    expect(ipis(stepper)).toBe(1);
    stepper.answer(1);
    expect(stepper.goOn(0)).toBe(true);
    expect(stepper.access(1, 0, 'read')).toBe('SIGSEGV');
    expect(stepper.reported()).toEqual([]);
  });

  it('one that runs is called, and one that is taken after that answers when it is back', () => {
    const stepper = stepperOf(era);
    stepper.begin(0, stepper.munmap(0, 0));
    expect(stepper.goOn(0)).toBe(false);
    host(stepper, 'preempt');
    expect(stepper.deliver(1)).toBe(1);
    expect([stepper.system.execution.runnable(1), stepper.goOn(0)]).toEqual([false, false]);
    host(stepper, 'enter');
    stepper.handle(1);
    expect(stepper.goOn(0)).toBe(true);
    expect(stepper.reported()).toEqual([]);
  });
});

describe('the host', () => {
  it('leaves the guest with nothing in the store buffer, and walks nothing for it meanwhile', () => {
    const stepper = new Stepper({ era: 'E5', switches: { kvm: true, speculation: true } });
    const { machine } = stepper.system;
    stepper.access(1, 1, 'write');
    expect(machine.processor(1).storeBuffer.size).toBeGreaterThan(0);
    host(stepper, 'preempt');
    expect(machine.processor(1).storeBuffer.size).toBe(0);
    const before = machine.processor(1).mmu.counters.speculativeWalks;
    machine.processor(1).mmu.evict(stepper.at(2));
    stepper.complete(0, stepper.mprotect(0, 2, 1));
    expect(machine.processor(1).mmu.counters.speculativeWalks).toBe(before);
  });

  it('is there only where it is asked for', () => {
    const { machine } = new Stepper({ era: 'E5' }).system;
    expect([machine.host, machine.hostSteps()]).toEqual([null, []]);
  });

  it('comes to an end', () => {
    const { machine } = stepperOf('E5').system;
    let taken = 0;
    for (;;) {
      const step = machine.hostSteps()[0];
      if (step === undefined) break;
      if (step.kind === 'preempt') taken++;
      machine.takeHostStep(step);
    }
    expect(taken).toBe(64);
  });
});
