import { type Affine, Random, type Size3D, scalingAffine, sizeOf, type Volume } from "@plseg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Grid } from "./affine.js";
import { canonicalGrid, toCanonical } from "./canonical.js";
import { gridWithSpacing } from "./grid-with-spacing.js";
import { resample } from "./resample.js";

/** A row of voxels along width. */
const line = (values: readonly number[], spacing = 1): Volume => ({
  data: Float32Array.from(values),
  shape: [1, 1, values.length],
  affine: scalingAffine([1, 1, spacing]),
});

const random = (shape: Size3D, affine: Affine, seed = 1): Volume<Int16Array> => {
  const draw = new Random(seed);
  return { data: Int16Array.from({ length: sizeOf(shape) }, () => draw.integer(2000) - 1000), shape, affine };
};

/** a·x + b·y + c·z + d of the voxels' places. */
function ramp({ shape, affine }: Grid): Volume {
  const [depth, height, width] = shape;
  const data = new Float32Array(sizeOf(shape));
  let at = 0;
  for (let k = 0; k < depth; k++)
    for (let j = 0; j < height; j++)
      for (let i = 0; i < width; i++) {
        const [x = 0, y = 0, z = 0] = [0, 4, 8].map((row) => {
          const [a = 0, b = 0, c = 0, o = 0] = affine.slice(row, row + 4);
          return a * i + b * j + c * k + o;
        });
        data[at++] = 2 * x - 3 * y + 5 * z + 7;
      }
  return { data, shape, affine };
}

const turned = (degrees: number): Affine => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return [c, -s, 0, 1, s, c, 0, 2, 0, 0, 1, 3, 0, 0, 0, 1];
};

describe("resample", () => {
  test("interpolates between centers, and keeps the edge in the half voxel beyond them", () => {
    const finer = gridWithSpacing(line([0, 8, 4]), [1, 1, 0.5]);
    // Centers lie at −0.25, 0.25, 0.75, … of the old voxels.
    expect(resample(line([0, 8, 4]), finer).data).toEqual(Float32Array.of(0, 2, 6, 7, 5, 4));
  });

  test("takes a mean over a triangle of one new voxel to either side where it gets coarser", () => {
    const image = line([0, 0, 0, 8, 0, 0, 0, 0]);
    const coarser = gridWithSpacing(image, [1, 1, 2]);
    // Centers at 0.5, 2.5, 4.5, 6.5; weights 1 − |i − center| / 2: 3/4 and 1/4 on each side, by their sum of 2. At the
    // edge one tap is missing: (1/4 of voxel 2) of 3/4 + 3/4 + 1/4.
    expect(resample(image, coarser).data).toEqual(Float32Array.of(0, 3, 1, 0));
    expect(resample(image, coarser, { antialias: false }).data).toEqual(Float32Array.of(0, 4, 0, 0));
  });

  test("fills what lies outside the field of view, by the edge or by a number", () => {
    const image = line([1, 2]);
    const wider: Grid = { shape: [1, 1, 5], affine: [1, 0, 0, -1.5, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] };
    expect(resample(image, wider).data).toEqual(Float32Array.of(1, 1, 1.5, 2, 2));
    expect(resample(image, wider, { fill: -1024 }).data).toEqual(Float32Array.of(-1024, 1, 1.5, 2, -1024));
  });

  test("is exact for what is linear in space, with axes in any order and direction, and oblique", () => {
    const source = ramp({ shape: [8, 9, 10], affine: [0, 0, -2, 20, 3, 0, 0, -5, 0, 2.5, 0, 1, 0, 0, 0, 1] });
    // Well inside: rows of the source are 27, 22.5 and 14 mm long.
    const targets: Grid[] = [
      { shape: [3, 4, 5], affine: [1, 0, 0, 8, 0, 1, 0, 2, 0, 0, 1, 6, 0, 0, 0, 1] },
      { shape: [3, 4, 5], affine: [0, -1, 0, 14, 0, 0, 1, 2, 1, 0, 0, 6, 0, 0, 0, 1] },
      { shape: [3, 3, 3], affine: [0.8, -0.6, 0, 12, 0.6, 0.8, 0, 5, 0, 0, 1, 8, 0, 0, 0, 1] },
    ];
    for (const target of targets) {
      const { data } = resample(source, target);
      for (const [i, value] of ramp(target).data.entries()) expect(data[i]).toBeCloseTo(value, 3);
    }
  });

  test("keeps every voxel on its own grid, oblique or not", () => {
    for (const affine of [turned(0), turned(17)]) {
      const image = random([3, 4, 5], affine);
      expect(resample(image, image)).toEqual({ ...image, data: Float32Array.from(image.data) });
    }
  });

  test("gives on a turned grid what turning first gives", () => {
    const image = random([4, 5, 6], [0, 0, -2, 20, 3, 0, 0, -5, 0, 2.5, 0, 1, 0, 0, 0, 1]);
    const target = gridWithSpacing(canonicalGrid(image), [4, 1, 3]);
    const [direct, indirect] = [resample(image, target), resample(toCanonical(image).volume, target)];
    for (const [i, value] of indirect.data.entries()) expect(direct.data[i]).toBeCloseTo(value, 2);
  });

  test("point by point it agrees with axis by axis", () => {
    // A turn by a hundredth of a degree is no longer parallel over 40 voxels, but moves no voxel by more than 0.007.
    const image = random([3, 40, 40], turned(0));
    const target = (degrees: number): Grid => ({ shape: [5, 38, 38], affine: turnedBy(degrees) });
    const turnedBy = (degrees: number): Affine =>
      turned(degrees).map((v, i) => ([3, 7].includes(i) ? v + 0.5 : i === 10 ? 0.5 : v)) as unknown as Affine;
    const [aligned, oblique] = [resample(image, target(0)), resample(image, target(0.01))];
    expect(aligned.data).not.toEqual(oblique.data);
    for (const [i, value] of aligned.data.entries()) expect(Math.abs((oblique.data[i] ?? 0) - value)).toBeLessThan(30);
  });

  test("smooths before it samples a coarse oblique grid", () => {
    const image = random([12, 12, 12], turned(0));
    const spread = (antialias: boolean): number => {
      const { data } = resample(image, { shape: [3, 3, 3], affine: scaled(turned(30), 3) }, { antialias });
      return Math.hypot(...data);
    };
    expect(spread(true)).toBeLessThan(spread(false) / 3);
  });

  test("never leaves the range of the image", () => {
    const spacing = fc.tuple(...[1, 2, 3].map(() => fc.double({ min: 0.4, max: 6, noNaN: true }))) as fc.Arbitrary<
      [number, number, number]
    >;
    fc.assert(
      fc.property(spacing, fc.integer(), fc.boolean(), (mm, seed, antialias) => {
        const image = random([4, 5, 6], turned(0), seed);
        const { data } = resample(image, gridWithSpacing(image, mm), { antialias });
        expect(Math.min(...data)).toBeGreaterThanOrEqual(Math.min(...image.data) - 1e-3);
        expect(Math.max(...data)).toBeLessThanOrEqual(Math.max(...image.data) + 1e-3);
      }),
    );
  });

  test("says what is wrong with a volume or a grid", () => {
    expect(() => resample({ ...line([1, 2]), shape: [1, 1, 3] }, line([1]))).toThrow(
      "resample: shape [1, 1, 3] must hold 3 voxels, got 2.",
    );
    expect(() => resample(line([1]), { ...line([1]), shape: [1, 0, 3] })).toThrow(
      "resample: the grid's shape must be positive whole numbers, got [1, 0, 3].",
    );
    expect(() => resample(line([1]), { shape: [1, 1, 1], affine: scaled(turned(0), 0) })).toThrow("must be invertible");
  });
});

const scaled = (affine: Affine, factor: number): Affine =>
  affine.map((value, i) => (i % 4 === 3 || i > 11 ? value : value * factor)) as unknown as Affine;
