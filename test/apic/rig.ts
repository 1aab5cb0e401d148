/** A few local APICs on one bus, software enabled, and everything that they tell. */
import { ApicBase, ApicMsr } from '../../src/arch/apic-registers.ts';
import type { MachineEvent } from '../../src/event/event.ts';
import { EventStream } from '../../src/event/stream.ts';
import { IpiBus } from '../../src/apic/ipi-bus.ts';
import { LocalApic } from '../../src/apic/local-apic.ts';

export interface Rig {
  readonly bus: IpiBus;
  readonly apics: readonly LocalApic[];
  readonly events: MachineEvent[];
  readonly apic: (processor: number) => LocalApic;
  /** Delivers everything in flight, in the order of sending. */
  readonly deliverAll: () => void;
}

export function rig(ids: readonly number[], mode: 'xAPIC' | 'x2APIC' = 'xAPIC', enabled = true): Rig {
  const stream = new EventStream();
  const events: MachineEvent[] = [];
  stream.observe((event) => events.push(event));
  const bus = new IpiBus(stream);
  const apics = ids.map((id, processor) => {
    const apic = new LocalApic({ id, processor, bus, stream, features: { x2apic: true } });
    bus.attach(apic);
    if (mode === 'x2APIC') toX2apic(apic);
    if (enabled) apic.enable();
    return apic;
  });
  const apic = (processor: number): LocalApic => {
    const found = apics[processor];
    if (found === undefined) throw new Error(`no processor ${processor}`);
    return found;
  };
  const deliverAll = (): void => {
    for (const ipi of [...bus.inFlight]) bus.deliver(ipi);
  };
  return { bus, apics, events, apic, deliverAll };
}

export function toX2apic(apic: LocalApic): void {
  const base = apic.readMsr(ApicMsr.IA32_APIC_BASE);
  if (typeof base !== 'bigint') throw new Error('IA32_APIC_BASE is always readable');
  apic.writeMsr(ApicMsr.IA32_APIC_BASE, base | ApicBase.EXTD);
}

/** Takes every interrupt that may be taken now, without EOI between them. */
export function takeAll(apic: LocalApic): number[] {
  const taken: number[] = [];
  while (apic.pendingVector(true) !== null) taken.push(apic.acknowledge());
  return taken;
}
