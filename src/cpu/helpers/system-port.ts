/** Helpers of input and output (SDM 1 19; SDM 2A IN, INS; 2B OUT, OUTS). */
import { type Exception, generalProtection } from '../exception.ts';
import type { SystemState } from '../system/system-state.ts';
import { bitmapAllows } from '../system/task-state.ts';
import type { Helper } from './helper.ts';
import { checked } from './system-access.ts';

/** IOPL, or the bitmap (SDM 1 19.5). */
function faultOfPort(state: SystemState, port: number, bytes: number): Exception | undefined {
  if (state.cpl <= state.iopl) return undefined;
  const allowed = bitmapAllows(state, port, bytes);
  if (typeof allowed !== 'boolean') return allowed;
  return allowed ? undefined : generalProtection;
}

export const systemPortHelpers = {
  /** Port, bytes: whether the access may be made at all. */
  checkPort: checked(2, 0, generalProtection, (state, [port, bytes]) =>
    faultOfPort(state, Number(port), Number(bytes)),
  ),
  /** Port, bytes: to the value. */
  readPort: checked(2, 1, generalProtection, (state, [port, bytes]) =>
    BigInt(state.port.readPort(Number(port), Number(bytes)) >>> 0),
  ),
  /** Port, bytes, value. */
  writePort: checked(3, 0, generalProtection, (state, [port, bytes, value]) => {
    state.port.writePort(Number(port), Number(bytes), Number(value));
    return undefined;
  }),
} as const satisfies Record<string, Helper>;
