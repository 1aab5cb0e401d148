/**
 * Reads a Perfetto trace back, strictly: each message by its own table of fields, and a field that is not in the table,
 * or not of its wire type, is an error. Field numbers and types are those of perfetto's .proto files.
 */

type FieldType = 'varint' | 'fixed64' | 'string' | Schema;
interface Schema {
  readonly [field: number]: readonly [name: string, type: FieldType];
}

const COUNTER_DESCRIPTOR: Schema = {};
const PROCESS_DESCRIPTOR: Schema = { 1: ['pid', 'varint'], 6: ['process_name', 'string'] };
const TRACK_DESCRIPTOR: Schema = {
  1: ['uuid', 'varint'],
  2: ['name', 'string'],
  3: ['process', PROCESS_DESCRIPTOR],
  5: ['parent_uuid', 'varint'],
  8: ['counter', COUNTER_DESCRIPTOR],
  11: ['child_ordering', 'varint'],
  12: ['sibling_order_rank', 'varint'],
};
const DEBUG_ANNOTATION: Schema = {
  3: ['uint_value', 'varint'],
  6: ['string_value', 'string'],
  10: ['name', 'string'],
};
const TRACK_EVENT: Schema = {
  4: ['debug_annotations', DEBUG_ANNOTATION],
  9: ['type', 'varint'],
  11: ['track_uuid', 'varint'],
  22: ['categories', 'string'],
  23: ['name', 'string'],
  30: ['counter_value', 'varint'],
  47: ['flow_ids', 'fixed64'],
  48: ['terminating_flow_ids', 'fixed64'],
};
const TRACE_PACKET: Schema = {
  8: ['timestamp', 'varint'],
  10: ['trusted_packet_sequence_id', 'varint'],
  11: ['track_event', TRACK_EVENT],
  13: ['sequence_flags', 'varint'],
  60: ['track_descriptor', TRACK_DESCRIPTOR],
};
const TRACE: Schema = { 1: ['packet', TRACE_PACKET] };

/** Every occurrence of each field, in order. */
export interface Message {
  readonly [field: string]: readonly (number | string | Message)[];
}

const WIRE = { varint: 0, fixed64: 1, string: 2 } as const;

export function decodeTrace(bytes: Uint8Array): readonly Message[] {
  return children(decode(bytes, TRACE), 'packet');
}

function decode(bytes: Uint8Array, schema: Schema): Message {
  const message: Record<string, (number | string | Message)[]> = {};
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('a varint runs over the end');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error('a field runs over the end');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const entry = schema[tag >>> 3];
    if (entry === undefined) throw new Error(`unknown field ${tag >>> 3}`);
    const [name, type] = entry;
    const wire = typeof type === 'string' ? WIRE[type] : 2;
    if ((tag & 7) !== wire) throw new Error(`${name} has wire type ${tag & 7}, not ${wire}`);
    const values = message[name] ?? [];
    message[name] = values;
    if (type === 'varint') values.push(varint());
    else if (type === 'fixed64') values.push(Number(new DataView(take(8).slice().buffer).getBigUint64(0, true)));
    else {
      const body = take(varint());
      values.push(type === 'string' ? new TextDecoder('utf-8', { fatal: true }).decode(body) : decode(body, type));
    }
  }
  return message;
}

export function children(message: Message, field: string): readonly Message[] {
  return (message[field] ?? []).filter((value): value is Message => typeof value === 'object');
}

/** The only value of a field, or undefined. */
export function only(message: Message, field: string): number | string | Message | undefined {
  const values = message[field] ?? [];
  if (values.length > 1) throw new Error(`${field} is repeated`);
  return values[0];
}

export interface DecodedEvent {
  readonly type: 'begin' | 'end' | 'instant' | 'counter';
  readonly time: number;
  readonly track: string;
  readonly name: string | undefined;
  readonly category: string | undefined;
  readonly value: number | undefined;
  readonly details: Readonly<Record<string, string | number>>;
  readonly flows: readonly number[];
  readonly flowsEnding: readonly number[];
}

/** Tracks as `group/CPU 0/counter`, and all that happens on them, in order. Throws where a track is not declared. */
export function readTrace(bytes: Uint8Array): {
  readonly tracks: readonly string[];
  readonly events: readonly DecodedEvent[];
} {
  const names = new Map<number, string>();
  const events: DecodedEvent[] = [];
  decodeTrace(bytes).forEach((packet, index) => {
    if (only(packet, 'trusted_packet_sequence_id') !== 1) throw new Error('a packet without its sequence');
    if ((only(packet, 'sequence_flags') === 1) !== (index === 0)) throw new Error('state is cleared once, at first');
    for (const descriptor of children(packet, 'track_descriptor')) {
      const parent = only(descriptor, 'parent_uuid');
      const process = children(descriptor, 'process')[0];
      const name = process === undefined ? only(descriptor, 'name') : only(process, 'process_name');
      if (names.has(number(only(descriptor, 'uuid')))) throw new Error('a track is declared twice');
      names.set(number(only(descriptor, 'uuid')), parent === undefined ? String(name) : `${trackName(parent)}/${name}`);
    }
    for (const event of children(packet, 'track_event')) {
      events.push({
        type: (['begin', 'end', 'instant', 'counter'] as const)[number(only(event, 'type')) - 1] ?? fail('type'),
        time: number(only(packet, 'timestamp')),
        track: trackName(only(event, 'track_uuid')),
        name: text(only(event, 'name')),
        category: text(only(event, 'categories')),
        value: event.counter_value === undefined ? undefined : number(only(event, 'counter_value')),
        details: Object.fromEntries(children(event, 'debug_annotations').map(annotation)),
        flows: (event.flow_ids ?? []).map(number),
        flowsEnding: (event.terminating_flow_ids ?? []).map(number),
      });
    }
  });
  return { tracks: [...names.values()], events };

  function trackName(uuid: number | string | Message | undefined): string {
    return names.get(number(uuid)) ?? fail(`track ${uuid}`);
  }
}

function annotation(message: Message): [string, string | number] {
  const value = only(message, 'uint_value') ?? only(message, 'string_value');
  if (typeof value === 'object' || value === undefined) return fail('annotation');
  return [String(only(message, 'name')), value];
}

function number(value: number | string | Message | undefined): number {
  return typeof value === 'number' ? value : fail('number');
}

function text(value: number | string | Message | undefined): string | undefined {
  return value === undefined || typeof value === 'string' ? value : fail('string');
}

function fail(what: string): never {
  throw new Error(`the trace has no ${what}`);
}
