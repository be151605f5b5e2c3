import type { ByteSource } from "./byte-source.js";

/** Takes bytes from a source in order, and only as far as it needs. */
export interface ByteReader {
  /** The next bytes, up to `count` of them, which stay the next ones. */
  peek(count: number): Promise<Uint8Array>;
  /** Fills `target` as far as there are bytes. Returns how many were written. */
  read(target: Uint8Array): Promise<number>;
  /** Throws away up to `count` bytes. Returns how many there were. */
  skip(count: number): Promise<number>;
  /** Lets go of the source. */
  close(): Promise<void>;
}

/** Reads a source from its start. */
export function byteReader(source: ByteSource): ByteReader {
  const chunks = source.chunks()[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  /** The next piece, or nothing at the end. */
  const next = async (): Promise<Uint8Array | undefined> => {
    const { value, done } = await chunks.next();
    return done ? undefined : value;
  };
  const pass = async (count: number, use: (part: Uint8Array, at: number) => void): Promise<number> => {
    let passed = 0;
    while (passed < count) {
      if (rest.length === 0) {
        const piece = await next();
        if (!piece) break;
        rest = piece;
      }
      const part = rest.subarray(0, count - passed);
      use(part, passed);
      passed += part.length;
      rest = rest.subarray(part.length);
    }
    return passed;
  };
  return {
    peek: async (count) => {
      while (rest.length < count) {
        const piece = await next();
        if (!piece) break;
        const joined = new Uint8Array(rest.length + piece.length);
        joined.set(rest);
        joined.set(piece, rest.length);
        rest = joined;
      }
      return rest.subarray(0, count);
    },
    read: (target) => pass(target.length, (part, at) => target.set(part, at)),
    skip: (count) => pass(count, () => {}),
    close: async () => {
      await chunks.return?.();
    },
  };
}
