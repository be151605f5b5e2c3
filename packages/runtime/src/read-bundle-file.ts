import { DataError } from "@plseg/core";
import { type BundleManifest, readBundleManifest } from "./bundle-manifest.js";
import { manifestHash } from "./manifest-hash.js";
import { sha256 } from "./sha256.js";

/** Where a bundle's files come from: a folder, a server, an archive. */
export interface BundleSource {
  /** The content of a file, by its path in the bundle with forward slashes. Rejects if there is none. */
  read(name: string): Promise<Uint8Array>;
}

/**
 * A file of a bundle, checked against its manifest.
 *
 * @throws DataError if it is missing or is not the file that the manifest lists.
 */
export async function readBundleFile(
  source: BundleSource,
  manifest: BundleManifest,
  name: string,
): Promise<Uint8Array> {
  const listed = manifest.files[name];
  if (!listed) throw new DataError(`loadBundle: bundle.json lists no file "${name}". The bundle is incomplete.`);
  const bytes = await readFrom(source, name);
  if (bytes.length !== listed.bytes)
    throw new DataError(
      `loadBundle: ${name} must have ${listed.bytes} bytes, got ${bytes.length}. The file is truncated or was changed; copy the bundle again.`,
    );
  const hash = await sha256(bytes);
  if (hash !== listed.sha256)
    throw new DataError(
      `loadBundle: ${name} must have the SHA-256 ${listed.sha256}, got ${hash}. The file is damaged or was changed; copy the bundle again.`,
    );
  return bytes;
}

/** A file of a bundle, as it is. @throws DataError if it cannot be read. */
async function readFrom(source: BundleSource, name: string): Promise<Uint8Array> {
  try {
    return await source.read(name);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`loadBundle: ${name} of the bundle could not be read: ${reason}`, { cause });
  }
}

/**
 * The manifest of a bundle, checked against its schema and its own hash.
 *
 * @throws DataError if it is missing, damaged or of an unknown version.
 */
export async function readManifest(source: BundleSource): Promise<BundleManifest> {
  const manifest = readBundleManifest(new TextDecoder().decode(await readFrom(source, "bundle.json")));
  if (manifest.manifestSha256 === undefined || manifest.manifestSha256 === (await manifestHash(manifest)))
    return manifest;
  throw new DataError(
    "loadBundle: bundle.json does not have the SHA-256 that it states. The file is damaged or was changed; copy the bundle again.",
  );
}
