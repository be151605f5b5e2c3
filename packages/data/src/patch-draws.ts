import { Random, type Size3D } from "@plseg/core";
import type { PatchSource } from "./patch-source.js";

/** Which part of which scan a patch is. */
export interface PatchDraw {
  /** Place of the case in the list of sources. */
  readonly source: number;
  /** The voxel of the patch's first corner, along depth, height, width. Negative where the scan is smaller than the patch. */
  readonly origin: Size3D;
  /** Class that the patch was drawn around, if any. */
  readonly around?: number;
}

/** What {@link patchDraws} needs to know. */
export interface PatchDrawsOptions {
  /** Patches per batch. */
  readonly batch: number;
  /** The same seed draws the same patches. */
  readonly seed: number;
  /** Part of the patches drawn around a voxel of an annotated class. */
  readonly foreground: number;
  /** Voxels along depth, height, width. */
  readonly patchSize: Size3D;
}

/**
 * Decides where each patch is taken: the `n`-th patch of a step. It is a function of seed, step and `n` alone, so that
 * patches can be drawn in any order, by anyone.
 *
 * Of all patches, counted through from the first step, the `foreground` part is spread evenly among the rest. The j-th of
 * these has the class that is j-th in rounds over the classes that some case annotates and holds: each class once a round,
 * in an order of its own. A class finds its cases likewise, in rounds over the cases that have it, and then a voxel. So
 * each class has its turn equally often, however few its voxels and the cases that annotate it. The other patches come
 * from rounds over all cases, at any place: there the cases in which a class is annotated and absent have their turn.
 */
export function patchDraws(
  sources: readonly Pick<PatchSource, "shape" | "placeCounts" | "place">[],
  { batch, seed, foreground, patchSize }: PatchDrawsOptions,
): (step: number, n: number) => PatchDraw {
  const all = sources.map((_, index) => index);
  const classCount = Math.max(0, ...sources.map(({ placeCounts }) => placeCounts.length));
  const casesOf = Array.from({ length: classCount }, (_, label) =>
    all.filter((index) => (sources[index]?.placeCounts[label] ?? 0) > 0),
  );
  const labels = casesOf.flatMap((cases, label) => (cases.length > 0 ? [label] : []));
  const part = labels.length > 0 ? foreground : 0;
  const anyCase = rounds(all, "cases", seed);
  const anyLabel = rounds(labels, "classes", seed);
  const caseOf = casesOf.map((cases, label) => rounds(cases, "cases of class", seed, label));

  return (step, n) => {
    const random = Random.of("patch", seed, step, n);
    const draw = step * batch + n;
    const turn = Math.floor(draw * part);
    if (Math.floor((draw + 1) * part) === turn) {
      const source = anyCase(draw - turn);
      return { source, origin: anywhere(sources[source]?.shape ?? patchSize, patchSize, random) };
    }
    const label = anyLabel(turn);
    const source = caseOf[label]?.(Math.floor(turn / labels.length)) ?? 0;
    const { shape, placeCounts, place } = sources[source] as PatchSource;
    const voxel = place(label, random.integer(placeCounts[label] ?? 1));
    return { source, origin: around(voxel, shape, patchSize, random), around: label };
  };
}

/** The item of the k-th draw: every round each item once, in an order of its own. */
function rounds(items: readonly number[], ...name: readonly (string | number)[]): (draw: number) => number {
  let known = { round: -1, order: items };
  return (draw) => {
    const round = Math.floor(draw / items.length);
    if (known.round !== round) known = { round, order: Random.of(...name, round).shuffle(items) };
    return known.order[draw % items.length] ?? 0;
  };
}

/** Anywhere in the scan; where the scan is smaller than the patch, anywhere that holds it whole. */
function anywhere(shape: Size3D, patch: Size3D, random: Random): Size3D {
  const along = (axis: 0 | 1 | 2): number => {
    const free = shape[axis] - patch[axis];
    return free < 0 ? -random.integer(1 - free) : random.integer(free + 1);
  };
  return [along(0), along(1), along(2)];
}

/** With the voxel somewhere in the middle half of the patch, unless the border of the scan is near. */
function around(voxel: number, shape: Size3D, patch: Size3D, random: Random): Size3D {
  const [, height, width] = shape;
  const at = [Math.floor(voxel / (height * width)), Math.floor(voxel / width) % height, voxel % width] as const;
  const along = (axis: 0 | 1 | 2): number => {
    const [size, free] = [patch[axis], shape[axis] - patch[axis]];
    if (free < 0) return -random.integer(1 - free);
    const inside = Math.floor(size / 4) + random.integer(Math.max(1, Math.ceil(size / 2)));
    return Math.min(Math.max(at[axis] - inside, 0), free);
  };
  return [along(0), along(1), along(2)];
}
