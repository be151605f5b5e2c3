import { type Size3D, scalingAffine, sizeOf, type Volume } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { bodyBox } from "./body-box.js";

/** Air with water where `inside` says so. */
function scan(
  shape: Size3D,
  spacing: Size3D,
  inside: (z: number, y: number, x: number) => boolean,
): Volume<Int16Array> {
  const [, height, width] = shape;
  const at = (i: number): boolean =>
    inside(Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width);
  const data = Int16Array.from({ length: sizeOf(shape) }, (_, i) => (at(i) ? 0 : -1000));
  return { data, shape, affine: scalingAffine(spacing) };
}

describe("bodyBox", () => {
  test("holds the body, a little margin, and not the couch, even where it touches the skin", () => {
    const body = (y: number, x: number): boolean => Math.hypot(y - 30, x - 30) <= 15;
    const couch = (y: number): boolean => y === 46;
    const touching = (y: number, x: number): boolean => y === 45 && x === 30;
    const image = scan([4, 60, 60], [3, 3, 3], (_, y, x) => body(y, x) || couch(y) || touching(y, x));
    // The body has columns 15 to 45 and rows 15 to 45; the erosion and two steps around leave one of margin.
    expect(bodyBox(image)).toEqual({ origin: [0, 14, 14], shape: [4, 33, 33] });
  });

  test("cuts nothing off at a spacing that it steps over", () => {
    const image = scan([20, 90, 80], [1, 1, 1], (_, y, x) => y >= 31 && y <= 62 && x >= 20 && x <= 55);
    const { origin, shape } = bodyBox(image);
    expect(origin[1]).toBeLessThanOrEqual(31);
    expect(origin[1] + shape[1]).toBeGreaterThan(62);
    expect(origin[2]).toBeLessThanOrEqual(20);
    expect(origin[2] + shape[2]).toBeGreaterThan(55);
    expect(sizeOf(shape)).toBeLessThan(20 * 45 * 50);
  });

  test("is the whole volume where there is nothing but air", () => {
    expect(bodyBox(scan([4, 5, 6], [3, 3, 3], () => false))).toEqual({ origin: [0, 0, 0], shape: [4, 5, 6] });
  });
});
