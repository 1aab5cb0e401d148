/**
 * One execution of a scenario whose every step somebody else chooses: what processors and hardware can do now, and what
 * came of the latest step. Booting is not part of it: the processors come up in the same way each time.
 */
import { frameOf } from '../../arch/address.ts';
import { printInvlpgb } from '../../arch/invlpgb.ts';
import { assert, present, unreachable } from '../../base/assert.ts';
import { UnsupportedError } from '../../base/errors.ts';
import type { Footprint } from '../../explore/footprint.ts';
import type { System as ExploredSystem, Violation } from '../../explore/model.ts';
import type { Broadcast } from '../../machine/broadcasts.ts';
import { causeOfDeath } from '../guest-death.ts';
import type { Disappointment, ScenarioWorld } from '../scenario-world.ts';
import type { System } from '../system.ts';
import type { FootprintRecorder } from './footprint-recorder.ts';
import { nameOfNextAction } from './name-of-action.ts';
import type { ScenarioStep } from './scenario-step.ts';
import type { SystemState } from './system-state.ts';
import { identifyFinding, identifyViolation } from './violation-identity.ts';

export class ExploredScenario implements ExploredSystem<ScenarioStep> {
  readonly system: System;
  readonly world: ScenarioWorld;
  /** What each thread has seen so far, by its name. */
  readonly #seen = new Map<string, Sighting[]>();
  readonly #known = { violations: 0, findings: 0, disappointments: 0 };
  #death: string | null = null;
  #latest: Violation | null = null;

  readonly #recorder: FootprintRecorder;
  #footprint: Footprint = { reads: [], writes: [], everything: true };

  readonly #state: SystemState;
  /** What has been found, in order. */
  readonly #found: string[] = [];

  constructor(
    system: System,
    world: ScenarioWorld,
    { recorder, state }: { readonly recorder: FootprintRecorder; readonly state: SystemState },
  ) {
    this.system = system;
    this.world = world;
    this.#recorder = recorder;
    this.#state = state;
    state.world = world;
    world.touched = recorder.touch;
    world.accessed = ({ declaration }, place, seen) => {
      const sightings = this.#seen.get(declaration.name) ?? [];
      const what = `${place.line}:${seen === null ? 'fault' : seen}`;
      const last = sightings.at(-1);
      if (last?.what === what) last.times++;
      else sightings.push({ what, times: 1 });
      this.#seen.set(declaration.name, sightings);
    };
  }

  enabled(): ScenarioStep[] {
    if (this.#death !== null) return [];
    const { execution, machine } = this.system;
    const steps: ScenarioStep[] = [];
    for (const { index } of machine.processors) {
      if (execution.runnable(index)) {
        steps.push({ kind: 'processor', processor: index, at: nameOfNextAction(execution, index) });
      }
    }
    for (const { index, storeBuffer } of machine.processors) {
      const oldest = storeBuffer.waiting[0];
      if (oldest !== undefined) {
        const { address } = oldest;
        const value = oldest.value.toString(16);
        const paging = machine.memory.isPagingStructure(frameOf(address));
        steps.push({ kind: 'drain', processor: index, address, value, paging });
      }
    }
    const flights = machine.bus.inFlight.map(({ target, sender, vector }) => ({ processor: target, sender, vector }));
    for (const [at, flight] of flights.entries()) {
      if (flights.findIndex((other) => isSameFlight(other, flight)) === at) steps.push({ kind: 'deliver', ...flight });
    }
    const broadcasts = machine.broadcasts.inFlight.map(invalidation);
    for (const [at, step] of broadcasts.entries()) {
      if (broadcasts.findIndex((other) => isSameBroadcast(other, step)) === at) steps.push(step);
    }
    return steps;
  }

  /** Throws UnsupportedError where the guest asks for what is not modelled: that is no verdict about it. */
  apply(step: ScenarioStep): void {
    this.#latest = null;
    const recorder = this.#recorder;
    recorder.running = step.processor;
    if (recorder.on) this.#beginFootprint(step);
    try {
      this.#take(step);
    } catch (error) {
      if (error instanceof UnsupportedError) throw error;
      this.#death = causeOfDeath(error);
    }
    this.#state.stepped(step.processor);
    this.#latest = this.#lookForNews();
    if (this.#latest !== null) this.#found.push(this.#latest.id);
    // With the guest dies everything else that could have happened.
    if (recorder.on) this.#footprint = { ...recorder.end(), everything: this.#death !== null };
  }

  observe(on: boolean): void {
    this.#recorder.on = on;
  }

  fingerprint(into: Uint32Array): void {
    const { memory } = this.system.machine;
    memory.watch(null);
    const seen = [...this.#seen].map(([thread, sightings]) => `${thread} ${sightings.map(printSighting).join(' ')}`);
    this.#state.fingerprint(into, [...seen.sort(), ...this.#found, this.#death ?? '']);
    this.observe(this.#recorder.on);
  }

  footprint(): Footprint {
    return this.#footprint;
  }

  condition(step: ScenarioStep): Footprint {
    const recorder = this.#recorder;
    const { on } = recorder;
    recorder.on = true;
    this.#beginFootprint(step);
    const footprint = recorder.end();
    recorder.on = on;
    return footprint;
  }

  /** Processors that stand at something that they have to wait for. */
  blocked(): ScenarioStep[] {
    if (this.#death !== null) return [];
    const { execution, machine } = this.system;
    const steps: ScenarioStep[] = [];
    for (const { index } of machine.processors) {
      if (!execution.busy(index) || execution.runnable(index)) continue;
      steps.push({ kind: 'processor', processor: index, at: nameOfNextAction(execution, index) });
    }
    return steps;
  }

  /** What the guest died of. */
  get death(): string | null {
    return this.#death;
  }

  violation(): Violation | null {
    return this.#latest;
  }

  /** What every thread read and wrote, by line of the scenario; null where threads wait for what nobody will do. */
  outcome(): string | null {
    if (this.#death !== null) return this.#death;
    if (!this.world.over) return null;
    return [...this.#seen]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([thread, sightings]) => `${thread} ${sightings.map(printSighting).join(' ')}`)
      .join(' | ');
  }

  #beginFootprint(step: ScenarioStep): void {
    const recorder = this.#recorder;
    recorder.begin();
    if (step.kind !== 'processor') {
      recorder.hardwareStep(step.kind, step.processor, 'sender' in step ? step.sender : step.processor);
      return;
    }
    const { execution } = this.system;
    recorder.processorStep(step.processor, execution.nextAction(step.processor));
    // What is asked to find out whether it can be taken is what it waits for.
    execution.runnable(step.processor);
  }

  #take(step: ScenarioStep): void {
    const { execution, machine } = this.system;
    switch (step.kind) {
      case 'processor':
        execution.step(step.processor);
        return;
      case 'drain':
        machine.takeHardwareStep({ kind: 'drain', processor: step.processor });
        return;
      case 'deliver': {
        const ipi = machine.bus.inFlight.find((each) => isSameFlight({ ...each, processor: each.target }, step));
        assert(ipi !== undefined, `an IPI from processor ${step.sender} to ${step.processor} is in flight`);
        machine.takeHardwareStep({ kind: 'deliver', ipi });
        return;
      }
      case 'invalidate': {
        const broadcast = machine.broadcasts.inFlight.find((each) => isSameBroadcast(invalidation(each), step));
        assert(broadcast !== undefined, `an INVLPGB of processor ${step.sender} is on its way to ${step.processor}`);
        machine.takeHardwareStep({ kind: 'invalidate', broadcast });
        return;
      }
      default:
        unreachable(step);
    }
  }

  /** What there is since the step before: what the hardware shows first, then the kernel's own word, then the text's. */
  #lookForNews(): Violation | null {
    const { detector } = this.system;
    const { disappointments } = this.world;
    const before = { ...this.#known };
    this.#known.violations = detector?.violations.length ?? 0;
    this.#known.findings = detector?.findingCount ?? 0;
    this.#known.disappointments = disappointments.length;
    if (detector !== null && this.#known.violations > before.violations) {
      return identifyViolation(present(detector.violations[before.violations], 'the new violation'));
    }
    if (detector !== null && this.#known.findings > before.findings) {
      return identifyFinding(present(detector.findings[before.findings], 'the new finding'));
    }
    if (this.#death !== null) return { id: `died: ${this.#death}`, message: `the guest died: ${this.#death}` };
    const disappointment = disappointments[before.disappointments];
    return disappointment === undefined ? null : unexpected(disappointment);
  }
}

/** The value, or the fault, that an access at a line came to, so many times in a row. */
interface Sighting {
  readonly what: string;
  times: number;
}

function printSighting({ what, times }: Sighting): string {
  return times === 1 ? what : `${what}*${times}`;
}

interface Flight {
  readonly processor: number;
  readonly sender: number;
  readonly vector: number;
}

function isSameFlight(a: Flight, b: Flight): boolean {
  return a.processor === b.processor && a.sender === b.sender && a.vector === b.vector;
}

type Invalidation = ScenarioStep & { readonly kind: 'invalidate' };

function invalidation({ sender, target, operand }: Broadcast): Invalidation {
  return { kind: 'invalidate', processor: target, sender, operand: printInvlpgb(operand) };
}

function isSameBroadcast(a: Invalidation, b: Invalidation): boolean {
  return a.processor === b.processor && a.sender === b.sender && a.operand === b.operand;
}

function unexpected({ thread, place, message }: Disappointment): Violation {
  return { id: `unexpected: line ${place.line}: ${message}`, message: `${thread}, line ${place.line}: ${message}` };
}
