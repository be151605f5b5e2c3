import { DataError, PlsegError, ResourceError } from "@plseg/core";
import type { Device } from "@plseg/runtime";
import { loadModel } from "./bundle-from-run.js";
import { type PredictionJob, planPredictions } from "./predict/plan-predictions.js";
import type { OrganMeasure } from "./predict/prediction-record.js";
import { type PredictionOptions, predictionSteps, type ReadScan } from "./predict/prediction-steps.js";
import { writePredictionTables } from "./predict/prediction-tables.js";
import { removeLeftovers } from "./predict/remove-leftovers.js";
import type { Shard } from "./predict/shard.js";

/** What is segmented, by what, and where the label maps go. */
export interface PredictFilesOptions extends PredictionOptions {
  /** Folder of a run or a bundle. */
  readonly model: string;
  /**
   * A scan (a NIfTI file, or a folder with a series of DICOM slices), a folder of scans, or a text file (.txt) with a path
   * on each line; or several of these.
   */
  readonly input: string | readonly string[];
  /** A .nii or .nii.gz file, if the input is one scan; otherwise a folder, which is made if need be. */
  readonly output: string;
  /** Where the model runs; `cpu` unless told. */
  readonly device?: Device;
  /** CPU threads; as many as ONNX Runtime thinks best unless told. */
  readonly threads?: number;
  /** Do this part of the scans only, in the order of their names, and write no tables. */
  readonly shard?: Shard;
}

/** A scan, and what became of it. */
export interface Prediction {
  /** Name of the scan without channel and extension. */
  readonly id: string;
  /** Path of the scan. */
  readonly image: string;
  /** Path of the label map. */
  readonly labels: string;
  /** Whether it was segmented now, had been before, could not be, or was not come to. */
  readonly status: "predicted" | "skipped" | "failed" | "left";
  /** Volume and intensity of every organ, if there is a label map. */
  readonly organs?: readonly OrganMeasure[];
  /** Time it took to segment, if that was now. Reading and writing go on beside other scans and do not count. */
  readonly seconds?: number;
  /** Why it failed. */
  readonly error?: string;
}

/** What {@link predictFiles} did. */
export interface PredictionRun {
  /** By name of the case. */
  readonly predictions: readonly Prediction[];
  /** Paths of the tables of all cases in the output folder, if they were written. */
  readonly tables?: { readonly json: string; readonly csv: string };
}

/**
 * Segments scans and writes label maps on the scans' own grids, each file whole or not at all, with volume and mean
 * intensity of every organ.
 *
 * A label map that is there, whole, and of the same scan, model and options is kept, so that a run that was broken off is
 * gone on with by the same call. A scan that cannot be read does not keep the others from being done; a full disk
 * does. While a scan is computed, the next one is read and the one before written.
 *
 * @returns What became of every scan; look at `status`, or call {@link checkPredictions}.
 * @throws DataError if the model cannot be read, or nothing can be written to the output; ConfigError if several scans
 *   are to become one file; ResourceError if the device cannot run the model.
 */
export async function predictFiles(options: PredictFilesOptions): Promise<PredictionRun> {
  const { model, input, output, device, threads, shard, signal } = options;
  const inputs = typeof input === "string" ? [input] : input;
  const { jobs, folder, intoFolder } = await planPredictions(inputs, output, shard);
  const bundle = await loadModel(model, {
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
  });
  try {
    const steps = predictionSteps(bundle, options);
    await removeLeftovers(folder, jobs);
    const predictions = jobs.map((job): Prediction => ({ ...namesOf(job), status: "left" }));
    let stop = false;
    const fail = (i: number, error: unknown): void => {
      if (signal?.aborted && error === signal.reason) return;
      stop ||= error instanceof ResourceError;
      const reason = error instanceof Error ? error.message : String(error);
      predictions[i] = { ...namesOf(jobs[i] as PredictionJob), status: "failed", error: reason };
    };
    let reading: Promise<ReadScan> | undefined;
    let writing: Promise<void> = Promise.resolve();
    for (const [i, job] of jobs.entries()) {
      if (stop || signal?.aborted) break;
      const current = reading ?? steps.read(job);
      reading = undefined;
      try {
        const scan = await current;
        const next = jobs[i + 1];
        reading = next && steps.read(next);
        reading?.catch(() => {}); // told when it is its turn
        if (scan.finished) {
          predictions[i] = { ...namesOf(job), status: "skipped", organs: scan.finished.organs };
          continue;
        }
        const start = performance.now();
        const segmented = await steps.segment(job, scan);
        const seconds = Math.round(performance.now() - start) / 1000;
        await writing;
        writing = steps.write(job, scan, segmented).then(
          ({ organs }) => {
            predictions[i] = { ...namesOf(job), status: "predicted", seconds, organs };
          },
          (error) => fail(i, error),
        );
      } catch (error) {
        fail(i, error);
      }
    }
    await writing;
    await reading?.catch(() => {});
    const tables = intoFolder && !shard ? await writePredictionTables(folder) : undefined;
    return { predictions, ...(tables && { tables }) };
  } finally {
    await bundle.dispose();
  }
}

/**
 * Throws unless every scan has its label map.
 *
 * @throws DataError with the reasons if scans failed; PlsegError if the run was stopped before all were done.
 */
export function checkPredictions({ predictions }: PredictionRun): void {
  const of = (status: Prediction["status"]): Prediction[] => predictions.filter((entry) => entry.status === status);
  const [failed, left] = [of("failed"), of("left")];
  const rest = left.length > 0 ? ` ${left.length} were not begun; run the same command again to go on.` : "";
  if (failed.length > 0) {
    const reasons = failed.map(({ id, error }) => `\n  ${id}: ${error}`).join("");
    throw new DataError(
      `predict: ${failed.length} of ${predictions.length} scans failed:${reasons}${rest && `\n${rest.trim()}`}`,
    );
  }
  if (left.length > 0)
    throw new PlsegError(
      `predict: stopped; ${left.length} of ${predictions.length} scans are left. Run the same command again to go on.`,
    );
}

const namesOf = ({ id, image, labels }: PredictionJob): Pick<Prediction, "id" | "image" | "labels"> => {
  return { id, image, labels };
};
