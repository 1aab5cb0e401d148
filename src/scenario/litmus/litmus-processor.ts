/** What a processor of a litmus test stands at: its program, an interrupt handler above it, registers, its stores so far. */
import { PageFaultCode, Vector, type Exception } from '../../arch/page-fault.ts';
import { assert, present } from '../../base/assert.ts';
import type { FaultName } from '../../workload/litmus-ast.ts';
import type { Operation, StoredValue } from './litmus-operation.ts';
import type { ProcessorProgram } from './litmus-program.ts';

/** What a register holds: a number, or how an access ended. */
export type RegisterValue = bigint | Exclude<FaultName, 'fault'> | 'ok';

interface Frame {
  readonly code: readonly Operation[];
  /** Of the interrupt; null for the main program. */
  readonly vector: number | null;
  at: number;
}

export class LitmusProcessor {
  readonly index: number;
  readonly registers = new Map<string, RegisterValue>();
  /** An access has faulted, and the exception is not delivered yet. */
  isFaulting = false;
  /** Pages, by their number in the program, for which it walks no more. */
  readonly resting = new Set<number>();
  /** Stores that have entered the store buffer, and that have left it. */
  entered = 0;
  left = 0;
  readonly #program: ProcessorProgram;
  readonly #frames: Frame[];

  constructor(index: number, program: ProcessorProgram) {
    this.index = index;
    this.#program = program;
    this.#frames = [{ code: program.main, vector: null, at: 0 }];
  }

  /** The operation it stands at; null at the end of the program, or of a handler. */
  get operation(): Operation | null {
    const { code, at } = this.#top;
    return code[at] ?? null;
  }

  /** The vector of the handler that it runs, or null. */
  get vector(): number | null {
    return this.#top.vector;
  }

  /** How far the main program is. */
  get progress(): number {
    return present(this.#frames[0], 'the main program').at;
  }

  /** Where it stands, as text. */
  get position(): string {
    return `${this.#frames.map(({ vector, at }) => `${vector ?? ''}.${at}`).join('/')}${this.isFaulting ? '!' : ''}`;
  }

  get isDone(): boolean {
    return this.#frames.length === 1 && this.operation === null && !this.isFaulting;
  }

  advance(): void {
    this.#top.at++;
  }

  enter(vector: number): void {
    const code = present(this.#program.handlers.get(vector), `a handler of vector ${vector}`);
    this.#frames.push({ code, vector, at: 0 });
  }

  leave(): number {
    const frame = this.#frames.pop();
    assert(frame !== undefined && frame.vector !== null, 'only handlers are left');
    return frame.vector;
  }

  /** A register that was never written, or that tells of a fault, counts as 0. */
  value({ constant, register, set, clear }: StoredValue): bigint {
    if (register === null) return constant;
    const held = this.registers.get(register);
    return ((typeof held === 'bigint' ? held : 0n) | set) & ~clear;
  }

  get #top(): Frame {
    return present(this.#frames.at(-1), 'a frame');
  }
}

/** What the error code of a page fault says (SDM 3A 4.7). */
export function faultName(exception: Exception): Exclude<FaultName, 'fault'> {
  assert(exception.vector === Vector.PF, 'pages of a litmus test have canonical addresses');
  if ((exception.errorCode & PageFaultCode.RSVD) !== 0) return 'reserved';
  return (exception.errorCode & PageFaultCode.P) === 0 ? 'absent' : 'denied';
}
