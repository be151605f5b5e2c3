import { type Affine, ClassSet, classColor, type LabelMap, type Size3D, scalingAffine, type Volume } from "@plseg/core";
import { decode } from "fast-png";
import { describe, expect, test } from "vitest";
import { overlayPicture } from "./picture.js";

const classes = new ClassSet(["background", "liver", "spleen"]);
const shape: Size3D = [3, 64, 64];
const WATER = 40;

/** Voxels by what lies at slice, row and column. */
function volume(at: (z: number, y: number, x: number) => number, affine: Affine = scalingAffine([3, 1, 1])): Volume {
  const data = Float32Array.from({ length: 3 * 64 * 64 }, (_, v) => at(v >> 12, (v >> 6) & 63, v & 63));
  return { data, shape, affine };
}
const labelMap = (...args: Parameters<typeof volume>): LabelMap => {
  const { data, ...grid } = volume(...args);
  return { ...grid, data: Uint8Array.from(data) };
};

/** Mean color of a square of 9 pixels around a place, given in parts of one panel. */
function colorAt(png: Uint8Array, panels: number, panel: number, right: number, down: number): number[] {
  const { width, height, data, channels } = decode(png);
  const panelWidth = (width - 6 * (panels - 1)) / panels;
  const x = Math.round(panel * (panelWidth + 6) + right * panelWidth);
  const y = Math.round(down * height);
  const sum = [0, 0, 0];
  for (const dy of [-1, 0, 1])
    for (const dx of [-1, 0, 1])
      for (const c of [0, 1, 2])
        sum[c] = (sum[c] as number) + (data[channels * ((y + dy) * width + x + dx) + c] as number);
  return sum.map((value) => value / 9);
}

describe("overlayPicture", () => {
  test("shows the abdominal window from −160 to 240 HU", () => {
    const columns = [-1000, -160, WATER, 240, 3000];
    const png = overlayPicture({ image: volume((_z, _y, x) => columns[Math.floor((63 - x) / 13)] ?? 0), classes });
    for (const [i, gray] of [0, 0, 127.5, 255, 255].entries()) {
      const color = colorAt(png, 1, 0, (13 * i + 6.5) / 64, 0.5);
      for (const channel of color) expect(Math.abs(channel - gray)).toBeLessThan(1);
    }
  });

  test("is 256 pixels wide per panel of 64 square voxels, and has one panel per map", () => {
    const image = volume(() => WATER);
    const map = labelMap(() => 0);
    const size = (png: Uint8Array): number[] => [decode(png).width, decode(png).height];
    expect(size(overlayPicture({ image, classes }))).toEqual([256, 256]);
    expect(size(overlayPicture({ image, prediction: map, classes }))).toEqual([256 * 2 + 6, 256]);
    expect(size(overlayPicture({ image, reference: map, prediction: map, classes }))).toEqual([256 * 3 + 12, 256]);
  });

  test("has square millimeters", () => {
    const png = overlayPicture({ image: volume(() => WATER, scalingAffine([3, 2, 1])), classes });
    expect([decode(png).width, decode(png).height]).toEqual([128, 256]);
  });

  test("shows a slice from the front, the head up and the patient's right on the left", () => {
    const image = volume(() => WATER, scalingAffine([20, 1, 1]));
    // At the head (z = 2), to the right (x is large).
    const reference = labelMap((z, _y, x) => (z === 2 && x >= 32 ? 1 : 0));
    const png = overlayPicture({ image, reference, classes, plane: "coronal", plain: false });
    expect([decode(png).width, decode(png).height]).toEqual([256, 240]);
    const [red = 0, green = 0, blue = 0] = classColor(1);
    const filled = [red, green, blue].map((channel) => 0.38 * channel + 0.62 * 127.5);
    for (const [c, value] of colorAt(png, 1, 0, 0.25, 0.15).entries()) expect(value).toBeCloseTo(filled[c] ?? 0, -1);
    for (const [right, down] of [
      [0.75, 0.15],
      [0.25, 0.8],
    ] as const)
      for (const value of colorAt(png, 1, 0, right, down)) expect(value).toBeCloseTo(127.5, -1);
  });

  // The patient's right front quarter is labeled: where the millimeters of RAS+ are large.
  test.each([
    {
      name: "RAS",
      affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
      right: (x: number) => x >= 32,
      front: (y: number) => y >= 32,
    },
    {
      name: "LPS",
      affine: [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
      right: (x: number) => x < 32,
      front: (y: number) => y < 32,
    },
    {
      name: "LAS",
      affine: [-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
      right: (x: number) => x < 32,
      front: (y: number) => y >= 32,
    },
  ])("shows the patient's right on the left and the front up in $name order", ({ affine, right, front }) => {
    const grid = affine as unknown as Affine;
    const reference = labelMap((_z, y, x) => (right(x) && front(y) ? 1 : 0), grid);
    const png = overlayPicture({ image: volume(() => WATER, grid), reference, classes });
    const colored = [0.25, 0.75].map((down) =>
      [0.25, 0.75].map((across) => {
        const color = colorAt(png, 2, 1, across, down);
        return Math.max(...color) - Math.min(...color) > 20;
      }),
    );
    expect(colored).toEqual([
      [true, false],
      [false, false],
    ]);
  });

  test("finds the axial plane of a scan that is stored sagittally", () => {
    // columns run to the front, rows to the head, slices to the right
    const affine: Affine = [0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    const data = new Float32Array(4 * 32 * 64).fill(WATER);
    const png = overlayPicture({ image: { data, shape: [4, 32, 64], affine }, classes });
    // 4 voxels from right to left and 64 from front to back, enlarged 4 times
    expect([decode(png).width, decode(png).height]).toEqual([16, 256]);
  });

  test("fills a region half transparently in its class's color and outlines it", () => {
    const inside = (x: number, y: number): boolean => x >= 16 && x < 48 && y >= 16 && y < 48;
    const reference = labelMap((z, y, x) => (z === 1 && inside(x, y) ? 2 : 0));
    const png = overlayPicture({ image: volume(() => WATER), reference, classes });
    const [spleen, gray] = [classColor(2), 127.5];
    const middle = colorAt(png, 2, 1, 0.5, 0.5);
    for (const [channel, value] of middle.entries())
      expect(Math.abs(value - (0.38 * (spleen[channel] as number) + 0.62 * gray))).toBeLessThan(1.5);
    const { width, data } = decode(png);
    const edge = 3 * (128 * width + 262 + 64); // first pixel of the region in the second panel's middle row
    for (const channel of [0, 1, 2])
      expect(
        Math.abs((data[edge + channel] as number) - (0.95 * (spleen[channel] as number) + 0.05 * gray)),
      ).toBeLessThan(1.5);
    expect([...data.slice(edge - 3, edge)].map((value) => Math.abs(value - gray) < 1)).toEqual([true, true, true]);
  });

  test("shows the slice with the most labeled voxels unless told which", () => {
    const image = volume((z) => [-1000, WATER, 3000][z] ?? 0);
    const reference = labelMap((z, y) => (y < 4 + 8 * z && z < 2 ? 1 : 0));
    const gray = (slice?: number): number =>
      Math.round(
        colorAt(
          overlayPicture({ image, reference, classes, ...(slice === undefined ? {} : { slice }) }),
          2,
          0,
          0.5,
          0.9,
        )[0] as number,
      );
    expect(gray()).toBe(128);
    expect(gray(2)).toBe(255);
  });

  test("shows on demand the slice with the most organs, each as large as it gets", () => {
    const image = volume((z) => [-1000, WATER, 3000][z] ?? 0);
    // slice 0: a liver of 64 rows; 1: 40 rows of liver, 20 of spleen; 2: a row of liver, a row of spleen
    const rows = [
      { liver: 64, spleen: 0 },
      { liver: 40, spleen: 20 },
      { liver: 1, spleen: 1 },
    ];
    const reference = labelMap((z, y) => {
      const { liver, spleen } = rows[z] ?? { liver: 0, spleen: 0 };
      if (y < liver) return 1;
      return y < liver + spleen ? 2 : 0;
    });
    const gray = (maps: object): number =>
      Math.round(colorAt(overlayPicture({ image, ...maps, classes, slice: "richest" }), 2, 0, 0.5, 0.5)[0] ?? 0);
    // parts of the largest cuts: 64/64 + 0, 40/64 + 20/20, 1/64 + 1/20
    expect(gray({ reference })).toBe(128);
    expect(gray({ prediction: reference })).toBe(128);
  });

  test("says which label is no class, which shape differs and which slice there is not", () => {
    const image = volume(() => WATER);
    expect(() => overlayPicture({ image, reference: labelMap(() => 3), classes })).toThrow(
      "overlayPicture: a label map holds the label 3, but the classes are 0 to 2 (background, liver, spleen).",
    );
    expect(() => overlayPicture({ image, prediction: { ...labelMap(() => 0), shape: [3, 32, 128] }, classes })).toThrow(
      "overlayPicture: prediction and image must have the same shape, got [3, 32, 128] and [3, 64, 64].",
    );
    expect(() => overlayPicture({ image, classes, slice: 3 })).toThrow("overlayPicture: slice must be 0 to 2, got 3.");
  });
});
