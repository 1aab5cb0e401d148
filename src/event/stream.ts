/** Where events go. Observers take events and give nothing back, so a run without any is the same run. */
import type { MachineEvent } from './event.ts';

export type Observer = (event: MachineEvent, time: number) => void;

export class EventStream {
  /** Steps of the machine so far: advanced once by whoever executes a step, read by whoever stamps something. */
  time = 0;
  /** Whether anyone listens: lets a producer skip building events. */
  listening = false;
  #observers: Observer[] = [];

  observe(observer: Observer): void {
    this.#observers = [...this.#observers, observer];
    this.listening = true;
  }

  emit(event: MachineEvent): void {
    for (const observer of this.#observers) observer(event, this.time);
  }
}
