/** Names what a processor stands at, so that two executions that stand at the same action give the same name. */
import { printInvlpgb } from '../../arch/invlpgb.ts';
import { assert, unreachable } from '../../base/assert.ts';
import type { Execution, ProcessorAction } from '../execution.ts';

/** The processor must be runnable. */
export function nameOfNextAction(execution: Execution, processor: number): string {
  const vector = execution.machine.processor(processor).pendingInterrupt();
  if (vector !== null) return `interrupt ${vector}`;
  const action = execution.nextAction(processor);
  assert(action !== null, `processor ${processor} stands at an action`);
  return nameOf(action);
}

function nameOf(action: ProcessorAction): string {
  switch (action.kind) {
    case 'load':
    case 'wait':
    case 'acquire':
      return `${action.kind} ${action.address.toString(16)}`;
    case 'store':
      return `store ${action.address.toString(16)} ${action.value.toString(16)}`;
    case 'locked':
      return `${action.operation} ${action.address.toString(16)} ${action.operand.toString(16)} ${action.expected ?? ''}`;
    case 'mov-to-cr3':
    case 'mov-to-cr4':
      return `${action.kind} ${action.value.toString(16)}`;
    case 'invlpg':
      return `invlpg ${action.address.toString(16)}`;
    case 'invpcid':
      return `invpcid ${action.type} ${action.pcid} ${action.address.toString(16)}`;
    case 'invlpgb':
      return `invlpgb ${printInvlpgb(action.operand)}`;
    case 'interrupts':
      return action.enabled ? 'sti' : 'cli';
    case 'send-ipi':
      return `send-ipi ${action.vector} ${action.targets.join(' ')}`;
    case 'access':
      return `${action.access.kind} ${action.address.toString(16)} ${(action.value ?? 0n).toString(16)}`;
    case 'user-copy':
      return `user-copy ${action.write ? 'to' : 'from'} ${action.address.toString(16)} ${action.bytes.length}`;
    case 'user-locked':
      return `user-locked ${action.address.toString(16)}`;
    case 'fill-frame':
      return `fill-frame ${action.frame}`;
    case 'zero-frame':
      return `zero-frame ${action.frame}`;
    case 'copy-frame':
      return `copy-frame ${action.from} ${action.to}`;
    case 'fence':
    case 'mov-from-cr3':
    case 'mov-from-cr4':
    case 'tlbsync':
    case 'end-of-interrupt':
    case 'idle':
    case 'hardware':
    case 'instructions':
      return action.kind;
    default:
      return unreachable(action);
  }
}
