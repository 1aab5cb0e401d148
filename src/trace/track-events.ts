/**
 * Perfetto's native trace: tracks, and events on them, as TracePackets (perfetto.dev, "Writing TrackEvent Protos
 * Synthetically"; field numbers from trace_packet.proto, track_event.proto, track_descriptor.proto and
 * counter_descriptor.proto). Bytes go out in chunks as they fill.
 */
import { ProtobufWriter } from './protobuf.ts';

const Trace = { packet: 1 } as const;
const TracePacket = {
  timestamp: 8,
  trustedPacketSequenceId: 10,
  trackEvent: 11,
  sequenceFlags: 13,
  trackDescriptor: 60,
} as const;
const TrackDescriptor = {
  uuid: 1,
  name: 2,
  process: 3,
  parentUuid: 5,
  counter: 8,
  childOrdering: 11,
  siblingOrderRank: 12,
} as const;
const ProcessDescriptor = { pid: 1, processName: 6 } as const;
const TrackEvent = {
  debugAnnotations: 4,
  type: 9,
  trackUuid: 11,
  categories: 22,
  name: 23,
  counterValue: 30,
  flowIds: 47,
  terminatingFlowIds: 48,
} as const;
const DebugAnnotation = { uintValue: 3, stringValue: 6, name: 10 } as const;

const Type = { sliceBegin: 1, sliceEnd: 2, instant: 3, counter: 4 } as const;
const EXPLICIT_ORDER = 3;
const INCREMENTAL_STATE_CLEARED = 1;
const SEQUENCE = 1;

/** A track, by its uuid. */
export type Track = number;

/** What a slice or an instant shows. */
export interface Mark {
  readonly name: string;
  readonly category: string;
  readonly details?: Readonly<Record<string, string | number>>;
  /** Flows that pass through, and flows that end here: an arrow joins the marks that share one. */
  readonly flows?: readonly number[];
  readonly flowsEnding?: readonly number[];
}

export class TrackEventWriter {
  readonly #write: (chunk: Uint8Array) => void;
  readonly #chunkBytes: number;
  readonly #out = new ProtobufWriter();
  readonly #packet = new ProtobufWriter();
  readonly #body = new ProtobufWriter();
  readonly #part = new ProtobufWriter();
  #tracks = 0;
  #packets = 0;

  constructor(write: (chunk: Uint8Array) => void, chunkBytes = 1 << 16) {
    this.#write = write;
    this.#chunkBytes = chunkBytes;
  }

  /** The group that tracks stand under, in the order of their ranks. */
  group(name: string): Track {
    const track = this.#beginTrack(null, 0);
    this.#part.clear();
    this.#part.natural(ProcessDescriptor.pid, track);
    this.#part.text(ProcessDescriptor.processName, name);
    this.#body.message(TrackDescriptor.process, this.#part);
    this.#body.natural(TrackDescriptor.childOrdering, EXPLICIT_ORDER);
    this.#endTrack();
    return track;
  }

  track(name: string, parent: Track, rank: number): Track {
    const track = this.#beginTrack(parent, rank);
    this.#body.text(TrackDescriptor.name, name);
    this.#body.natural(TrackDescriptor.childOrdering, EXPLICIT_ORDER);
    this.#endTrack();
    return track;
  }

  counterTrack(name: string, parent: Track, rank: number): Track {
    const track = this.#beginTrack(parent, rank);
    this.#body.text(TrackDescriptor.name, name);
    this.#part.clear();
    this.#body.message(TrackDescriptor.counter, this.#part);
    this.#endTrack();
    return track;
  }

  /** Slices of one track nest: each end is the end of the youngest. */
  begin(track: Track, time: number, mark: Mark): void {
    this.#mark(Type.sliceBegin, track, time, mark);
  }

  end(track: Track, time: number): void {
    this.#event(Type.sliceEnd, track);
    this.#endEvent(time);
  }

  instant(track: Track, time: number, mark: Mark): void {
    this.#mark(Type.instant, track, time, mark);
  }

  counter(track: Track, time: number, value: number): void {
    this.#event(Type.counter, track);
    this.#body.natural(TrackEvent.counterValue, value);
    this.#endEvent(time);
  }

  /** Writes what is left. */
  flush(): void {
    if (this.#out.length > 0) this.#write(this.#out.bytes());
    this.#out.clear();
  }

  #beginTrack(parent: Track | null, rank: number): Track {
    const track = ++this.#tracks;
    this.#body.clear();
    this.#body.natural(TrackDescriptor.uuid, track);
    if (parent !== null) {
      this.#body.natural(TrackDescriptor.parentUuid, parent);
      this.#body.natural(TrackDescriptor.siblingOrderRank, rank);
    }
    return track;
  }

  #endTrack(): void {
    this.#packet.clear();
    this.#packet.message(TracePacket.trackDescriptor, this.#body);
    this.#endPacket();
  }

  #event(type: number, track: Track): void {
    this.#body.clear();
    this.#body.natural(TrackEvent.type, type);
    this.#body.natural(TrackEvent.trackUuid, track);
  }

  #mark(type: number, track: Track, time: number, { name, category, details, flows, flowsEnding }: Mark): void {
    this.#event(type, track);
    this.#body.text(TrackEvent.categories, category);
    this.#body.text(TrackEvent.name, name);
    for (const [key, value] of Object.entries(details ?? {})) {
      this.#part.clear();
      this.#part.text(DebugAnnotation.name, key);
      if (typeof value === 'number') this.#part.natural(DebugAnnotation.uintValue, value);
      else this.#part.text(DebugAnnotation.stringValue, value);
      this.#body.message(TrackEvent.debugAnnotations, this.#part);
    }
    for (const flow of flows ?? []) this.#body.fixed64(TrackEvent.flowIds, flow);
    for (const flow of flowsEnding ?? []) this.#body.fixed64(TrackEvent.terminatingFlowIds, flow);
    this.#endEvent(time);
  }

  #endEvent(time: number): void {
    this.#packet.clear();
    this.#packet.natural(TracePacket.timestamp, time);
    this.#packet.message(TracePacket.trackEvent, this.#body);
    this.#endPacket();
  }

  #endPacket(): void {
    this.#packet.natural(TracePacket.trustedPacketSequenceId, SEQUENCE);
    if (this.#packets++ === 0) this.#packet.natural(TracePacket.sequenceFlags, INCREMENTAL_STATE_CLEARED);
    this.#out.message(Trace.packet, this.#packet);
    if (this.#out.length >= this.#chunkBytes) this.flush();
  }
}
