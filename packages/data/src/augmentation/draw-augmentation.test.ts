import { ClassSet, Random, type Size3D } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { AUGMENTATION_DEFAULTS } from "./augmentation-options.js";
import { drawAugmentation } from "./draw-augmentation.js";

const patch = { patchSize: [32, 32, 32] as const, spacing: [1, 1, 1] as const };

describe("drawAugmentation", () => {
  test("lets each transform act as often as its probability says", () => {
    const random = new Random(1);
    const plans = Array.from({ length: 4000 }, () => drawAugmentation(random, patch));
    const part = (acts: (plan: (typeof plans)[number]) => boolean): number => plans.filter(acts).length / plans.length;
    expect(part(({ noise }) => noise !== undefined)).toBeCloseTo(AUGMENTATION_DEFAULTS.noise.probability, 1);
    expect(part(({ gamma }) => gamma !== undefined)).toBeCloseTo(AUGMENTATION_DEFAULTS.gamma.probability, 1);
    // Neither rotated nor scaled: 0.8 · 0.8.
    expect(part(({ spatial }) => spatial === undefined)).toBeCloseTo(0.64, 1);
    const factors = plans.flatMap(({ spatial }) => spatial?.scale[0] ?? []);
    expect(Math.min(...factors)).toBeGreaterThanOrEqual(0.7);
    expect(Math.max(...factors)).toBeLessThanOrEqual(1.4);
  });

  test("leaves the other draws as they were when one transform is switched off", () => {
    for (let seed = 0; seed < 50; seed++) {
      const { noise, ...others } = drawAugmentation(new Random(seed), patch);
      expect(drawAugmentation(new Random(seed), { ...patch, noise: { probability: 0 } })).toEqual(others);
    }
  });

  test.each<[Size3D, readonly boolean[]]>([
    [
      [1, 1, 1],
      [true, true, true],
    ],
    [
      [3, 1, 1],
      [true, true, true],
    ],
    [
      [5, 1, 1],
      [true, false, false],
    ],
    [
      [1, 1, 5],
      [false, false, true],
    ],
    [
      [5, 5, 1],
      [false, false, false],
    ],
  ])("with spacing %o turns only about axes that mix no coarse one", (spacing, turns) => {
    const always = { rotate: { probability: 1 }, scale: { probability: 1 }, lowResolution: { probability: 1 } };
    const plan = drawAugmentation(new Random(3), { ...patch, ...always, spacing });
    expect(plan.spatial?.angles.map((angle) => angle !== 0)).toEqual(turns);
    const coarse = spacing.map((mm) => mm > 3);
    expect(plan.spatial?.scale.map((factor) => factor === 1)).toEqual(coarse);
    expect(plan.lowResolution?.map((zoom) => zoom === 1)).toEqual(coarse);
  });

  test("refuses to flip left and right without knowing the organs, or an organ without its twin", () => {
    const flip = { probability: [0, 0, 0.5] as const };
    expect(() => drawAugmentation(new Random(1), { ...patch, flip })).toThrow(
      "augment: flip along the width needs classes and annotated, to exchange left and right organs. Give them, or set flip.probability to [0, 0, 0].",
    );
    const classes = new ClassSet(["background", "Left Kidney", "liver"]);
    expect(() => drawAugmentation(new Random(1), { ...patch, flip, classes, annotated: [1, 1, 1] })).toThrow(
      'augment: flip along the width must be 0 where an organ of one side has no twin, got "Left Kidney" alone. Add the twin to the classes, or set flip.probability to [0, 0, 0].',
    );
  });

  test.each([
    [{ rotate: { probability: 2 } }, "augment: rotate.probability must be from 0 to 1, got 2."],
    [{ scale: { factor: [0, 1] as const } }, "augment: scale.factor must be [low, high], more than 0, got 0,1."],
    [{ blur: { sigma: [1, 0.5] as const } }, "augment: blur.sigma must be [low, high], at least 0, got 1,0.5."],
    [{ lowResolution: { zoom: [1, 2] as const } }, "augment: lowResolution.zoom must be at most 1, got 2."],
    [
      { elastic: { amplitude: 9, grid: 20 } },
      "augment: elastic.amplitude must be at most 0.40 of elastic.grid, so that nothing folds, got 9 and 20.",
    ],
    [
      { roate: { degrees: 5 } } as object,
      'augment: there is no transform "roate". Did you mean "rotate"? Transforms: flip, rotate, scale, elastic, noise, blur, brightness, contrast, lowResolution, invertedGamma, gamma.',
    ],
  ])("refuses %o", (options, message) => {
    expect(() => drawAugmentation(new Random(1), { ...patch, ...options })).toThrow(message);
  });
});
