import { DataError, type LabelMap } from "@plseg/core";
import { gridMismatch } from "../affine.js";
import type { SourceCase, SourceClass } from "./layouts/layout.js";
import { readLabelFile } from "./volume-files.js";

/** Two classes whose masks claim the same voxels. */
export interface Overlap {
  /** The class that the voxels were given to. */
  readonly kept: string;
  /** The class that lost them. */
  readonly lost: string;
  /** How many. */
  readonly voxels: number;
}

/** Which class of the result each class of a source becomes, and which of them goes before which. */
export interface LabelPlan {
  /** By name of the source's class: an index into `names`; 0 makes it background. */
  readonly targets: ReadonlyMap<string, number>;
  /** Names of the result's classes, background first. */
  readonly names: readonly string[];
  /** Indices of the result's classes: where masks overlap, the first one keeps the voxel. */
  readonly order: readonly number[];
  /** Whether label values that are no class become background instead of being an error. */
  readonly dropOthers?: boolean;
}

/** The labels of a case as one map. */
export interface SourceLabels {
  /** Class indices of the plan, on the grid of the label file. */
  readonly labels: LabelMap;
  /** Voxels by name of the source's class, before overlaps are settled. */
  readonly voxels: ReadonlyMap<string, number>;
  /** Masks that overlap, the largest first. */
  readonly overlaps: readonly Overlap[];
}

/**
 * Reads the labels of a case, from one map or from a mask per class, into one map of the plan's classes. Of masks that
 * overlap the first in the plan's order keeps the voxel.
 *
 * @returns `undefined` if the case has no labels, or no mask of a class of the plan.
 * @throws DataError naming the file if it cannot be read, holds values that are no class, or if masks lie on different grids.
 */
export async function readSourceLabels(
  { labels, masks }: SourceCase,
  classes: readonly SourceClass[],
  plan: LabelPlan,
): Promise<SourceLabels | undefined> {
  if (labels !== undefined) return fromMap(labels, await readLabelFile(labels), classes, plan);
  return masks === undefined ? undefined : fromMasks(masks, plan);
}

/** Voxels of each value. */
export function histogram({ data }: LabelMap): Map<number, number> {
  const counts = new Float64Array(65_536);
  for (let i = 0; i < data.length; i++) counts[data[i] as number] = (counts[data[i] as number] as number) + 1;
  const used = [...counts.entries()].filter(([, voxels]) => voxels > 0);
  return new Map(used);
}

/** The values of a map that belong to no class, in words. */
export function strangersOf(values: ReadonlyMap<number, number>, classes: readonly SourceClass[]): string | undefined {
  const known = new Set(classes.map(({ value }) => value));
  const strange = [...values].filter(([value]) => value !== 0 && !known.has(value));
  if (strange.length === 0) return undefined;
  const found = strange.slice(0, 5).map(([value, voxels]) => `${value} (${voxels} voxels)`);
  const list = classes.map(({ name, value }) => `${value} ${name}`).join(", ");
  return `label values must belong to a class, got ${found.join(", ")}${strange.length > 5 ? ", …" : ""}. Classes: 0 background, ${list}`;
}

function fromMap(file: string, map: LabelMap, classes: readonly SourceClass[], plan: LabelPlan): SourceLabels {
  const values = histogram(map);
  const strangers = plan.dropOthers ? undefined : strangersOf(values, classes);
  if (strangers !== undefined) throw new DataError(`readSourceLabels: ${file}: ${strangers}.`);
  const table = new Uint16Array(65_536);
  for (const { name, value } of classes) table[value] = plan.targets.get(name) ?? 0;
  const data = emptyMap(map.data.length, plan);
  for (let i = 0; i < data.length; i++) data[i] = table[map.data[i] as number] as number;
  const voxels = new Map(classes.map(({ name, value }) => [name, values.get(value) ?? 0]));
  return { labels: { ...map, data }, voxels, overlaps: [] };
}

async function fromMasks(masks: ReadonlyMap<string, string>, plan: LabelPlan): Promise<SourceLabels | undefined> {
  const rank = (name: string): number => plan.order.indexOf(plan.targets.get(name) ?? 0);
  const wanted = [...masks].filter(([name]) => (plan.targets.get(name) ?? 0) > 0);
  const ordered = wanted.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const voxels = new Map<string, number>();
  const lost = new Map<string, number>();
  let result: { readonly first: string; readonly labels: LabelMap } | undefined;
  for (const [name, file] of ordered) {
    const mask = await readMask(file);
    result ??= { first: file, labels: { ...mask, data: emptyMap(mask.data.length, plan) } };
    const mismatch = gridMismatch(result.labels, mask);
    if (mismatch)
      throw new DataError(`readSourceLabels: ${file} does not lie on the grid of ${result.first}: ${mismatch}.`);
    const target = plan.targets.get(name) ?? 0;
    const { data } = result.labels;
    const taken = new Float64Array(plan.names.length);
    let count = 0;
    for (let i = 0; i < data.length; i++) {
      if (mask.data[i] === 0) continue;
      count++;
      const owner = data[i] as number;
      if (owner === 0) data[i] = target;
      else taken[owner] = (taken[owner] as number) + 1;
    }
    voxels.set(name, count);
    for (const [owner, number] of taken.entries())
      if (number > 0 && owner !== target) {
        const key = `${plan.names[owner]}\n${plan.names[target]}`;
        lost.set(key, (lost.get(key) ?? 0) + number);
      }
  }
  if (!result) return undefined;
  const overlaps = [...lost]
    .map(([key, number]) => ({ kept: key.split("\n")[0] ?? "", lost: key.split("\n")[1] ?? "", voxels: number }))
    .sort((a, b) => b.voxels - a.voxels);
  return { labels: result.labels, voxels, overlaps };
}

/**
 * A mask: 0 outside, one value inside.
 *
 * @throws DataError naming the values if there are several, since then it is no mask of one class.
 */
export async function readMask(file: string): Promise<LabelMap> {
  const mask = await readLabelFile(file);
  const values = [...histogram(mask).keys()].filter((value) => value !== 0);
  if (values.length > 1)
    throw new DataError(
      `readMask: ${file}: a mask must hold 0 and one other value, got ${values.slice(0, 5).join(", ")}.`,
    );
  return mask;
}

const emptyMap = (length: number, { names }: LabelPlan): Uint8Array | Uint16Array =>
  names.length <= 256 ? new Uint8Array(length) : new Uint16Array(length);
