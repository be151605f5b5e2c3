import { type Affine, type LabelMap, type Size3D, scalingAffine, sizeOf, spacingOf, type Volume } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { imageOnModelGrid, labelsOnModelGrid, modelGrid } from "./model-grid.js";

/** A body of 40 HU with air around it: voxels 12 to 27 along each axis of 40, 3 mm apart. */
function scan(spacing: Size3D = [3, 3, 3]): { image: Volume; labels: LabelMap } {
  const shape: Size3D = [40, 40, 40];
  const affine: Affine = scalingAffine(spacing);
  const data = new Float32Array(sizeOf(shape)).fill(-1000);
  const labels = new Uint8Array(data.length);
  for (let z = 12; z < 28; z++)
    for (let y = 12; y < 28; y++)
      for (let x = 12; x < 28; x++) {
        data[(z * 40 + y) * 40 + x] = 40;
        if (z < 20) labels[(z * 40 + y) * 40 + x] = 1;
      }
  return { image: { data, shape, affine }, labels: { data: labels, shape, affine } };
}

describe("modelGrid", () => {
  test("keeps the voxels where the spacing is the network's, but for the air around", () => {
    const { image } = scan();
    const grid = modelGrid(image, [3.02, 3, 2.99]);
    expect(grid.box.shape.every((size) => size >= 16 && size < 30)).toBe(true);
    expect(grid.grid).toBe(grid.cropped);
    const inside = imageOnModelGrid(image, grid);
    expect(inside.shape).toEqual(grid.box.shape);
    expect(inside.data.filter((value) => value === 40)).toHaveLength(16 ** 3);
  });

  test("resamples image and labels to the network's spacing, together", () => {
    const { image, labels } = scan();
    const grid = modelGrid(image, [6, 3, 1.5]);
    const [coarse, map] = [imageOnModelGrid(image, grid), labelsOnModelGrid(labels, grid)];
    expect(spacingOf(coarse.affine).map((mm) => Number(mm.toFixed(6)))).toEqual([6, 3, 1.5]);
    expect(map.shape).toEqual(coarse.shape);
    const volume = map.data.filter((label) => label === 1).length * 6 * 3 * 1.5;
    expect(volume / (8 * 16 * 16 * 27)).toBeCloseTo(1, 1);
    expect(map.data.every((label, i) => label === 0 || (coarse.data[i] as number) > -500)).toBe(true);
  });

  test("cuts nothing off that is labeled, even outside the body", () => {
    const { image, labels } = scan();
    labels.data[39] = 1; // a corner of the volume, in the air
    const { box } = modelGrid(image, [3, 3, 3], labels);
    expect([box.origin[0], box.origin[1]]).toEqual([0, 0]);
    expect(box.origin[2] + box.shape[2]).toBe(40);
  });

  test("does not let voxels that are not a number spread", () => {
    const { image } = scan();
    image.data[(20 * 40 + 20) * 40 + 20] = Number.NaN;
    const coarse = imageOnModelGrid(image, modelGrid(image, [6, 6, 6]));
    expect(coarse.data.every(Number.isFinite)).toBe(true);
    expect(image.data[(20 * 40 + 20) * 40 + 20]).toBeNaN();
  });
});
