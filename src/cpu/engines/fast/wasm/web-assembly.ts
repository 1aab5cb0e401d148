/** The part of the host's WebAssembly that we use; every browser and Node has it. */

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export type WasmFunction = (...values: number[]) => number;

export interface WasmTable {
  set(index: number, to: WasmFunction): void;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, WasmFunction>>;
}

/** An imported function takes and gives 32-bit integers. */
export type WasmImport = WasmFunction | WasmMemory | WasmTable;

interface Host {
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => WasmMemory;
  readonly Table: new (
    kind: { readonly element: 'anyfunc'; readonly initial: number },
    fill: WasmFunction,
  ) => WasmTable;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, WasmImport>>>>,
  ) => WasmInstance;
}

declare const WebAssembly: Host;

/** Bytes of a page of WebAssembly memory. */
export const wasmPageBytes = 65_536;

export function createMemory(bytes: number): WasmMemory {
  const pages = Math.ceil(bytes / wasmPageBytes);
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}

/** Every element is the same at first. */
export function createTable(size: number, fill: WasmFunction): WasmTable {
  return new WebAssembly.Table({ element: 'anyfunc', initial: size }, fill);
}

/** Compiles and links at once. */
export function instantiate(
  bytes: Uint8Array<ArrayBuffer>,
  imports: Readonly<Record<string, Readonly<Record<string, WasmImport>>>>,
): WasmInstance {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
}
