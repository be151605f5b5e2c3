import { ClassSet, DataError, type LabelMap } from "@plseg/core";
import { type Dataset, type DatasetCase, loadCase, openDataset, writeFileAtomic } from "@plseg/data/node";
import { segmentVolume } from "@plseg/runtime";
import type { RunConfig } from "@plseg/train/node";
import { loadModel } from "./bundle-from-run.js";
import { overlayPicture } from "./picture.js";
import { readRunConfig } from "./read-run.js";
import { picturePath } from "./run-pictures.js";

/** Which pictures are drawn. */
export interface DrawRunPicturesOptions {
  /** At most so many cases. */
  readonly count: number;
  /** Called after each window of a scan. */
  readonly onProgress?: (done: number, total: number, id: string) => void;
}

/**
 * Segments some cases of a run's dataset and writes a picture of each into the run's folder `pictures`: scan, reference and
 * prediction side by side. Cases kept aside for validation come first, then labeled test cases, then training cases.
 *
 * @returns The paths of the pictures.
 * @throws DataError if run or dataset cannot be read or have different classes, or a picture cannot be written.
 */
export async function drawRunPictures(run: string, { count, onProgress }: DrawRunPicturesOptions): Promise<string[]> {
  const config = await readRunConfig(run);
  const dataset = await openDataset(config.data);
  if (dataset.classes.names.join() !== config.classes.join())
    throw new DataError(
      `drawRunPictures: the dataset ${config.data} must have the classes of the run (${config.classes.join(", ")}), got ${dataset.classes.names.join(", ")}.`,
    );
  const chosen = casesToShow(dataset, config).slice(0, count);
  const model = await loadModel(run);
  const paths: string[] = [];
  try {
    for (const entry of chosen) {
      const { id, image, labels: reference } = await loadCase(dataset, entry);
      const segmented = await segmentVolume(model, image, {
        onProgress: (done, total) => onProgress?.(done, total, id),
      });
      const prediction = toIndices(segmented, config.labelValues);
      const path = picturePath(run, "report", id);
      await writeFileAtomic(
        path,
        overlayPicture({ image, reference, prediction, classes: new ClassSet(config.classes) }),
      );
      paths.push(path);
    }
  } finally {
    await model.dispose();
  }
  return paths;
}

function casesToShow({ training, test }: Dataset, { validationCases }: RunConfig): DatasetCase[] {
  const held = ({ id }: DatasetCase): boolean => validationCases.includes(id);
  const labeled = ({ labels }: DatasetCase): boolean => labels !== undefined;
  return [
    ...training.filter(held),
    ...test.filter(labeled),
    ...training.filter((entry) => !held(entry) && labeled(entry)),
  ];
}

/** Values on disk back to class indices. */
function toIndices(map: LabelMap, labelValues: readonly number[]): LabelMap {
  const indexOf = new Map(labelValues.map((value, index) => [value, index]));
  return { ...map, data: map.data.map((value) => indexOf.get(value) ?? 0) as LabelMap["data"] };
}
