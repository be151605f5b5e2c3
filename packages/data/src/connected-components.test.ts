import { type LabelMap, Random, type Size3D, scalingAffine, sizeOf } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { connectedComponents } from "./connected-components.js";

/** Labels written as slices of rows: `"110 / 002 | 000 / 111"`. */
function mapOf(text: string): LabelMap {
  const slices = text.split("|").map((slice) => slice.split("/").map((row) => row.trim()));
  const shape: Size3D = [slices.length, slices[0]?.length ?? 0, slices[0]?.[0]?.length ?? 0];
  return { data: Uint8Array.from(slices.flat().join(""), Number), shape, affine: scalingAffine([1, 1, 1]) };
}

/** The component of each voxel, from 1, and 0 for the background. */
function numbered(map: Pick<LabelMap, "data" | "shape">, connectivity: 6 | 26): number[] {
  const image = new Array<number>(map.data.length).fill(0);
  connectedComponents(map, { connectivity }).eachRun((component, start, end) => image.fill(component + 1, start, end));
  return image;
}

/** The same by flooding from every voxel, as one would by hand. */
function flooded({ data, shape: [depth, height, width] }: Pick<LabelMap, "data" | "shape">, reach: 6 | 26): number[] {
  const image = new Array<number>(data.length).fill(0);
  let count = 0;
  for (const [seed, label] of data.entries()) {
    if (label === 0 || image[seed] !== 0) continue;
    count++;
    const open = [seed];
    while (open.length > 0) {
      const voxel = open.pop() as number;
      if (image[voxel] !== 0) continue;
      image[voxel] = count;
      const [z, y, x] = [Math.floor(voxel / (height * width)), Math.floor(voxel / width) % height, voxel % width];
      for (const k of [-1, 0, 1])
        for (const j of [-1, 0, 1])
          for (const i of [-1, 0, 1]) {
            const inside = z + k >= 0 && z + k < depth && y + j >= 0 && y + j < height && x + i >= 0 && x + i < width;
            const next = voxel + (k * height + j) * width + i;
            if (!inside || (reach === 6 && Math.abs(i) + Math.abs(j) + Math.abs(k) > 1)) continue;
            if (data[next] === label) open.push(next);
          }
    }
  }
  return image;
}

describe("connectedComponents", () => {
  test("tells parts apart by faces, and joins them by corners", () => {
    const map = mapOf("1100 / 0010 | 0002 / 0001");
    expect(numbered(map, 6)).toEqual([1, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 4]);
    const { labels, voxels } = connectedComponents(map);
    expect([[...labels], [...voxels]]).toEqual([
      [1, 2],
      [4, 1],
    ]);
  });

  test("joins what comes together only later", () => {
    expect([...connectedComponents(mapOf("10101 / 10101 / 11111")).voxels]).toEqual([11]);
    expect([...connectedComponents(mapOf("101 | 111"), { connectivity: 6 }).voxels]).toEqual([5]);
  });

  test.each([6, 26] as const)("agrees with flooding from every voxel, connectivity %i", (connectivity) => {
    const side = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(side, side, side, fc.integer({ min: 2, max: 4 }), fc.integer(), (d, h, w, classes, seed) => {
        const shape: Size3D = [d, h, w];
        const draw = new Random(seed);
        const map = { data: Uint8Array.from({ length: sizeOf(shape) }, () => draw.integer(classes)), shape };
        expect(numbered(map, connectivity)).toEqual(flooded(map, connectivity));
      }),
      { numRuns: 300 },
    );
  });

  test("finds nothing where there is nothing, and many where there are many", () => {
    expect(connectedComponents(mapOf("000 / 000")).labels).toHaveLength(0);
    const shape: Size3D = [4, 40, 40];
    const data = Uint16Array.from({ length: sizeOf(shape) }, (_, i) => ((Math.floor(i / 40) + i) % 2 === 0 ? 300 : 0));
    // a chessboard, the same in each of four slices
    const { labels, voxels } = connectedComponents({ data, shape }, { connectivity: 6 });
    expect([labels.length, labels[799], voxels[0], voxels[799]]).toEqual([800, 300, 4, 4]);
    expect(connectedComponents({ data, shape }).labels).toHaveLength(1);
  });

  test("says what is wrong", () => {
    const map = mapOf("01");
    expect(() => connectedComponents(map, { connectivity: 18 as 6 })).toThrow("connectivity must be 6 or 26, got 18.");
    expect(() => connectedComponents({ ...map, shape: [1, 1, 3] })).toThrow(
      "connectedComponents: shape [1, 1, 3] must hold 3 voxels, got 2.",
    );
  });
});
