import { scalingAffine, type Volume } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { gridMismatch } from "./affine.js";
import { cropVolume, pasteVolume } from "./crop-volume.js";

const volume: Volume<Int16Array> = {
  data: Int16Array.from({ length: 24 }, (_, i) => i),
  shape: [2, 3, 4],
  affine: scalingAffine([4, 3, 2]),
};
const box = { origin: [1, 1, 2], shape: [1, 2, 2] } as const;

describe("cropVolume", () => {
  test("takes the voxels of the box and moves the origin to its first", () => {
    expect(cropVolume(volume, box)).toEqual({
      data: Int16Array.of(18, 19, 22, 23), // (1 · 3 + 1) · 4 + 2 and on
      shape: [1, 2, 2],
      affine: [2, 0, 0, 4, 0, 3, 0, 3, 0, 0, 4, 4, 0, 0, 0, 1],
    });
  });

  test("says which box does not fit", () => {
    expect(() => cropVolume(volume, { origin: [1, 1, 3], shape: [1, 2, 2] })).toThrow(
      "cropGrid: the box must lie inside [2, 3, 4] (depth, height, width), got origin [1, 1, 3], shape [1, 2, 2].",
    );
  });
});

describe("pasteVolume", () => {
  test("undoes the crop inside the box and fills around it", () => {
    const back = pasteVolume(cropVolume(volume, box), volume, box, -1);
    expect(cropVolume(back, box)).toEqual(cropVolume(volume, box));
    expect(back.data.filter((value) => value === -1)).toHaveLength(20);
    expect(gridMismatch(back, volume)).toBeUndefined();
  });

  test("says when part and box differ", () => {
    expect(() => pasteVolume(volume, volume, box)).toThrow(
      "pasteVolume: the part must have the shape of the box, got [2, 3, 4] and [1, 2, 2].",
    );
  });
});
