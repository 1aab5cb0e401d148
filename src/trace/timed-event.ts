/** An event with the machine step at which it happened. */
import type { MachineEvent } from '../event/event.ts';

export interface TimedEvent {
  /** Steps of the machine since its start. */
  readonly time: number;
  readonly event: MachineEvent;
}
