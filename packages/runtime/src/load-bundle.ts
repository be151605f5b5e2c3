import { ClassSet, DataError, type LabelMap, ShapeError, showShape, sizeOf, spacingOf, type Volume } from "@plseg/core";
import { toCanonical, windowIntensity } from "@plseg/data";
import { type BundleManifest, readBundleManifest } from "./bundle-manifest.js";
import { type OnnxOptions, type OnnxSession, openSession } from "./onnx-session.js";
import { sha256 } from "./sha256.js";
import { type SlidingWindowJoining, type SlidingWindowWatching, slidingWindow } from "./sliding-window.js";

/** Where a bundle's files come from: a folder, a server, an archive. */
export interface BundleSource {
  /** The content of a file, by its path in the bundle with forward slashes. Rejects if there is none. */
  read(name: string): Promise<Uint8Array>;
}

/** Options of {@link segmentVolume}. */
export interface SegmentOptions extends SlidingWindowJoining, SlidingWindowWatching {
  /** Called with what the user should know, such as a spacing far from that of the training scans. */
  readonly onWarning?: (message: string) => void;
}

/** A model that is ready to segment. */
export interface LoadedBundle {
  /** The content of `bundle.json`. */
  readonly manifest: BundleManifest;
  /** The classes that it segments, background first. */
  readonly classes: ClassSet;
  /** See {@link segmentVolume}. */
  segment(volume: Volume, options?: SegmentOptions): Promise<LabelMap>;
  /** Frees the model. Segmenting afterwards is an error. */
  dispose(): Promise<void>;
}

/** Spacings further apart than this, as a part of the bundle's, are worth a warning. */
const SPACING_TOLERANCE = 0.25;

/**
 * Loads a model bundle and checks what it reads: the manifest by its schema, the model by its SHA-256.
 *
 * @throws DataError if a file is missing, damaged or of an unknown version; ResourceError if the device cannot run it.
 *
 * @example
 * ```ts
 * const read = async (name) => new Uint8Array(await (await fetch(`/models/abdomen/${name}`)).arrayBuffer());
 * const bundle = await loadBundle({ read }, { ort: await import("onnxruntime-web/webgpu"), device: "webgpu" });
 * ```
 */
export async function loadBundle(source: BundleSource, options: OnnxOptions): Promise<LoadedBundle> {
  const manifest = readBundleManifest(new TextDecoder().decode(await readFrom(source, "bundle.json")));
  const session = await openSession(options, await readBundleFile(source, manifest, "model.onnx"));
  return {
    manifest,
    classes: new ClassSet(manifest.classes.map(({ name }) => name)),
    segment: (volume, segmentOptions = {}) => segment(manifest, session, options, volume, segmentOptions),
    dispose: () => session.release(),
  };
}

/**
 * Segments a scan on its own grid: intensities through the bundle's window, overlapping windows ({@link slidingWindow}), the
 * likeliest class of each voxel.
 *
 * @param volume - Hounsfield units, with axes as in the training scans. It is neither turned nor resampled.
 * @returns The values on disk (`labelValue`) of the classes, same shape and affine as the volume.
 * @throws ShapeError if the volume's data does not fill its shape; DataError if the model gives no numbers; and what slidingWindow
 * throws.
 */
export function segmentVolume(bundle: LoadedBundle, volume: Volume, options: SegmentOptions = {}): Promise<LabelMap> {
  return bundle.segment(volume, options);
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

async function readFrom(source: BundleSource, name: string): Promise<Uint8Array> {
  try {
    return await source.read(name);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`loadBundle: ${name} of the bundle could not be read: ${reason}`, { cause });
  }
}

async function segment(
  manifest: BundleManifest,
  session: OnnxSession,
  { ort }: OnnxOptions,
  volume: Volume,
  { onWarning, ...options }: SegmentOptions,
): Promise<LabelMap> {
  const { classes, patchSize, intensity } = manifest;
  const { shape } = volume;
  if (volume.data.length !== sizeOf(shape))
    throw new ShapeError(
      `segmentVolume: the volume must hold ${sizeOf(shape)} voxels (${showShape(shape)}), got ${volume.data.length}.`,
    );
  const { volume: canonical, restore } = toCanonical(volume);
  warnOfSpacing(manifest, canonical, onWarning);
  const indices = await slidingWindow({
    ...options,
    image: windowIntensity(canonical, intensity),
    shape: canonical.shape,
    patchSize,
    classes: classes.length,
    async predict(patch) {
      const image = new ort.Tensor("float32", patch, [1, 1, ...patchSize]);
      const { probabilities } = await session.run({ image });
      if (!probabilities) throw new DataError('segmentVolume: model.onnx has no output "probabilities".');
      return (await probabilities.getData(true)) as Float32Array;
    },
  });
  const values = classes.map(({ labelValue }) => labelValue);
  const data = Math.max(...values) < 256 ? new Uint8Array(indices.length) : new Uint16Array(indices.length);
  for (let i = 0; i < data.length; i++) data[i] = values[indices[i] as number] as number;
  return restore({ data, shape: canonical.shape, affine: canonical.affine });
}

function warnOfSpacing({ spacing }: BundleManifest, { affine }: Volume, onWarning: SegmentOptions["onWarning"]): void {
  const actual = spacingOf(affine);
  if (actual.every((mm, axis) => Math.abs(mm / (spacing[axis] as number) - 1) <= SPACING_TOLERANCE)) return;
  const show = (spacing: readonly number[]): string => spacing.map((mm) => mm.toFixed(2)).join(" × ");
  onWarning?.(
    `The scan's voxels are ${show(actual)} mm (depth, height, width), those of the training scans were ${show(spacing)} mm. Resample the scan for a better result.`,
  );
}
