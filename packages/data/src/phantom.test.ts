import { spacingOf } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { makePhantom, type Phantom, phantomClasses } from "./phantom.js";

/** Voxels and mean place (in parts of the volume: depth, height, width) and mean intensity of a class. */
function measure({ image, labels, classes }: Phantom, name: string) {
  const label = classes.indexOf(name);
  const [, height, width] = labels.shape;
  let [voxels, z, y, x, intensity] = [0, 0, 0, 0, 0];
  for (const [i, value] of labels.data.entries()) {
    if (value !== label) continue;
    voxels++;
    z += Math.floor(i / (height * width)) / labels.shape[0];
    y += (Math.floor(i / width) % height) / height;
    x += (i % width) / width;
    intensity += image.data[i] ?? 0;
  }
  return { voxels, z: z / voxels, y: y / voxels, x: x / voxels, intensity: intensity / voxels };
}

describe("makePhantom", () => {
  test.each([0, 1, 2, 3])("puts the organs of person %i where they belong", (seed) => {
    const phantom = makePhantom({ size: 48, seed });
    const [liver, spleen, left, right, stomach, aorta] = phantomClasses(6).foreground.map((name) =>
      measure(phantom, name),
    );
    if (!(liver && spleen && left && right && stomach && aorta)) throw new Error("an organ is missing");
    for (const { voxels } of [spleen, left, right, stomach, aorta]) expect(voxels).toBeGreaterThan(250);
    expect(liver.voxels).toBeGreaterThan(2 * stomach.voxels);
    // RAS: a larger x is further to the patient's right, a larger y to the front, a larger z to the head.
    expect(liver.x).toBeGreaterThan(0.6);
    expect(spleen.x).toBeLessThan(0.35);
    expect(left.x).toBeLessThan(0.45);
    expect(right.x).toBeGreaterThan(0.55);
    expect(stomach.y).toBeGreaterThan(spleen.y);
    expect(liver.z).toBeGreaterThan(right.z);
    expect(Math.abs(aorta.x - 0.5)).toBeLessThan(0.1);
    const means = [liver, spleen, left, right, aorta].map(({ intensity }) => intensity);
    expect(Math.max(...means) - Math.min(...means)).toBeLessThan(80);
    expect(Math.min(...means)).toBeGreaterThan(50);
  });

  test("has all 16 organs of WORD, the gallbladder in most people", () => {
    const seeds = [0, 1, 2, 3, 4, 5];
    const phantoms = seeds.map((seed) => makePhantom({ size: [64, 48, 48], classes: 16, seed }));
    for (const phantom of phantoms)
      for (const name of phantom.classes.foreground.filter((organ) => organ !== "gallbladder"))
        expect(measure(phantom, name).voxels, name).toBeGreaterThan(20);
    const withBladder = phantoms.filter((phantom) => measure(phantom, "gallbladder").voxels > 20);
    expect(withBladder.length).toBeGreaterThan(2);
  });

  test("draws the same person for a seed, and another for another", () => {
    const first = makePhantom({ size: 20, seed: "a" });
    expect(makePhantom({ size: 20, seed: "a" })).toEqual(first);
    expect(makePhantom({ size: 20, seed: "b" }).labels.data).not.toEqual(first.labels.data);
  });

  test("carries structures that look like organs but have no label", () => {
    const { image, labels } = makePhantom({ size: 48, seed: 1 });
    let alike = 0;
    for (const [i, value] of image.data.entries()) if (labels.data[i] === 0 && value > 70 && value < 140) alike++;
    expect(alike).toBeGreaterThan(2000);
  });

  test("is air outside the body, and says the spacing it was asked for", () => {
    const { image, labels } = makePhantom({ size: [16, 20, 24], spacing: [5, 3, 2] });
    expect(image.shape).toEqual([16, 20, 24]);
    expect(labels.affine).toEqual(image.affine);
    expect(spacingOf(image.affine)).toEqual([5, 3, 2]);
    for (const corner of [0, 23, 19 * 24, 20 * 24 - 1]) expect(image.data[corner]).toBeLessThan(-900);
  });

  test.each([
    [{ size: 8 }, "makePhantom: size must be whole numbers from 16 to 1024, got 8, 8, 8."],
    [{ spacing: [1, 0, 1] as const }, "makePhantom: spacing must be positive millimeters, got 1, 0, 1."],
    [{ classes: 7 as 6 }, "makePhantom: classes must be 6 or 16, got 7."],
  ])("refuses %o", (options, message) => {
    expect(() => makePhantom(options)).toThrow(message);
  });
});
