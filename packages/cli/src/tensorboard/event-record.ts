import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { crc32c } from "./crc32c.js";

/** A PNG as TensorBoard keeps it. */
export interface EventImage {
  /** The bytes of it. */
  readonly png: Uint8Array;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** What an event says. */
export type EventContent =
  | { readonly kind: "version" }
  /** A sitting begins: what an earlier one wrote of this step and later ones no longer counts. */
  | { readonly kind: "start"; readonly step: number }
  | { readonly kind: "scalars"; readonly step: number; readonly values: Readonly<Record<string, number>> }
  | { readonly kind: "image"; readonly step: number; readonly tag: string; readonly image: EventImage };

/** `SessionLog.START` */
const SESSION_START = 1;
/** Of `Summary.Image`: the number of channels. */
const RGB = 3;
/** What TensorFlow adds to a rotated checksum. */
const MASK = 0xa282ead8;

/**
 * An event as a record of an event file: an `Event` message between its length and its checksums.
 *
 *     uint64 length, uint32 masked crc32c(length), event, uint32 masked crc32c(event)       little-endian
 *
 * @param wallTime - Seconds since 1970.
 * @see https://github.com/tensorflow/tensorboard/blob/2.21.0/tensorboard/compat/proto/event.proto and `summary.proto` for
 * the field numbers; tensorflow/core/lib/io/record_writer.h for the framing.
 */
export function eventRecord(content: EventContent, wallTime: number): Uint8Array {
  const event = encodeEvent(content, wallTime);
  const record = new Uint8Array(event.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(event.length), true);
  view.setUint32(8, masked(crc32c(record.subarray(0, 8))), true);
  record.set(event, 12);
  view.setUint32(12 + event.length, masked(crc32c(event)), true);
  return record;
}

const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + MASK) >>> 0;

function encodeEvent(content: EventContent, wallTime: number): Uint8Array {
  const event = new BinaryWriter();
  event.tag(1, WireType.Bit64).double(wallTime);
  if (content.kind === "version") return event.tag(3, WireType.LengthDelimited).string("brain.Event:2").finish();
  event.tag(2, WireType.Varint).int64(content.step);
  if (content.kind === "start") {
    event.tag(7, WireType.LengthDelimited).fork();
    event.tag(1, WireType.Varint).int32(SESSION_START);
    return event.join().finish();
  }
  event.tag(5, WireType.LengthDelimited).fork();
  if (content.kind === "image") writeImage(event, content.tag, content.image);
  else for (const [tag, value] of Object.entries(content.values)) writeScalar(event, tag, value);
  return event.join().finish();
}

function writeScalar(summary: BinaryWriter, tag: string, value: number): void {
  summary.tag(1, WireType.LengthDelimited).fork();
  summary.tag(1, WireType.LengthDelimited).string(tag);
  summary.tag(2, WireType.Bit32).float(value);
  summary.join();
}

function writeImage(summary: BinaryWriter, tag: string, { png, width, height }: EventImage): void {
  summary.tag(1, WireType.LengthDelimited).fork();
  summary.tag(1, WireType.LengthDelimited).string(tag);
  summary.tag(4, WireType.LengthDelimited).fork();
  summary.tag(1, WireType.Varint).int32(height);
  summary.tag(2, WireType.Varint).int32(width);
  summary.tag(3, WireType.Varint).int32(RGB);
  summary.tag(4, WireType.LengthDelimited).bytes(png);
  summary.join().join();
}
