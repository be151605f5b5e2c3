import { join, relative } from "node:path";
import { DataError, type LabelMap, type Volume } from "@plseg/core";
import { gridMismatch } from "../affine.js";
import { toCanonical } from "../canonical.js";
import { hideUnannotated } from "../mask-annotations.js";
import { copyImage } from "./copy-image.js";
import { hashFile } from "./hash-file.js";
import type { Annotated } from "./layouts/layout.js";
import type { ConversionPlan, PlannedCase } from "./plan-conversion.js";
import { readScan } from "./read-scan.js";
import { type Overlap, readSourceLabels } from "./source-labels.js";
import { writeVolumeFile } from "./volume-files.js";

/** What became of a case. */
export interface ConvertedCase {
  /** Its name in the result. */
  readonly id: string;
  /** Where it went. */
  readonly part: "training" | "test";
  /** Path of the image, from its dataset's folder. */
  readonly image: string;
  /** SHA-256 of the image's file; missing for a DICOM series. */
  readonly sha256?: string;
  /** Whether a label map was written. */
  readonly labeled: boolean;
  /** In the result's classes. */
  readonly annotated: readonly string[];
  /** Masks that overlapped. */
  readonly overlaps: readonly Overlap[];
}

/** Where the image and the labels of a case lie in a dataset of ours. */
export function casePaths(
  out: string,
  { id, part }: Pick<PlannedCase, "id" | "part">,
): { image: string; labels: string } {
  const end = part === "training" ? "Tr" : "Ts";
  return { image: join(out, `images${end}`, `${id}_0000.nii.gz`), labels: join(out, `labels${end}`, `${id}.nii.gz`) };
}

/**
 * Writes image and labels of a case. A .nii.gz image is copied as it is, after it was read once; a label map is written on
 * its image's grid. Voxels of classes that are not annotated become background.
 *
 * @throws DataError naming the file if one cannot be read or written, or labels do not fit to the image.
 */
export async function convertCase(
  plan: ConversionPlan,
  planned: PlannedCase,
  out: string,
  link: boolean,
): Promise<ConvertedCase> {
  const { entry, id, part } = planned;
  const source = plan.sources[planned.source];
  if (!source) throw new Error("convertCase: a case without a source.");
  const volume = await readScan(entry.image);
  const sha256 = await hashFile(entry.image);
  const paths = casePaths(out, planned);
  const labels = await labelsOf(plan, planned, volume);
  if (labels?.map) await writeVolumeFile(paths.labels, labels.map, { labels: true });
  if (sha256 !== undefined) await copyImage(entry.image, paths.image, link);
  else await writeVolumeFile(paths.image, { ...volume, data: compact(volume.data) });
  return {
    ...{ id, part, image: relative(source.dataset.root, entry.image) },
    ...(sha256 !== undefined && { sha256 }),
    labeled: labels?.map !== undefined,
    ...{ annotated: labels?.annotated ?? [], overlaps: labels?.overlaps ?? [] },
  };
}

/** Whole numbers as int16, which takes half the space. */
function compact(data: Float32Array): Float32Array | Int16Array {
  const whole = Int16Array.from(data);
  return data.every((value, i) => value === whole[i]) ? whole : data;
}

async function labelsOf(
  { classes, order, sources }: ConversionPlan,
  { entry, source: index, annotated: given }: PlannedCase,
  image: Volume,
): Promise<{ map: LabelMap | undefined; annotated: readonly string[]; overlaps: readonly Overlap[] } | undefined> {
  const { targets, classes: sourceClasses, dropOthers = false } = sources[index] ?? {};
  if (!targets || !sourceClasses || (entry.labels === undefined && entry.masks === undefined)) return undefined;
  // What is known before voxels are read is not painted if it is not annotated, so that it hides nothing.
  const before = given ?? entry.annotated;
  const known =
    before === "occurring"
      ? undefined
      : annotatedTargets(
          given,
          entry.annotated,
          sourceClasses.map(({ name }) => name),
        );
  const painted = new Map([...targets].map(([name, target]) => [name, known && !known.has(target) ? 0 : target]));
  const read = await readSourceLabels(entry, sourceClasses, {
    targets: painted,
    names: classes.names,
    order,
    dropOthers,
  });
  if (!read) return undefined;
  const occurring = sourceClasses.map(({ name }) => name).filter((name) => (read.voxels.get(name) ?? 0) > 0);
  const final = known ?? annotatedTargets(given, entry.annotated, occurring);
  const isAnnotated = classes.names.map((_, target) => target === 0 || final.has(target));
  const map = onGridOf(image, hideUnannotated(read.labels, isAnnotated), entry.labels ?? entry.image);
  return {
    map,
    annotated: classes.foreground.filter((name) => final.has(classes.names.indexOf(name))),
    overlaps: read.overlaps,
  };

  /** A class of the result is annotated where each class that becomes it is. */
  function annotatedTargets(chosen: Annotated | undefined, own: Annotated, all: readonly string[]): Set<number> {
    if (typeof chosen === "object") return checkMasks(new Set(chosen.map((name) => classes.names.indexOf(name))));
    const names = chosen === undefined && typeof own === "object" ? own : all;
    const used = new Set([...(targets?.values() ?? [])].filter((target) => target > 0));
    for (const [name, target] of targets ?? []) if (!names.includes(name)) used.delete(target);
    return used;
  }

  /** What was listed must have masks, if there are masks: none would say that the class is absent. */
  function checkMasks(listed: Set<number>): Set<number> {
    for (const [name, target] of targets ?? [])
      if (entry.masks && listed.has(target) && !entry.masks.has(name))
        throw new DataError(
          `convertCase: ${entry.image}: ${classes.names[target]} is listed as annotated, but there is no mask ${name}.nii.gz. Take it from the list.`,
        );
    return listed;
  }
}

/** The map on the image's grid, turned if need be. @throws DataError if the two do not lie on one grid. */
function onGridOf(image: Volume, map: LabelMap, file: string): LabelMap {
  if (gridMismatch(image, map) === undefined) return { ...map, affine: image.affine };
  const canonical = toCanonical(image);
  const turned = toCanonical(map).volume;
  const mismatch = gridMismatch(canonical.volume, turned);
  if (mismatch === undefined) return { ...canonical.restore(turned), affine: image.affine };
  throw new DataError(
    `convertCase: ${file}: image and labels must lie on one grid: ${mismatch}. Resample the labels onto the image's grid.`,
  );
}
