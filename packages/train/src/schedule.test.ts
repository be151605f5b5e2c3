import { describe, expect, test } from "vitest";
import { learningRateAt, SCHEDULE_DEFAULTS, type Schedule } from "./schedule.js";

const rate = (schedule: Schedule, step: number, warmup = 0): number =>
  learningRateAt(schedule, { step, steps: 100, learningRate: 0.01, warmup });
const polynomial: Schedule = { name: "polynomial", ...SCHEDULE_DEFAULTS.polynomial };

describe("learningRateAt", () => {
  test("polynomial starts at the learning rate and ends near 0", () => {
    expect(rate(polynomial, 1)).toBe(0.01);
    expect(rate(polynomial, 51)).toBeCloseTo(0.01 * 0.5 ** 0.9, 12);
    expect(rate(polynomial, 100)).toBeCloseTo(0.01 * 0.01 ** 0.9, 12);
  });

  test("constant stays where it is, and so does plateau between validations", () => {
    expect(rate({ name: "constant" }, 100)).toBe(0.01);
    expect(rate({ name: "plateau", ...SCHEDULE_DEFAULTS.plateau }, 100)).toBe(0.01);
  });

  test("cosine is half way down in the middle", () => {
    const cosine: Schedule = { name: "cosine", minLearningRate: 0.002 };
    expect(rate(cosine, 1)).toBe(0.01);
    expect(rate(cosine, 51)).toBeCloseTo(0.006, 12);
    expect(rate(cosine, 100)).toBeGreaterThan(0.002);
  });

  test("multistep goes down after each share of the training", () => {
    const multistep: Schedule = { name: "multistep", at: [0.5, 0.75], factor: 0.1 };
    const rates = [1, 50, 51, 75, 76, 100].map((step) => Number(rate(multistep, step).toPrecision(6)));
    expect(rates).toEqual([0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001]);
  });

  test("a warm-up scales any of them, and leaves it alone at its last step", () => {
    expect(rate({ name: "constant" }, 1, 10)).toBeCloseTo(0.001, 12);
    expect(rate(polynomial, 5, 10)).toBeCloseTo(0.5 * rate(polynomial, 5), 12);
    expect(rate(polynomial, 10, 10)).toBe(rate(polynomial, 10));
    expect(rate(polynomial, 60, 10)).toBe(rate(polynomial, 60));
  });

  test("refuses a warm-up longer than the training", () => {
    expect(() => rate(polynomial, 1, 101)).toThrow(
      "learningRateAt: a warm-up of 101 steps must fit into the 100 steps of the training.",
    );
  });
});
