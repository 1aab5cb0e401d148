/**
 * Kernel code that takes no steps: straight against memory, all at once. For what is there before the first processor
 * runs, and for address spaces that a workload brings along from outside.
 */
import { addressInFrame, type FrameNumber, PAGE_BYTES } from '../arch/address.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { Hardware, Kernel } from './hardware.ts';

/** Runs code that only loads, stores, zeroes frames and takes free locks. */
export function run_early<T>(hardware: Hardware, code: Kernel<T>): T {
  let next = code.next();
  while (!next.done) {
    const action = next.value;
    let result = 0n;
    if (action.kind === 'load') result = hardware.peek(action.address);
    else if (action.kind === 'store') hardware.poke(action.address, action.value);
    else if (action.kind === 'acquire') hardware.poke(action.address, 1n);
    else if (action.kind === 'zero-frame') zero_frame(hardware, action.frame);
    else throw new UnsupportedError(`${action.kind} in code that takes no steps`);
    next = code.next(result);
  }
  return next.value;
}

/** Leaves alone what is zero already: memory that was never written costs nothing. */
function zero_frame(hardware: Hardware, frame: FrameNumber): void {
  for (let offset = 0; offset < PAGE_BYTES; offset += 8) {
    const address = addressInFrame(frame, offset);
    if (hardware.peek(address) !== 0n) hardware.poke(address, 0n);
  }
}
