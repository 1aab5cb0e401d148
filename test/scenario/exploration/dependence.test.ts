import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../src/explore/audit.ts';
import { Hash } from '../../../src/explore/hash.ts';
import type { Model } from '../../../src/explore/model.ts';
import { ScenarioModel } from '../../../src/scenario/exploration/scenario-model.ts';
import type { ScenarioStep } from '../../../src/scenario/exploration/scenario-step.ts';
import { scenarioOptions } from '../../../src/scenario/scenario-run.ts';
import type { System } from '../../../src/scenario/system.ts';
import { parseScenario } from '../../../src/workload/scenario-parser.ts';

/** The scenario with its state made visible to the audit: memory, buffers, what is cached, IPIs, interrupt flags. */
function model(name: string, era: string): Model<ScenarioStep> {
  const file = `fixtures/explore/${name}.tlb`;
  const scenario = parseScenario(readFileSync(file, 'utf8'), file);
  const system = scenarioOptions(scenario, file, { era, memory: 1, detect: true });
  const explored = new ScenarioModel({ scenario, file, system });
  return {
    threads: explored.threads,
    thread: (step) => explored.thread(step),
    key: (step) => explored.key(step),
    dependent: (a, b) => explored.dependent(a, b),
    create() {
      const execution = explored.create();
      return {
        enabled: () => execution.enabled(),
        apply: (step) => execution.apply(step),
        outcome: () => execution.outcome(),
        fingerprint: (into) => hashState(execution.system, into),
      };
    },
  };
}

function hashState({ machine }: System, into: Uint32Array): void {
  const hash = new Hash();
  const words = new Uint32Array(machine.memory.buffer);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? 0;
    if (word === 0) continue;
    hash.word(at);
    hash.word(word);
  }
  for (const { mmu, storeBuffer, interruptsEnabled, apic } of machine.processors) {
    for (const { address, value } of storeBuffer.waiting) hash.text(`${address} ${value}`);
    const cached = [...mmu.cached()].map(({ kind, page, pcid }) => `${kind} ${page} ${pcid}`);
    hash.text(cached.sort().join(','));
    hash.text(`${mmu.control.cr3} ${interruptsEnabled} ${apic.pendingVector(true)}`);
  }
  const flights = machine.bus.inFlight.map(({ sender, target, vector }) => `${sender} ${target} ${vector}`);
  hash.text(flights.sort().join(','));
  hash.finish(into);
}

describe('steps that are called independent', () => {
  it.each([
    { name: 'two-flushers', era: 'E1' },
    { name: 'flush-meets-newcomer', era: 'E1-no-wait' },
    { name: 'flush-meets-absentee', era: 'E3' },
    { name: 'flush-meets-returner', era: 'E9' },
  ])('commute: $name under $era', { timeout: 60_000 }, ({ name, era }) => {
    const { complaints, pairs } = audit(model(name, era), { executions: 2, seed: 3, stepsPerExecution: 130 });
    expect(complaints).toEqual([]);
    expect(pairs).toBeGreaterThan(10);
  });

  it('are not those of two processors: the audit objects to that', { timeout: 60_000 }, () => {
    const careless = { ...model('two-flushers', 'E1'), dependent: () => false };
    const { complaints } = audit(careless, { executions: 1, seed: 3, stepsPerExecution: 160 });
    expect(complaints).toHaveLength(1);
  });
});
