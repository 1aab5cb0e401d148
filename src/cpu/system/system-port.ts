/** What the system instructions ask of the machine around the processor. */
import type { InvlpgbOperand } from '../../arch/invlpgb.ts';

export interface SystemPort {
  /** An I/O port, of 1, 2 or 4 bytes. */
  readPort(port: number, bytes: number): number;
  writePort(port: number, bytes: number, value: number): void;
  /** Model-specific registers that the processor itself does not have: the APIC's, memory types, what the platform adds. */
  readMsr(index: number): bigint | undefined;
  /** Whether there is such a register and it takes the value; else #GP. */
  writeMsr(index: number, value: bigint): boolean;
  /** CR8: bits 7:4 of the task-priority register. */
  taskPriority(): number;
  setTaskPriority(value: number): void;
  /** Sends an INVLPGB to all processors, this one included. */
  invalidateEverywhere(operand: InvlpgbOperand): void;
  /** Waits for those sent. */
  synchronizeTlbs(): void;
}
