import { createHash, randomBytes } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { type LabelMap, type Volume, withDefaults } from "@plseg/core";
import {
  type CanonicalVolume,
  CONNECTED_COMPONENTS_DEFAULTS,
  cleanLabels,
  measureLabels,
  toCanonical,
} from "@plseg/data";
import { hashFile, readScan, writeFileAtomic, writeVolumeFile } from "@plseg/data/node";
import {
  type BundleManifest,
  type LoadedBundle,
  type MirrorAxis,
  SLIDING_WINDOW_DEFAULTS,
  segmentVolume,
} from "@plseg/runtime";
import { packageVersion } from "../versions.js";
import { type Cleaning, cleaningRules } from "./cleaning-rules.js";
import { finishedRecord, sizeOfFile } from "./finished-record.js";
import { hashScan } from "./hash-scan.js";
import type { PredictionJob } from "./plan-predictions.js";
import { type MadeOf, type OrganMeasure, type PredictionRecord, writeRecord } from "./prediction-record.js";
import { previewPicture } from "./preview-picture.js";
import { type ProbabilitySpool, probabilitySpool } from "./probability-spool.js";

/** How each scan is segmented, and what is written of it. */
export interface PredictionOptions {
  /** Part of a window that the next one covers again, in [0, 1). */
  readonly overlap?: number;
  /** Axes along which windows are also predicted mirrored, and the answers averaged; none unless told. */
  readonly mirror?: readonly MirrorAxis[];
  /** What is cleared from label maps; nothing unless told. */
  readonly cleaning?: Cleaning;
  /** Also write the probability of each class, as `<id>_probabilities/<index>_<class>.nii.gz` beside the label map. */
  readonly saveProbabilities?: boolean;
  /** Also write a picture of the organs in three planes, as `<id>.png`. */
  readonly preview?: boolean;
  /** Make again what is there already, and replace what is not ours. */
  readonly overwrite?: boolean;
  /** Stops before the next window; what is done is kept. */
  readonly signal?: AbortSignal;
  /** Called after each window of a scan. */
  readonly onProgress?: (done: number, total: number, id: string) => void;
  /** Called with what the user should know, such as an unusual spacing. */
  readonly onWarning?: (message: string) => void;
}

/** A scan that is to be segmented, or the record of what is there already. */
export type ReadScan = NewScan | { readonly finished: PredictionRecord };

interface NewScan {
  readonly finished?: never;
  readonly madeOf: MadeOf;
  readonly canonical: CanonicalVolume<Float32Array>;
}

/** What came out, on the canonical grid. */
interface Segmented {
  readonly map: LabelMap;
  readonly probabilities: ProbabilitySpool | undefined;
}

/** What is done to a scan, in three steps, which can go on beside those of other scans. */
export interface PredictionSteps {
  read(job: PredictionJob): Promise<ReadScan>;
  segment(job: PredictionJob, scan: NewScan): Promise<Segmented>;
  write(job: PredictionJob, scan: NewScan, segmented: Segmented): Promise<PredictionRecord>;
}

/**
 * The steps with a loaded model.
 *
 * @throws ConfigError if the cleaning names an organ that the model does not know.
 */
export function predictionSteps(bundle: LoadedBundle, options: PredictionOptions): PredictionSteps {
  const { overlap, mirror } = withDefaults(SLIDING_WINDOW_DEFAULTS, options);
  const { cleaning = {}, overwrite = false } = options;
  const { saveProbabilities = false, preview = false, signal, onProgress, onWarning } = options;
  const { classes, manifest } = bundle;
  const { connectivity = CONNECTED_COMPONENTS_DEFAULTS.connectivity } = cleaning;
  const rules = cleaningRules(cleaning, classes, manifest);
  const model = modelHash(manifest);
  const making = {
    overlap,
    mirror: [...mirror].sort(),
    cleaning: rules.size > 0 ? { connectivity, rules: [...rules] } : null,
  };
  const probabilityFiles = ({ probabilities }: PredictionJob): string[] =>
    saveProbabilities
      ? classes.names.map((name, index) => join(probabilities, `${index}_${name.replaceAll(/[^\w-]+/g, "_")}.nii.gz`))
      : [];
  /** Paths of what is wanted beside the label map. */
  const filesOf = (job: PredictionJob): string[] => [...probabilityFiles(job), ...(preview ? [job.preview] : [])];

  return {
    async read(job) {
      const madeOf: MadeOf = { model, image: await hashScan(job.image), options: making };
      const finished = overwrite ? undefined : await finishedRecord(job, madeOf, filesOf(job).map(nameIn(job)));
      if (finished) return { finished };
      return { madeOf, canonical: toCanonical(await readScan(job.image, { ...(onWarning && { onWarning }) })) };
    },

    async segment({ id, image, labels }, { canonical: { volume } }) {
      const probabilities = saveProbabilities ? probabilitySpool(dirname(labels), volume.shape) : undefined;
      try {
        const map = await segmentVolume(bundle, volume, {
          overlap,
          mirror,
          ...(signal && { signal }),
          onProgress: (done, total) => onProgress?.(done, total, id),
          onWarning: (message) => onWarning?.(`${image}: ${message}`),
          ...(probabilities && { onSlice: (slice, values) => probabilities.put(slice, values) }),
        });
        return { map: rules.size > 0 ? cleanLabels(map, { rules, connectivity }) : map, probabilities };
      } catch (error) {
        probabilities?.close();
        throw error;
      }
    },

    async write(job, { madeOf, canonical: { volume, restore } }, { map, probabilities }) {
      try {
        for (const [index, path] of probabilityFiles(job).entries())
          if (probabilities) await writeVolumeFile(path, restore({ ...volume, data: probabilities.take(index) }));
      } finally {
        probabilities?.close();
      }
      const organs = measureOrgans(volume, map, manifest);
      if (preview)
        await writeFileAtomic(job.preview, previewPicture({ title: job.id, image: volume, map, manifest, organs }));
      // The record is there before the label map is, so that a label map without a record is never ours.
      const temporary = `${job.labels}.tmp-${process.pid}-${randomBytes(4).toString("hex")}`;
      try {
        const values = Object.fromEntries(manifest.classes.map(({ name, labelValue }) => [name, labelValue]));
        await writeVolumeFile(temporary, restore(map), { labels: values, compress: job.labels.endsWith(".gz") });
        const record: PredictionRecord = {
          version: 1,
          id: job.id,
          image: basename(resolve(job.image)),
          madeOf,
          labels: { file: basename(job.labels), sha256: (await hashFile(temporary)) ?? "" },
          files: await sizesOf(filesOf(job), nameIn(job)),
          organs,
          plseg: packageVersion("@plseg/cli"),
        };
        await rm(job.labels, { force: true });
        await writeRecord(job.record, record);
        await rename(temporary, job.labels);
        return record;
      } finally {
        await rm(temporary, { force: true });
      }
    },
  };
}

/** SHA-256 of all of a bundle that decides what a label map is: not of who trained it, or in which color an organ is shown. */
function modelHash({ classes, provenance: _, files, ...rest }: BundleManifest): string {
  const labels = classes.map(({ name, labelValue }) => [name, labelValue]);
  const decisive = { labels, ...rest, model: files["model.onnx"]?.sha256 };
  return createHash("sha256").update(JSON.stringify(decisive)).digest("hex");
}

/** The path of a file of a job from the folder of its record, with forward slashes. */
const nameIn =
  ({ record }: PredictionJob) =>
  (path: string): string =>
    relative(dirname(record), path).split(sep).join("/");

async function sizesOf(paths: readonly string[], nameOf: (path: string) => string): Promise<Record<string, number>> {
  const sizes = await Promise.all(paths.map(async (path) => [nameOf(path), (await sizeOfFile(path)) ?? 0] as const));
  return Object.fromEntries(sizes);
}

function measureOrgans(image: Volume, map: LabelMap, { classes }: BundleManifest): OrganMeasure[] {
  const organs = classes.slice(1);
  const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value * 1000) / 1000);
  const values = organs.map(({ labelValue }) => labelValue);
  return measureLabels(image, map, values).map(({ voxels, milliliters, mean, standardDeviation }, i) => ({
    organ: organs[i]?.name ?? "",
    label: values[i] ?? 0,
    voxels,
    milliliters: Math.round(milliliters * 10_000) / 10_000,
    meanHu: rounded(mean),
    standardDeviationHu: rounded(standardDeviation),
  }));
}
