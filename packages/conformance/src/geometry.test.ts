import { type Affine, type LabelMap, type Size3D, spacingOf, type Volume } from "@plseg/core";
import {
  cropVolume,
  imageOnModelGrid,
  labelsOnModelGrid,
  modelGrid,
  pasteVolume,
  resampleLabels,
  toCanonical,
} from "@plseg/data";
import { readLabelFile, readVolumeFile } from "@plseg/data/node";
import { sharedPath } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";

const read = async (image: string, labels: string): Promise<{ image: Volume; labels: LabelMap }> => ({
  image: await readVolumeFile(sharedPath("data", ...image.split("/"))),
  labels: await readLabelFile(sharedPath("data", ...labels.split("/"))),
});

/** Dice of each label of `reference` that has at least so many voxels. */
function diceOf(result: LabelMap, reference: LabelMap, least: number): Map<number, number> {
  const [shared, found, given] = [new Float64Array(256), new Float64Array(256), new Float64Array(256)];
  for (let i = 0; i < reference.data.length; i++) {
    const [label, other] = [reference.data[i] as number, result.data[i] as number];
    given[label] = (given[label] as number) + 1;
    found[other] = (found[other] as number) + 1;
    if (label === other) shared[label] = (shared[label] as number) + 1;
  }
  const large = [...given.keys()].filter((label) => label > 0 && (given[label] as number) >= least);
  const dice = (label: number): number =>
    (2 * (shared[label] as number)) / ((given[label] as number) + (found[label] as number));
  return new Map(large.map((label) => [label, dice(label)]));
}

/** Turned about the patient's long axis, as a gantry or a patient may lie. */
function turnedBy(degrees: number, affine: Affine): Affine {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const row = (i: number): number[] => affine.slice(4 * i, 4 * i + 4);
  const [x, y, z] = [row(0), row(1), row(2)];
  const mix = (a: number, b: number): number[] => x.map((value, i) => a * value + b * (y[i] as number));
  return [...mix(c, -s), ...mix(s, c), ...z, 0, 0, 0, 1] as unknown as Affine;
}

describe("a label map that went to a network's grid and back", () => {
  test.each<[name: string, image: string, labels: string, spacing: Size3D, least: number]>([
    ["3 mm to 2 mm", "ct3mm/ts_example_ct.nii.gz", "ct3mm/ts_example_seg.nii.gz", [2, 2, 2], 0.97],
    ["3 mm to 4 mm", "ct3mm/ts_example_ct.nii.gz", "ct3mm/ts_example_seg.nii.gz", [4, 4, 4], 0.92],
    [
      "0.98 x 0.98 x 2 mm to 1.5 mm",
      "native/totalseg_512_seg.nii.gz",
      "native/totalseg_512_seg.nii.gz",
      [1.5, 1.5, 1.5],
      0.82,
    ],
  ])("%s: lies on the scan's own grid, with its organs", async (_, imagePath, labelPath, spacing, least) => {
    const { image, labels } = await read(imagePath, labelPath);
    const affine = turnedBy(25, labels.affine);
    const scan = toCanonical({ ...image, affine });
    const map = toCanonical({ ...labels, affine }).volume;
    const model = modelGrid(scan.volume, spacing, map);
    const there = labelsOnModelGrid(map, model);
    const picture = imageOnModelGrid(scan.volume, model);
    expect([there.shape, there.affine]).toEqual([picture.shape, picture.affine]);
    for (const [axis, mm] of spacingOf(there.affine).entries()) expect(mm).toBeCloseTo(spacing[axis] as number, 6);
    const part = resampleLabels(there, model.cropped);
    const back = scan.restore(pasteVolume(part, scan.volume, model.box));
    expect([back.shape, back.affine]).toEqual([labels.shape, affine]);
    const scores = diceOf(back, labels, 2000);
    expect(scores.size).toBeGreaterThan(3);
    expect(Math.min(...scores.values())).toBeGreaterThan(least);
  });

  test("keeps the body of real scans in its box", async () => {
    const { image, labels } = await read("ct3mm/ts_example_ct.nii.gz", "ct3mm/ts_example_seg.nii.gz");
    const { box } = modelGrid(toCanonical(image).volume, [3, 3, 3]);
    const inside = cropVolume(toCanonical(labels).volume, box).data.filter((label) => label > 0).length;
    expect(inside).toBe(labels.data.filter((label) => label > 0).length);
  });
});
