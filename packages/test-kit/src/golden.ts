import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** One array of a golden case. Integers that do not fit a float exactly do not occur. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Uint8Array | BigInt64Array;
}

/** A golden case: arrays by name, and its metadata. */
export interface GoldenCase {
  readonly metadata: Readonly<Record<string, string>>;
  /** Names of the arrays. */
  readonly names: readonly string[];
  /** @throws Error if the case has no such array. */
  array(name: string): GoldenArray;
  /** Metadata that is JSON. @throws Error if the case has no such key. */
  json<T>(key: string): T;
}

const root = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * A path inside the shared folder of golden vectors and scans: `$PLSEG_SHARED`, or `shared` beside the project.
 *
 * @throws Error if it is not there.
 */
export function sharedPath(...parts: readonly string[]): string {
  const path = resolve(root, process.env.PLSEG_SHARED ?? "../shared", ...parts);
  if (existsSync(path)) return path;
  throw new Error(`test-kit: ${path} does not exist. Set PLSEG_SHARED to the folder that holds golden/ and data/.`);
}

/** Reads `golden/visible/<name>.safetensors` of the shared folder. */
export function golden(name: string): GoldenCase {
  const bytes = readFileSync(sharedPath("golden", "visible", `${name}.safetensors`));
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength)) as Record<string, unknown>;
  const metadata = (header.__metadata__ ?? {}) as Record<string, string>;
  delete header.__metadata__;
  const entries = header as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  return {
    metadata,
    names: Object.keys(entries),
    array(array) {
      const entry = entries[array];
      if (!entry)
        throw new Error(`golden: ${name} has no array "${array}"; it has ${Object.keys(entries).join(", ")}.`);
      const [begin, end] = entry.data_offsets;
      const start = bytes.byteOffset + 8 + headerLength;
      const buffer = bytes.buffer.slice(start + begin, start + end) as ArrayBuffer;
      return { shape: entry.shape, data: view(entry.dtype, buffer) };
    },
    json(key) {
      const text = metadata[key];
      if (text === undefined)
        throw new Error(`golden: ${name} has no metadata "${key}"; it has ${Object.keys(metadata).join(", ")}.`);
      return JSON.parse(text);
    },
  };
}

function view(dtype: string, buffer: ArrayBuffer): GoldenArray["data"] {
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer);
    case "F64":
      return new Float64Array(buffer);
    case "U8":
      return new Uint8Array(buffer);
    case "I64":
      return new BigInt64Array(buffer);
    default:
      throw new Error(`golden: dtype ${dtype} is not expected.`);
  }
}
