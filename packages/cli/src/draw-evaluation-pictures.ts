import { ClassSet, DataError } from "@plseg/core";
import { hideUnannotated, toCanonical } from "@plseg/data";
import { readVolumeFile } from "@plseg/data/node";
import { type EvaluatedCase, type Evaluation, readClassMap } from "./evaluate-folder.js";
import { overlayPicture } from "./picture.js";
import type { ReportPicture } from "./report/report-data.js";
import { listVolumes, type NamedVolume } from "./volume-names.js";

/** Where the scans of an evaluation are. */
export interface DrawEvaluationPicturesOptions {
  /** The predictions that were evaluated. */
  readonly predictions: string;
  /** Folders of scans, or scans. */
  readonly images: readonly string[];
}

/** Pictures drawn at most, so that a report stays a page. */
const MOST_PICTURES = 12;

/** A picture to draw. */
interface Scene {
  readonly scan: NamedVolume;
  readonly prediction: string;
  /** The evaluated case, if the scan has a reference. */
  readonly evaluated?: EvaluatedCase;
}

/**
 * A picture of each evaluated case whose scan is among `images`: scan, what the reference knows, prediction, in the slice
 * that shows the most organs. Predictions of other scans follow, without a reference. At most 12 in all.
 *
 * @throws DataError if a file cannot be read, scan and label map do not fit together, or no scan has a prediction.
 */
export async function drawEvaluationPictures(
  evaluation: Evaluation,
  { predictions, images }: DrawEvaluationPicturesOptions,
): Promise<ReportPicture[]> {
  const predicted = await listVolumes(predictions, { what: "predictions" });
  const scans: NamedVolume[] = [];
  for (const path of images) scans.push(...(await listVolumes(path, { what: "images", channelSuffix: true })));
  const scenes = scans.flatMap((scan): Scene[] => {
    const evaluated = evaluation.cases.find(({ id }) => id === scan.id);
    const prediction = evaluated?.prediction ?? predicted.find(({ id }) => id === scan.id)?.path;
    if (prediction === undefined) return [];
    return [{ scan, prediction, ...(evaluated && { evaluated }) }];
  });
  if (scenes.length === 0)
    throw new DataError(
      `evaluate: no scan in ${images.join(", ")} has a prediction in ${predictions}. Files are paired by name, scans without their _0000.`,
    );
  scenes.sort((a, b) => Number(b.evaluated !== undefined) - Number(a.evaluated !== undefined));
  const pictures: ReportPicture[] = [];
  for (const scene of scenes.slice(0, MOST_PICTURES)) pictures.push(await drawScene(evaluation, scene));
  return pictures;
}

async function drawScene(evaluation: Evaluation, { scan, prediction: path, evaluated }: Scene): Promise<ReportPicture> {
  const { volume: image } = toCanonical(await readVolumeFile(scan.path));
  const prediction = await readClassMap(path, evaluation);
  const classes = new ClassSet(evaluation.classes);
  const scores = evaluated?.scores ?? [];
  const organs = scores.filter(({ state }) => state !== "unannotated").map(({ class: name }) => name);
  const annotated = classes.names.map((name, index) => index === 0 || organs.includes(name));
  const reference = evaluated && hideUnannotated(await readClassMap(evaluated.reference, evaluation), annotated);
  const partly = organs.length < scores.length ? ` (only ${organs.join(", ") || "background"} annotated)` : "";
  const caption = evaluated
    ? `${scan.id}: scan, reference${partly}, prediction`
    : `${scan.id}: scan, prediction; there is no reference`;
  try {
    return { caption, png: overlayPicture({ image, reference, prediction, classes, slice: "richest" }) };
  } catch (cause) {
    throw new DataError(`evaluate: the picture of ${scan.path}: ${(cause as Error).message}`, { cause });
  }
}
