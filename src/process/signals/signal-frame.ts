/**
 * The frame that a signal handler runs on (struct rt_sigframe): return address, ucontext, siginfo, and beside them an
 * FXSAVE image; and the way back by rt_sigreturn.
 */
import { SA, SS } from '../../arch/linux-signal.ts';
import type { Kernel } from '../../kernel/hardware.ts';
import type { AlternateStack, Thread } from '../thread.ts';
import { copyToUser, readBytes } from '../user-memory.ts';
import { general, RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP, type UserRegisters } from '../user-registers.ts';
import { IMAGE_BYTES, resetFloatingPoint, restoreFloatingPoint, saveFloatingPoint } from './floating-point-image.ts';
import type { SignalAction } from './signal-actions.ts';
import { encodeSignalInfo, type SignalInfo, signalBit } from './signal-info.ts';

const RED_ZONE = 128n;
const CONTEXT = 8;
const MACHINE_CONTEXT = CONTEXT + 40;
const MASK = MACHINE_CONTEXT + 256;
const INFO = MASK + 8;
const FRAME_BYTES = INFO + 128;

/** UC_SIGCONTEXT_SS and UC_STRICT_RESTORE_SS. */
const CONTEXT_FLAGS = 6n;
const USER_CS = 0x33;
const USER_SS = 0x2b;

/** In the order of struct sigcontext: r8 to r15 come before these. */
const SAVED = [RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP] as const;

/** Flags that a program may set by itself. */
const RESTORABLE_FLAGS = 0x0024_0dd5;
/** TF, DF and RF: clear when a handler starts. */
const CLEARED_FLAGS = 0x1_0500;

/** Makes the thread run the handler next. Throws Segfault when its stack cannot hold the frame. */
export function* pushSignalFrame(thread: Thread, action: SignalAction, info: SignalInfo): Kernel<void> {
  const { registers } = thread;
  const image = (stackTop(thread, action) - BigInt(IMAGE_BYTES)) & ~63n;
  const frame = ((image - BigInt(FRAME_BYTES)) & ~15n) - 8n;
  const bytes = new Uint8Array(FRAME_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, action.restorer, true);
  view.setBigUint64(CONTEXT, CONTEXT_FLAGS, true);
  writeStack(view, CONTEXT + 16, thread.alternateStack);
  writeRegisters(view, registers);
  const { trap } = info;
  view.setBigUint64(MACHINE_CONTEXT + 152, BigInt(trap?.errorCode ?? 0), true);
  view.setBigUint64(MACHINE_CONTEXT + 160, BigInt(trap?.vector ?? 0), true);
  view.setBigUint64(MACHINE_CONTEXT + 168, thread.blocked, true);
  view.setBigUint64(MACHINE_CONTEXT + 176, trap?.address ?? 0n, true);
  view.setBigUint64(MACHINE_CONTEXT + 184, image, true);
  view.setBigUint64(MASK, thread.savedMask ?? thread.blocked, true);
  bytes.set(encodeSignalInfo(info), INFO);
  yield* copyToUser(BigInt.asUintN(64, image), saveFloatingPoint(registers));
  yield* copyToUser(BigInt.asUintN(64, frame), bytes);

  thread.savedMask = null;
  thread.blocked |= action.mask | ((action.flags & BigInt(SA.SA_NODEFER)) === 0n ? signalBit(info.signal) : 0n);
  resetFloatingPoint(registers);
  registers.general[RDI] = BigInt(info.signal);
  registers.general[RSI] = frame + BigInt(INFO);
  registers.general[RDX] = frame + BigInt(CONTEXT);
  registers.general[RAX] = 0n;
  registers.general[RSP] = frame;
  registers.rip = action.handler;
  registers.rflags &= ~CLEARED_FLAGS;
}

/** rt_sigreturn: the registers and the mask of the frame just below the stack pointer. Throws Segfault. */
export function* popSignalFrame(thread: Thread): Kernel<void> {
  const { registers } = thread;
  const frame = BigInt.asUintN(64, general(registers, RSP) - 8n);
  const bytes = yield* readBytes(frame, FRAME_BYTES);
  const view = new DataView(bytes.buffer);
  const image = view.getBigUint64(MACHINE_CONTEXT + 184, true);
  const floating = image === 0n ? null : yield* readBytes(image, IMAGE_BYTES);
  for (let index = 0; index < 8; index++) {
    registers.general[8 + index] = view.getBigUint64(MACHINE_CONTEXT + 8 * index, true);
  }
  for (const [index, register] of SAVED.entries()) {
    registers.general[register] = view.getBigUint64(MACHINE_CONTEXT + 64 + 8 * index, true);
  }
  registers.rip = view.getBigUint64(MACHINE_CONTEXT + 128, true);
  const flags = Number(view.getBigUint64(MACHINE_CONTEXT + 136, true) & 0xffff_ffffn);
  registers.rflags = (registers.rflags & ~RESTORABLE_FLAGS) | (flags & RESTORABLE_FLAGS);
  if (floating === null) resetFloatingPoint(registers);
  else restoreFloatingPoint(registers, floating);
  thread.blocked = view.getBigUint64(MASK, true);
  thread.alternateStack = readStack(view, CONTEXT + 16);
}

/** Whether the thread runs on its alternate stack. */
export function onAlternateStack({ alternateStack, registers }: Thread): boolean {
  const { address, size } = alternateStack;
  const pointer = general(registers, RSP);
  return pointer > address && pointer - address <= size;
}

function stackTop(thread: Thread, { flags }: SignalAction): bigint {
  const { address, size, flags: stackFlags } = thread.alternateStack;
  const wanted = (flags & BigInt(SA.SA_ONSTACK)) !== 0n && (stackFlags & SS.SS_DISABLE) === 0;
  return wanted && !onAlternateStack(thread) ? address + size : general(thread.registers, RSP) - RED_ZONE;
}

function writeRegisters(view: DataView, registers: UserRegisters): void {
  for (let index = 0; index < 8; index++) {
    view.setBigUint64(MACHINE_CONTEXT + 8 * index, general(registers, 8 + index), true);
  }
  for (const [index, register] of SAVED.entries()) {
    view.setBigUint64(MACHINE_CONTEXT + 64 + 8 * index, general(registers, register), true);
  }
  view.setBigUint64(MACHINE_CONTEXT + 128, registers.rip, true);
  view.setBigUint64(MACHINE_CONTEXT + 136, BigInt(registers.rflags >>> 0), true);
  view.setUint16(MACHINE_CONTEXT + 144, USER_CS, true);
  view.setUint16(MACHINE_CONTEXT + 150, USER_SS, true);
}

/** stack_t. */
export function writeStack(view: DataView, at: number, { address, size, flags }: AlternateStack): void {
  view.setBigUint64(at, address, true);
  view.setInt32(at + 8, flags, true);
  view.setBigUint64(at + 16, size, true);
}

export function readStack(view: DataView, at: number): AlternateStack {
  return {
    address: view.getBigUint64(at, true),
    flags: view.getInt32(at + 8, true),
    size: view.getBigUint64(at + 16, true),
  };
}
