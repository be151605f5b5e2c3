import { DataError } from "@plseg/core";
import { Gunzip } from "fflate";

/** What a reader takes bytes from, in order and only as far as it needs. */
export interface ByteStream {
  /** Most bytes that can still come: exact for a plain file, a bound for a compressed one. */
  readonly limit: number;
  /** Fills `target` as far as there are bytes. Returns how many were written. */
  read(target: Uint8Array): number;
  /** Throws away up to `count` bytes. Returns how many there were. */
  skip(count: number): number;
}

/** Compressed bytes handed to the inflater at a time. Deflate grows them to at most 1032 times as many. */
const CHUNK = 16_384;

/** The best that deflate can do: one byte becomes at most 1032. */
const LARGEST_DEFLATE_RATIO = 1032;

/**
 * Bytes of a file that may be gzipped, inflated as they are asked for, so that a small file that inflates to a huge one
 * costs what is read of it. Checksums and lengths of every gzip member are checked once its end is read.
 *
 * @throws DataError, from `read` and `skip`, if the gzip stream is damaged or ends too early.
 */
export function byteStream(bytes: Uint8Array, file: string): ByteStream {
  const compressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const chunks = compressed ? inflated(bytes, file) : [bytes][Symbol.iterator]();
  let rest = new Uint8Array(0) as Uint8Array;
  const pass = (count: number, use: (part: Uint8Array, at: number) => void): number => {
    let done = 0;
    while (done < count) {
      if (rest.length === 0) {
        const next = chunks.next();
        if (next.done) break;
        rest = next.value;
        continue;
      }
      const part = rest.subarray(0, count - done);
      use(part, done);
      done += part.length;
      rest = rest.subarray(part.length);
    }
    return done;
  };
  return {
    limit: compressed ? bytes.length * LARGEST_DEFLATE_RATIO : bytes.length,
    read: (target) => pass(target.length, (part, at) => target.set(part, at)),
    skip: (count) => pass(count, () => {}),
  };
}

/** Inflates a gzip file, one or more members, chunk by chunk. */
function* inflated(bytes: Uint8Array, file: string): Generator<Uint8Array, void> {
  let ready: Uint8Array[] = [];
  let checksum = 0xffffffff;
  let length = 0;
  const checkMember = (end: number): void => {
    const trailer = new DataView(bytes.buffer, bytes.byteOffset + Math.max(end - 8, 0), Math.min(end, 8));
    const complete = trailer.byteLength === 8;
    if (!complete || trailer.getUint32(0, true) !== ~checksum >>> 0 || trailer.getUint32(4, true) !== length % 2 ** 32)
      throw new DataError(
        `readNifti: ${file} is damaged: its gzip checksum does not match its content. Copy or download it again.`,
      );
    checksum = 0xffffffff;
    length = 0;
  };
  const gunzip = new Gunzip((part) => {
    if (part.length === 0) return;
    checksum = crc32(checksum, part);
    length += part.length;
    ready.push(part);
  });
  gunzip.onmember = checkMember;
  for (let at = 0; at <= bytes.length; at += CHUNK) {
    const last = at + CHUNK > bytes.length;
    try {
      gunzip.push(bytes.subarray(at, at + CHUNK));
      if (last) {
        gunzip.push(new Uint8Array(0), true);
        checkMember(bytes.length);
      }
    } catch (cause) {
      if (cause instanceof DataError) throw cause;
      throw new DataError(
        `readNifti: ${file} is damaged: its gzip stream is ${last ? "cut short or " : ""}corrupt near byte ${at} of ${bytes.length}. Copy or download it again.`,
        { cause },
      );
    }
    yield* ready;
    ready = [];
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 (RFC 1952), continued; starts at and is finished by the complement. */
function crc32(start: number, bytes: Uint8Array): number {
  let value = start;
  for (let i = 0; i < bytes.length; i++)
    value = (value >>> 8) ^ (CRC_TABLE[(value ^ (bytes[i] as number)) & 0xff] as number);
  return value >>> 0;
}
