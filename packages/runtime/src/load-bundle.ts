import { ClassSet, type LabelMap, ShapeError, showShape, sizeOf, spacingOf, type Volume } from "@plseg/core";
import {
  imageOnModelGrid,
  modelGrid,
  pasteVolume,
  scanRange,
  scanWindow,
  toCanonical,
  windowIntensity,
} from "@plseg/data";
import type { BundleManifest } from "./bundle-manifest.js";
import { type BundleSource, readManifest } from "./read-bundle-file.js";
import { sliceAnswers } from "./slice-answers.js";
import { type SlidingWindowJoining, type SlidingWindowWatching, slidingWindow } from "./sliding-window.js";
import { type LoadBundleOptions, openWindowModel, type WindowModel } from "./window-model.js";

/** Options of {@link segmentVolume}. Slices that `onSlice` is given are those of the scan in canonical orientation. */
export interface SegmentOptions extends SlidingWindowJoining, SlidingWindowWatching {
  /** Called with what the user should know, such as voxels much coarser than the model's. */
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

/**
 * Loads a model bundle and checks what it reads: the manifest by its schema and its hash, the model or its weights by their
 * SHA-256.
 *
 * @throws DataError if a file is missing, damaged or of an unknown version; ResourceError if the device cannot run it.
 *
 * @example
 * ```ts
 * const read = async (name) => new Uint8Array(await (await fetch(`/models/abdomen/${name}`)).arrayBuffer());
 * const bundle = await loadBundle({ read }, { ort: await import("onnxruntime-web/webgpu"), device: "webgpu" });
 * ```
 */
export async function loadBundle(source: BundleSource, options: LoadBundleOptions): Promise<LoadedBundle> {
  const manifest = await readManifest(source);
  const model = await openWindowModel(source, manifest, options);
  return {
    manifest,
    classes: new ClassSet(manifest.classes.map(({ name }) => name)),
    segment: (volume, segmentOptions = {}) => segment(manifest, model, volume, segmentOptions),
    dispose: () => model.dispose(),
  };
}

/**
 * Segments a scan: turned to canonical orientation, cropped to the body and resampled to the bundle's spacing as in training,
 * intensities through the bundle's window, overlapping windows ({@link slidingWindow}). The probabilities are interpolated
 * back onto the scan's own grid, and the likeliest class of each voxel taken there; beyond the body is background.
 *
 * @param volume - Hounsfield units, in any orientation and spacing.
 * @returns The values on disk (`labelValue`) of the classes, same shape and affine as the volume.
 * @throws ShapeError if the volume's data does not fill its shape; DataError if the model gives no numbers; and what slidingWindow
 * throws.
 */
export function segmentVolume(bundle: LoadedBundle, volume: Volume, options: SegmentOptions = {}): Promise<LabelMap> {
  return bundle.segment(volume, options);
}

async function segment(
  manifest: BundleManifest,
  model: WindowModel,
  volume: Volume,
  { onWarning, onSlice, ...options }: SegmentOptions,
): Promise<LabelMap> {
  const { classes, patchSize, intensity, spacing } = manifest;
  const { shape } = volume;
  if (volume.data.length !== sizeOf(shape))
    throw new ShapeError(
      `segmentVolume: the volume must hold ${sizeOf(shape)} voxels (${showShape(shape)}), got ${volume.data.length}.`,
    );
  const { volume: canonical, restore } = toCanonical(volume);
  warnOfSpacing(manifest, canonical, onWarning);
  const part = modelGrid(canonical, spacing);
  const isOwnGrid = part.grid === part.cropped;
  const answers =
    isOwnGrid && !onSlice
      ? undefined
      : sliceAnswers({ scan: canonical, model: part, classes: classes.length, onSlice });
  const indices = await slidingWindow({
    ...options,
    image: windowIntensity(
      imageOnModelGrid(canonical, part),
      scanWindow(intensity, () => scanRange(canonical)),
    ),
    shape: part.grid.shape,
    patchSize,
    classes: classes.length,
    batch: model.batch,
    predict: model.predict,
    ...(answers && { onSlice: (_, probabilities) => answers.push(probabilities) }),
  });
  const onScan = answers?.finish() ?? pasteVolume({ data: indices, ...part.cropped }, canonical, part.box).data;
  const values = classes.map(({ labelValue }) => labelValue);
  const data = Math.max(...values) < 256 ? new Uint8Array(onScan.length) : new Uint16Array(onScan.length);
  for (let i = 0; i < data.length; i++) data[i] = values[onScan[i] as number] as number;
  return restore({ data, shape: canonical.shape, affine: canonical.affine });
}

/** Scans coarser than this many times the bundle's spacing, along any axis, are worth a warning. */
const COARSER = 2;

function warnOfSpacing({ spacing }: BundleManifest, { affine }: Volume, onWarning: SegmentOptions["onWarning"]): void {
  const actual = spacingOf(affine);
  if (actual.every((mm, axis) => mm <= COARSER * (spacing[axis] as number))) return;
  const show = (mm: readonly number[]): string => mm.map((side) => side.toFixed(2)).join(" × ");
  onWarning?.(
    `The scan's voxels are ${show(actual)} mm (depth, height, width), more than ${COARSER} times as coarse as the ${show(spacing)} mm of the model. It is interpolated; small organs may be missed.`,
  );
}
