import { DataError } from "@plseg/core";
import { Gunzip } from "fflate";

/** The content of a file, inflated if it is gzipped, as often as it is asked for. */
export interface ByteSource {
  /** What error messages call the file. */
  readonly name: string;
  /** Most bytes of content there can be: exact for a plain file, a bound for a compressed one. */
  readonly limit: number;
  /**
   * For a compressed file the length that its last four bytes claim, modulo 2³². Files of several gzip members, damaged and
   * forged ones claim something else than what they hold.
   */
  readonly claimed: number | undefined;
  /** The content from its start, piece by piece. @throws DataError, on the way, if it is damaged or ends too early. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** The best that deflate can do: one byte becomes at most 1032. */
const LARGEST_DEFLATE_RATIO = 1032;

/** Compressed bytes handed to the inflater at a time, so that what it makes of them stays below 17 MB. */
const CHUNK = 16_384;

/** Whether a file is gzipped, from its first bytes. */
export const isGzip = (start: Uint8Array): boolean => start[0] === 0x1f && start[1] === 0x8b;

/** What is known of a gzipped file before it is inflated. @param end - Its last four bytes. */
export function gzipBounds(size: number, end: Uint8Array): Pick<ByteSource, "limit" | "claimed"> {
  const claimed = end.length === 4 ? new DataView(end.buffer, end.byteOffset).getUint32(0, true) : undefined;
  return { limit: size * LARGEST_DEFLATE_RATIO, claimed };
}

/** Bytes in memory. They are never changed. */
export function bytesSource(bytes: Uint8Array, name: string): ByteSource {
  if (isGzip(bytes))
    return { name, ...gzipBounds(bytes.length, bytes.subarray(-4)), chunks: () => inflate(bytes, name) };
  const whole = async function* () {
    yield bytes;
  };
  return { name, limit: bytes.length, claimed: undefined, chunks: whole };
}

/**
 * Inflates with the platform's own inflater. Browsers' refuse files of several gzip members, and none tells what is wrong,
 * so where it fails the portable one goes on from there.
 */
async function* inflate(bytes: Uint8Array, file: string): AsyncGenerator<Uint8Array, void> {
  let done = 0;
  if (typeof DecompressionStream !== "undefined") {
    const reader = compressed(bytes).pipeThrough(new DecompressionStream("gzip")).getReader();
    try {
      for (;;) {
        const { value, done: ended } = await reader.read().catch(() => ({ value: undefined, done: false }));
        if (ended) return;
        if (!value) break;
        done += value.length;
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
  for (const part of inflatePortably(bytes, file)) {
    const skipped = Math.min(done, part.length);
    done -= skipped;
    if (skipped < part.length) yield part.subarray(skipped);
  }
}

function compressed(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      // A copy: the platform may take the chunk away.
      controller.enqueue(bytes.slice(at, at + CHUNK));
      at += CHUNK;
      if (at >= bytes.length) controller.close();
    },
  });
}

/** Inflates one or more gzip members and checks the checksum and the length of each. */
function* inflatePortably(bytes: Uint8Array, file: string): Generator<Uint8Array, void> {
  let ready: Uint8Array[] = [];
  let checksum = 0xffffffff;
  let length = 0;
  const checkMember = (end: number): void => {
    const trailer = new DataView(bytes.buffer, bytes.byteOffset + Math.max(end - 8, 0), Math.min(end, 8));
    const complete = trailer.byteLength === 8;
    if (!complete || trailer.getUint32(0, true) !== ~checksum >>> 0 || trailer.getUint32(4, true) !== length % 2 ** 32)
      throw damaged(file, "its gzip checksum does not match its content");
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
      const what = last ? "cut short or corrupt" : "corrupt";
      throw damaged(file, `its gzip stream is ${what} near byte ${at} of ${bytes.length}`, cause);
    }
    yield* ready;
    ready = [];
  }
}

/** The error of a gzip file that cannot be inflated. */
export function damaged(file: string, reason: string, cause?: unknown): DataError {
  const message = `readNifti: ${file} is damaged: ${reason}. Copy or download it again.`;
  return new DataError(message, cause === undefined ? undefined : { cause });
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
