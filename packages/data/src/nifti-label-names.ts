import { byteReader } from "./byte-reader.js";
import { bytesSource } from "./byte-source.js";
import { readNiftiHeader } from "./nifti-header.js";
import { READ_NIFTI_DEFAULTS } from "./read-nifti-options.js";

/** NIFTI_ECODE_COMMENT: plain text, which every program may show and none has to understand. */
const COMMENT = 6;

/** Names are looked for in extensions of up to so many bytes. */
const LARGEST = 2 ** 20;

/**
 * A header extension with the names of labels: a comment of the form `{"labels": {"background": 0, "liver": 1}}`, as in
 * nnU-Net's dataset.json. NIfTI knows the intent LABEL, but only a file name (`aux_file`) for the names.
 */
export function labelNamesExtension(labels: Readonly<Record<string, number>>): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify({ labels }));
  const extension = new Uint8Array(Math.ceil((8 + text.length) / 16) * 16);
  const view = new DataView(extension.buffer);
  view.setInt32(0, extension.length, true);
  view.setInt32(4, COMMENT, true);
  extension.set(text, 8);
  return extension;
}

/**
 * The values of labels by name that `writeNifti` wrote into a file (see its option `labels`), or `undefined` if there are
 * none.
 *
 * @param bytes - The file, plain or gzipped.
 * @throws DataError if the header is damaged (see `readNifti`).
 */
export async function readLabelNames(
  bytes: Uint8Array,
  name: string = READ_NIFTI_DEFAULTS.name,
): Promise<Readonly<Record<string, number>> | undefined> {
  const reader = byteReader(bytesSource(bytes, name));
  try {
    const start = await reader.peek(544);
    const { version, offset, littleEndian, pair } = readNiftiHeader(start, name, READ_NIFTI_DEFAULTS.maxVoxels);
    const first = version === 1 ? 348 : 540;
    if (pair || start[first] !== 1 || offset > LARGEST) return undefined;
    return labelsIn((await reader.peek(offset)).subarray(first + 4), littleEndian);
  } finally {
    await reader.close();
  }
}

function labelsIn(extensions: Uint8Array, littleEndian: boolean): Readonly<Record<string, number>> | undefined {
  const view = new DataView(extensions.buffer, extensions.byteOffset, extensions.byteLength);
  for (let at = 0; at + 8 <= extensions.length; ) {
    const size = view.getInt32(at, littleEndian);
    if (size < 16 || at + size > extensions.length) return undefined;
    const labels =
      view.getInt32(at + 4, littleEndian) === COMMENT ? parse(extensions.subarray(at + 8, at + size)) : undefined;
    if (labels) return labels;
    at += size;
  }
  return undefined;
}

/** Comments are anyone's: what has not this form is not meant. */
function parse(comment: Uint8Array): Readonly<Record<string, number>> | undefined {
  try {
    const { labels } = JSON.parse(new TextDecoder().decode(comment).replace(/\0+$/, "")) as { labels?: unknown };
    if (typeof labels !== "object" || labels === null) return undefined;
    const entries = Object.entries(labels);
    return entries.every(([, value]) => Number.isInteger(value)) ? Object.fromEntries(entries) : undefined;
  } catch {
    return undefined;
  }
}
