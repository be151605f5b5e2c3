import { type Color, DataError, type Size3D } from "@plseg/core";
import type { IntensityRule } from "@plseg/data";
import * as v from "valibot";

/** A class as a bundle knows it. Its index is its place in the list. */
export interface BundleClass {
  /** Of the class; the first is `background`. */
  readonly name: string;
  /** Red, green and blue, each 0 to 255. */
  readonly color: Color;
  /** Its value in label maps on disk. */
  readonly labelValue: number;
}

/** A file of a bundle. */
export interface BundleFile {
  /** In lower-case hexadecimal. */
  readonly sha256: string;
  /** Length of the file. */
  readonly bytes: number;
}

/** The network whose weights a bundle holds, as `plSegUnet` takes it. */
export interface BundleNetwork {
  /** The function of `@plseg/models` that builds it. */
  readonly kind: "plSegUnet";
  /** Channels of each level, finest first. */
  readonly features: readonly number[];
  /** Share of values dropped at each level in training, in [0, 1). */
  readonly dropout: readonly number[];
  /** Image channels. */
  readonly inChannels: 1;
  /** Whether it gives logits at several scales; the model gives the finest alone. */
  readonly deepSupervision: boolean;
  /** How its decoder doubles its features; `trilinear` unless told. */
  readonly upsample?: "trilinear" | "deconv";
  /** What the lower and the upper edge of the window are to it; −1 and 1 unless told. The model brings images to it by itself. */
  readonly imageRange?: readonly [low: number, high: number];
}

/** Where a model comes from. */
export interface BundleProvenance {
  /** Method by which it was trained, such as `pl-seg`. */
  readonly method: string;
  /** By name of the class: how many training cases annotate it. */
  readonly annotatedCases: Readonly<Record<string, number>>;
  /** Number of training cases. */
  readonly trainingCases: number;
  /** Version of plseg that wrote the bundle. */
  readonly plseg: string;
  /** Name and SHA-256 of the file of weights that it was made of, if it was not trained here. */
  readonly importedFrom?: { readonly file: string; readonly sha256: string };
}

/** The content of `bundle.json`: all that is needed to run a model on a scan, and what its files must be. */
export interface BundleManifest {
  /** Of the format. */
  readonly formatVersion: 1;
  /** The background first. */
  readonly classes: readonly BundleClass[];
  /** In millimeters along depth, height, width. A scan is cropped to the body and resampled to it; the answer is brought back. */
  readonly spacing: Size3D;
  /** How a scan is turned before it goes in: width to the right, height to the front, depth to the head. The answer is turned back. */
  readonly orientation: "RAS";
  /** How the intensities of a scan come before the model. */
  readonly intensity: IntensityRule;
  /** Voxels of a window along depth, height, width: the fixed size of the model's input. */
  readonly patchSize: Size3D;
  /** What the weights belong to. */
  readonly network: BundleNetwork;
  /** Where the model comes from. */
  readonly provenance: BundleProvenance;
  /** Every other file of the bundle, by its path with forward slashes. */
  readonly files: Readonly<Record<string, BundleFile>>;
  /** Of all fields above, so that damage to this file is noticed too (see `manifestHash`). `writeBundle` writes it. */
  readonly manifestSha256?: string;
}

/** The version of the format that this package writes and reads. */
export const BUNDLE_FORMAT_VERSION = 1;

const whole = (least: number, most: number = Number.MAX_SAFE_INTEGER): v.GenericSchema<number> =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most));
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const name = v.pipe(v.string(), v.nonEmpty("a name must not be empty"));
const channel = whole(0, 255);
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits"));

const schema: v.GenericSchema<BundleManifest> = v.strictObject({
  formatVersion: v.literal(BUNDLE_FORMAT_VERSION),
  classes: v.pipe(
    v.array(v.strictObject({ name, color: v.strictTuple([channel, channel, channel]), labelValue: whole(0, 65_535) })),
    v.minLength(2, "at least background and one class are needed"),
    v.check(([first]) => first?.name === "background", 'the first class must be "background"'),
    v.check((classes) => distinct(classes.map(({ name }) => name)), "two classes have the same name"),
    v.check((classes) => distinct(classes.map(({ labelValue }) => labelValue)), "two classes have the same labelValue"),
  ),
  spacing: v.strictTuple([positive, positive, positive]),
  orientation: v.literal("RAS"),
  intensity: v.union(
    [v.literal("scan-range"), v.strictObject({ level: v.pipe(v.number(), v.finite()), width: positive })],
    'must be "scan-range" or { "level": …, "width": … } with a width above 0',
  ),
  patchSize: v.strictTuple([whole(1), whole(1), whole(1)]),
  network: v.strictObject({
    kind: v.literal("plSegUnet"),
    features: v.pipe(v.array(whole(1)), v.minLength(2)),
    dropout: v.array(v.pipe(v.number(), v.minValue(0), v.ltValue(1))),
    inChannels: v.literal(1),
    deepSupervision: v.boolean(),
    upsample: v.exactOptional(v.picklist(["trilinear", "deconv"])),
    imageRange: v.exactOptional(
      v.pipe(
        v.strictTuple([v.pipe(v.number(), v.finite()), v.pipe(v.number(), v.finite())]),
        v.check(([low, high]) => low < high, "the first number must be below the second"),
      ),
    ),
  }),
  provenance: v.strictObject({
    method: name,
    annotatedCases: v.record(name, whole(0)),
    trainingCases: whole(0),
    plseg: name,
    importedFrom: v.exactOptional(v.strictObject({ file: name, sha256: hash })),
  }),
  files: v.record(
    v.pipe(v.string(), v.check(isInside, "a file must have a relative path inside the bundle")),
    v.strictObject({
      sha256: hash,
      bytes: whole(0),
    }),
  ),
  manifestSha256: v.exactOptional(hash),
});

const distinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

/** Whether a path stays inside its folder: `check/image.nii.gz`, but not `../x`, `/x` or `c:\x`. */
function isInside(path: string): boolean {
  return path.split("/").every((part) => /^[\w.-]+$/.test(part) && part !== "." && part !== "..");
}

/**
 * Reads `bundle.json`, from its text or from the parsed object.
 *
 * @throws DataError naming the field if the text is not JSON, the format's version is not known, or a key is unknown, missing
 * or has a value that cannot be.
 */
export function readBundleManifest(source: unknown): BundleManifest {
  const content = typeof source === "string" ? parseJson(source) : source;
  const version = (content as { formatVersion?: unknown } | null)?.formatVersion;
  if (version !== BUNDLE_FORMAT_VERSION)
    throw new DataError(
      `readBundleManifest: bundle.json: formatVersion must be ${BUNDLE_FORMAT_VERSION}, got ${JSON.stringify(version)}. Update plseg if the bundle is newer.`,
    );
  const parsed = v.safeParse(schema, content);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new DataError(`readBundleManifest: bundle.json: ${v.getDotPath(issue) ?? "the whole file"}: ${issue.message}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError("readBundleManifest: bundle.json is not JSON.", { cause });
  }
}
