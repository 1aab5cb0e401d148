/**
 * Who steps next. A seeded scheduler for runs that want variety, and one that lets a single processor finish its work
 * while the others only answer it. Systematic search is `explore`'s.
 */
import type { Random } from '../base/random.ts';
import type { Machine } from '../machine/machine.ts';
import type { Execution } from './execution.ts';

/** Nothing can step and work is left: every processor waits for something that will not come. */
export class Deadlock extends Error {
  override readonly name = 'Deadlock';
}

/** A host takes a step once in so many: long enough for the guest to get somewhere. */
const HOST_PERIOD = 24;

/**
 * Takes one step chosen at random among all that processors and hardware can take; a host's now and then, and when nothing
 * else can go on. False when there is none.
 */
export function stepAtRandom(execution: Execution, random: Random): boolean {
  const { machine } = execution;
  const runnable = machine.processors.filter(({ index }) => execution.runnable(index));
  const hardware = machine.hardwareSteps();
  const choices = runnable.length + hardware.length;
  if (machine.host !== null && (choices === 0 || random.below(HOST_PERIOD) === 0)) {
    if (hostStep(machine, random, choices === 0)) return true;
  }
  if (choices === 0) return false;
  const choice = random.below(choices);
  const processor = runnable[choice];
  if (processor !== undefined) {
    execution.step(processor.index);
    return true;
  }
  const step = hardware[choice - runnable.length];
  if (step !== undefined) machine.takeHardwareStep(step);
  return true;
}

/**
 * Steps one processor until its code has finished, and the others only while it waits for them. Which of those goes
 * first is random. Throws Deadlock when nobody can go on.
 */
export function finish(execution: Execution, processor: number, random: Random): void {
  const { machine } = execution;
  while (execution.busy(processor)) {
    if (execution.runnable(processor)) execution.step(processor);
    else if (!stepAnother(execution, machine, processor, random)) {
      throw new Deadlock(`processor ${processor} waits for something that no other processor will do`);
    }
  }
  while (hasLooseEnds(execution, machine)) {
    if (!stepAtRandom(execution, random)) throw new Deadlock('an interrupt handler waits for ever');
  }
}

/** `must`: nothing else can go on, so that only giving a processor back is of use. */
function hostStep(machine: Machine, random: Random, must: boolean): boolean {
  const steps = machine.hostSteps().filter(({ kind }) => !must || kind === 'enter');
  const step = steps.length === 0 ? undefined : steps[random.below(steps.length)];
  if (step === undefined) return false;
  machine.takeHostStep(step);
  return true;
}

function stepAnother(execution: Execution, machine: Machine, processor: number, random: Random): boolean {
  const others = machine.processors.filter(({ index }) => index !== processor && execution.runnable(index));
  const hardware = machine.hardwareSteps();
  if (others.length + hardware.length === 0) return machine.host !== null && hostStep(machine, random, true);
  const choice = random.below(others.length + hardware.length);
  const other = others[choice];
  const step = hardware[choice - others.length];
  if (other !== undefined) execution.step(other.index);
  else if (step !== undefined) machine.takeHardwareStep(step);
  return true;
}

function hasLooseEnds(execution: Execution, machine: Machine): boolean {
  return (
    machine.bus.inFlight.length > 0 ||
    machine.broadcasts.inFlight.length > 0 ||
    machine.processors.some(({ index }) => execution.runnable(index) || execution.busy(index))
  );
}
