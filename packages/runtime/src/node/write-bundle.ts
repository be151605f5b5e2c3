import { randomBytes } from "node:crypto";
import { readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DataError, type Volume } from "@plseg/core";
import { makePhantom } from "@plseg/data";
import { writeFileAtomic } from "@plseg/data/node";
import { BUNDLE_FORMAT_VERSION, type BundleFile, type BundleManifest, readBundleManifest } from "../bundle-manifest.js";
import { loadBundle } from "../load-bundle.js";
import { manifestHash } from "../manifest-hash.js";
import type { OnnxRuntime } from "../onnx-session.js";
import { sha256 } from "../sha256.js";
import { answerOf, encodeCheck } from "./bundle-check.js";
import { importOnnxRuntime } from "./import-onnx-runtime.js";

/** What {@link writeBundle} makes a bundle of. */
export interface BundleParts {
  /** The manifest but for what is known here. */
  readonly manifest: Omit<BundleManifest, "formatVersion" | "files">;
  /** The model as an ONNX file, from `exportModel`. */
  readonly model: Uint8Array;
  /** All weights as a safetensors file, from `writeSafetensors`. */
  readonly weights: Uint8Array;
  /**
   * Volume that the bundle is checked with, in Hounsfield units. It becomes part of the bundle: give none of a patient that must
   * not be passed on. A synthetic scan of one patch unless told.
   */
  readonly checkVolume?: Volume;
  /** ONNX Runtime, which gives the answer to the check; `onnxruntime-node` unless told. */
  readonly ort?: OnnxRuntime;
}

/**
 * Writes a bundle: `bundle.json`, `model.onnx`, `weights.safetensors`, and in `check/` a volume with what the model says about it.
 * All of it is written beside the folder first and then given its name, so that the folder never holds part of a bundle; if
 * anything fails it holds what it held before.
 *
 * @param folder - New, empty, or with an older bundle, which is replaced.
 * @returns The manifest as it was written.
 * @throws DataError if the folder holds something else, cannot be written, or a part cannot be; ResourceError if the disk is full or
 * ONNX Runtime is missing.
 */
export async function writeBundle(folder: string, parts: BundleParts): Promise<BundleManifest> {
  const target = resolve(folder);
  const replaces = await isReplaceable(target);
  const { manifest, files } = await assemble(parts);
  const suffix = `${process.pid}-${randomBytes(4).toString("hex")}`;
  const temporary = `${target}.tmp-${suffix}`;
  try {
    for (const [name, bytes] of files) await writeFileAtomic(join(temporary, name), bytes);
    await writeFileAtomic(join(temporary, "bundle.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    await putInPlace(temporary, target, replaces ? `${target}.old-${suffix}` : undefined);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return manifest;
}

/** What lies directly in a bundle's folder. */
const BUNDLE_ENTRIES = ["bundle.json", "check", "model.onnx", "weights.safetensors"];

/** Whether there is a folder, which may be replaced. @throws DataError if there is something else, or something else in it. */
async function isReplaceable(folder: string): Promise<boolean> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    const reason = code === "ENOTDIR" ? "it is a file, or lies in one" : message;
    throw new DataError(`writeBundle: ${folder} cannot be a bundle's folder: ${reason}. Choose another place.`, {
      cause,
    });
  }
  const strangers = names.includes("bundle.json") ? names.filter((name) => !BUNDLE_ENTRIES.includes(name)) : names;
  if (strangers.length > 0)
    throw new DataError(
      `writeBundle: ${folder} must be new, empty or an older bundle, it holds ${strangers.slice(0, 3).join(", ")}. Choose another folder.`,
    );
  return true;
}

async function assemble({ manifest: given, model, weights, checkVolume, ort }: BundleParts): Promise<{
  manifest: BundleManifest;
  files: ReadonlyMap<string, Uint8Array>;
}> {
  const manifestOf = async (files: ReadonlyMap<string, Uint8Array>): Promise<BundleManifest> => {
    const listed: Record<string, BundleFile> = {};
    for (const [name, bytes] of files) listed[name] = { sha256: await sha256(bytes), bytes: bytes.length };
    const manifest = readBundleManifest({ formatVersion: BUNDLE_FORMAT_VERSION, ...given, files: listed });
    return { ...manifest, manifestSha256: await manifestHash(manifest) };
  };
  const files = new Map([
    ["model.onnx", model],
    ["weights.safetensors", weights],
  ]);
  const unchecked = await manifestOf(files);
  const read = async (name: string): Promise<Uint8Array> =>
    files.get(name) ?? new TextEncoder().encode(JSON.stringify(unchecked));
  const bundle = await loadBundle({ read }, { ort: ort ?? (await importOnnxRuntime()), portable: true });
  try {
    const image = checkVolume ?? syntheticVolume(unchecked);
    for (const [name, bytes] of encodeCheck(image, await answerOf(bundle, image))) files.set(name, bytes);
  } finally {
    await bundle.dispose();
  }
  return { manifest: await manifestOf(files), files };
}

/** Smallest phantom along each axis. */
const SMALLEST = 16;

/** A synthetic scan of one patch: it belongs to no patient, so it may go wherever the bundle goes. */
function syntheticVolume({ patchSize, spacing }: BundleManifest): Volume {
  const [depth, height, width] = patchSize.map((size) => Math.max(size, SMALLEST)) as [number, number, number];
  return makePhantom({ size: [depth, height, width], spacing }).image;
}

/** Gives a folder its final name. An older one is put aside first, and comes back if that fails. */
async function putInPlace(temporary: string, target: string, aside: string | undefined): Promise<void> {
  try {
    if (aside) await rename(target, aside);
    try {
      await rename(temporary, target);
    } catch (error) {
      if (aside) await rename(aside, target);
      throw error;
    }
  } catch (cause) {
    throw new DataError(`writeBundle: ${target} could not be written: ${(cause as Error).message}.`, { cause });
  }
  if (aside) await rm(aside, { recursive: true, force: true });
}
