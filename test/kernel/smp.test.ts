/** Calls between processors: every target runs every call once, with interrupts off, and nobody waits for ever. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { cpumask_of } from '../../src/kernel/cpumask.ts';
import type { Kernel } from '../../src/kernel/hardware.ts';
import { KernelCore } from '../../src/kernel/kernel_core.ts';
import { CALL_FUNCTION_VECTOR } from '../../src/kernel/smp.ts';
import { Driver } from './driver.ts';
import { runAtRandom } from './schedule.ts';

const ALL = -1n;

class Calls {
  readonly driver: Driver;
  readonly core: KernelCore;
  readonly ran: string[] = [];

  constructor(processors: number, online = processors) {
    this.driver = new Driver({ processors, storeBuffers: true });
    this.core = new KernelCore(this.driver, { dataFrames: 4 });
    this.driver.interrupt = (cpu, vector) => this.core.interrupt(cpu, vector);
    for (let cpu = 0; cpu < online; cpu++) {
      this.driver.cpu(cpu).interruptsEnabled = true;
      this.core.irqentry_exit(cpu, false);
    }
    this.driver.poke(this.core.online.address, cpumask_of(online) - 1n);
  }

  /** Calls everyone `times` times. */
  *caller(cpu: number, times: number): Kernel<void> {
    for (let call = 0; call < times; call++) {
      const name = `${cpu}.${call}`;
      yield* this.core.smp_call_function_many(cpu, ALL, (target) => this.function(target, name));
      this.ran.push(`${name} returned`);
    }
  }

  *function(target: number, name: string): Kernel<void> {
    expect(this.core.irqs_disabled(target)).toBe(true);
    yield { kind: 'fence' };
    this.ran.push(`${name} on ${target}`);
  }
}

describe('smp_call_function_many', () => {
  it('finishes whoever calls whom, under 3000 random schedules', () => {
    for (let seed = 0; seed < 3000; seed++) {
      const calls = new Calls(3);
      for (let cpu = 0; cpu < 3; cpu++) calls.driver.start(cpu, calls.caller(cpu, 2));
      runAtRandom(calls.driver, new Random(seed));

      for (const name of ['0.0', '0.1', '1.0', '1.1', '2.0', '2.1']) {
        const own = calls.ran.filter((line) => line.startsWith(`${name} `));
        const others = [0, 1, 2].filter((cpu) => cpu !== Number(name[0])).map((cpu) => `${name} on ${cpu}`);
        expect(own.slice(0, 2).toSorted()).toEqual(others);
        expect(own.slice(2)).toEqual([`${name} returned`]);
      }
    }
  });

  it('sends one IPI for two calls that wait together', () => {
    const calls = new Calls(3);
    calls.driver.start(0, calls.caller(0, 1));
    calls.driver.start(1, calls.caller(1, 1));
    const untilWaiting = (cpu: number): void => {
      while (calls.driver.runnable(cpu)) calls.driver.take({ kind: 'run', cpu });
    };
    untilWaiting(0);
    const sent = [...calls.driver.inFlight];
    untilWaiting(1);
    expect(sent).toEqual([
      { target: 1, vector: CALL_FUNCTION_VECTOR },
      { target: 2, vector: CALL_FUNCTION_VECTOR },
    ]);
    expect(calls.driver.inFlight.slice(2)).toEqual([{ target: 0, vector: CALL_FUNCTION_VECTOR }]);
    runAtRandom(calls.driver, new Random(1));
    expect(calls.ran).toContain('0.0 on 2');
    expect(calls.ran).toContain('1.0 on 2');
  });

  it('leaves out processors that are not online', () => {
    const calls = new Calls(3, 2);
    calls.driver.start(0, calls.caller(0, 1));
    runAtRandom(calls.driver, new Random(1));
    expect(calls.ran).toEqual(['0.0 on 1', '0.0 returned']);
  });

  it('refuses to wait with interrupts off', () => {
    const calls = new Calls(2);
    calls.core.irqentry_enter(0);
    expect(() => calls.driver.start(0, calls.caller(0, 1))).toThrow('wait for ever');
  });

  it('would wait for ever: two processors that hold interrupts off and call each other', () => {
    const calls = new Calls(2);
    calls.driver.start(0, calls.caller(0, 1));
    calls.driver.start(1, calls.caller(1, 1));
    calls.driver.cpu(0).interruptsEnabled = false;
    calls.driver.cpu(1).interruptsEnabled = false;
    expect(() => runAtRandom(calls.driver, new Random(1))).toThrow('deadlock');
  });
});

describe('on_each_cpu', () => {
  it('runs here last, with interrupts off', () => {
    const calls = new Calls(3);
    calls.driver.start(
      1,
      calls.core.on_each_cpu(1, (cpu) => calls.function(cpu, 'f')),
    );
    runAtRandom(calls.driver, new Random(7));
    expect(calls.ran.slice(0, 2).toSorted()).toEqual(['f on 0', 'f on 2']);
    expect(calls.ran[2]).toBe('f on 1');
    expect(calls.core.irqs_disabled(1)).toBe(false);
  });
});

describe('without waiting', () => {
  it('a second call waits for the first to leave its slot', () => {
    for (let seed = 0; seed < 200; seed++) {
      const calls = new Calls(2);
      const twice = function* (): Kernel<void> {
        yield* calls.core.smp_call_function_many(0, ALL, (target) => calls.function(target, 'first'), false);
        yield* calls.core.smp_call_function_many(0, ALL, (target) => calls.function(target, 'second'), false);
      };
      calls.driver.start(0, twice());
      runAtRandom(calls.driver, new Random(seed));
      expect(calls.ran).toEqual(['first on 1', 'second on 1']);
    }
  });
});

describe('flush_smp_call_function_queue', () => {
  it('serves a processor that has gone offline before its IPI came', () => {
    const calls = new Calls(2);
    calls.driver.start(0, calls.caller(0, 1));
    while (calls.driver.runnable(0)) calls.driver.take({ kind: 'run', cpu: 0 });
    calls.driver.inFlight = [];
    calls.core.irqentry_enter(1);
    calls.driver.cpu(1).interruptsEnabled = false;
    calls.driver.start(1, calls.core.flush_smp_call_function_queue(1));
    runAtRandom(calls.driver, new Random(1));
    expect(calls.ran).toEqual(['0.0 on 1', '0.0 returned']);
  });
});
