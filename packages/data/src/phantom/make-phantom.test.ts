import { spacingOf } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { makePhantom, type Phantom, phantomClasses } from "./make-phantom.js";

/** Voxels and mean place (in parts of the volume: depth, height, width) and intensities of a class. */
function measure({ image, labels, classes }: Phantom, name: string) {
  const label = classes.indexOf(name);
  const [depth, height, width] = labels.shape;
  let [z, y, x] = [0, 0, 0];
  const values: number[] = [];
  for (const [i, value] of labels.data.entries()) {
    if (value !== label) continue;
    z += Math.floor(i / (height * width)) / depth;
    y += (Math.floor(i / width) % height) / height;
    x += (i % width) / width;
    values.push(image.data[i] ?? 0);
  }
  const voxels = values.length;
  const milliliters = (voxels * spacingOf(labels.affine).reduce((product, mm) => product * mm, 1)) / 1000;
  return { voxels, milliliters, z: z / voxels, y: y / voxels, x: x / voxels, values };
}

describe("makePhantom", () => {
  test.each([0, 1, 2, 3])("puts the organs of person %i where they belong", (seed) => {
    const phantom = makePhantom({ size: 48, seed });
    const [liver, spleen, left, right, stomach, aorta] = phantomClasses(6).foreground.map((name) =>
      measure(phantom, name),
    );
    if (!(liver && spleen && left && right && stomach && aorta)) throw new Error("an organ is missing");
    for (const { voxels } of [spleen, left, right, stomach]) expect(voxels).toBeGreaterThan(250);
    expect(aorta.voxels).toBeGreaterThan(100);
    expect(liver.voxels).toBeGreaterThan(2 * stomach.voxels);
    // RAS: a larger x is further to the patient's right, a larger y to the front, a larger z to the head.
    expect(liver.x).toBeGreaterThan(0.6);
    expect(spleen.x).toBeLessThan(0.35);
    expect(left.x).toBeLessThan(0.45);
    expect(right.x).toBeGreaterThan(0.55);
    expect(stomach.y).toBeGreaterThan(spleen.y);
    expect(liver.z).toBeGreaterThan(right.z);
    expect(Math.abs(aorta.x - 0.5)).toBeLessThan(0.1);
  });

  test("has the 16 organs of WORD in the size of an adult's, apart from those that a person may lack", () => {
    const milliliters: Readonly<Record<string, readonly [number, number]>> = {
      liver: [900, 2800],
      stomach: [60, 900],
      esophagus: [5, 40],
      pancreas: [5, 130],
      duodenum: [15, 150],
      colon: [200, 1800],
      intestine: [200, 1200],
      adrenal: [3, 14],
      rectum: [10, 160],
      bladder: [50, 600],
      left_femur_head: [30, 80],
      right_femur_head: [30, 80],
    };
    for (const seed of [0, 1, 2, 3]) {
      const phantom = makePhantom({ spacing: [5, 5, 5], classes: 16, seed });
      for (const [name, [low, high]] of Object.entries(milliliters)) {
        const volume = measure(phantom, name).milliliters;
        expect(volume, `${name} of ${seed}`).toBeGreaterThan(low);
        expect(volume, `${name} of ${seed}`).toBeLessThan(high);
      }
    }
  });

  test("has gas, contents and walls in the bowel, all with its label", () => {
    const { values } = measure(makePhantom({ spacing: [4, 4, 4], classes: 16, seed: 0 }), "colon");
    const part = (low: number, high: number) => values.filter((v) => v > low && v < high).length / values.length;
    expect(part(-1100, -600)).toBeGreaterThan(0.1);
    expect(part(-60, 150)).toBeGreaterThan(0.3);
  });

  test("draws the same person for a seed, and another for another", () => {
    const first = makePhantom({ size: 20, seed: "a" });
    expect(makePhantom({ size: 20, seed: "a" })).toEqual(first);
    expect(makePhantom({ size: 20, seed: "b" }).labels.data).not.toEqual(first.labels.data);
  });

  test("carries structures that look like organs but have no label", () => {
    const phantom = makePhantom({ size: 48, seed: 1 });
    const spleen = measure(phantom, "spleen").values.sort((a, b) => a - b);
    const middle = spleen[spleen.length >> 1] ?? 0;
    let alike = 0;
    for (const [i, value] of phantom.image.data.entries())
      if (phantom.labels.data[i] === 0 && Math.abs(value - middle) < 30) alike++;
    expect(alike).toBeGreaterThan(1000);
  });

  test("shows the same person, in true millimeters, on every grid", () => {
    const volumes = [[5, 5, 5] as const, [8, 4, 4] as const, [4, 4, 6] as const].map((spacing) => {
      const phantom = makePhantom({ spacing, seed: 3 });
      expect(spacingOf(phantom.image.affine)).toEqual(spacing);
      return measure(phantom, "liver").milliliters;
    });
    for (const volume of volumes) expect(volume / (volumes[0] ?? 1)).toBeCloseTo(1, 1);
  });

  test("shows as much as was asked for: the whole anatomy, or its middle", () => {
    const whole = makePhantom({ size: [16, 20, 24] });
    expect(whole.image.shape).toEqual([16, 20, 24]);
    expect(whole.labels.affine).toEqual(whole.image.affine);
    for (const corner of [0, 23, 19 * 24, 20 * 24 - 1]) expect(whole.image.data[corner]).toBeLessThan(-900);
    const middle = makePhantom({ size: [16, 20, 24], spacing: [5, 3, 2] });
    expect(spacingOf(middle.image.affine)).toEqual([5, 3, 2]);
    expect(middle.image.data[19 * 24]).toBeGreaterThan(-300);
  });

  test("varies the field of view, with -1024 and no organ outside a round one", () => {
    const scans = [0, 1, 2, 3, 4, 5].map((seed) =>
      makePhantom({ spacing: [12, 6, 6], classes: 16, seed, fieldOfView: "varied" }),
    );
    expect(new Set(scans.map(({ image }) => image.shape[0])).size).toBeGreaterThan(1);
    const round = scans.filter(({ image }) => image.data[0] === -1024);
    expect(round.length).toBeGreaterThan(0);
    expect(round.length).toBeLessThan(6);
    for (const { image, labels } of round)
      for (const [i, value] of image.data.entries()) if (value === -1024) expect(labels.data[i]).toBe(0);
  });

  test.each([
    [{ size: 8 }, "makePhantom: size must be whole numbers from 16 to 1024, got 8, 8, 8."],
    [{ spacing: [1, 0, 1] as const }, "makePhantom: spacing must be positive millimeters, got 1, 0, 1."],
    [{ variety: 2 }, "makePhantom: variety must be from 0 to 1, got 2."],
    [{ classes: 7 as 6 }, "makePhantom: classes must be 6 or 16, got 7."],
  ])("refuses %o", (options, message) => {
    expect(() => makePhantom(options)).toThrow(message);
  });
});
