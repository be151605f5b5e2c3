import { describe, expect, test } from "vitest";
import { drawAnatomy } from "./draw-anatomy.js";

const people = Array.from({ length: 300 }, (_, seed) => drawAnatomy(seed));

/** How many people have no such structure. */
const without = (name: string): number =>
  people.filter(({ structures }) => !structures.some((structure) => structure.name === name)).length;

describe("drawAnatomy", () => {
  test("leaves out the gallbladder of some people, and a kidney or the spleen of few", () => {
    // 12, 3, 3 and 2 percent of 300.
    expect(without("gallbladder")).toBeGreaterThan(18);
    expect(without("gallbladder")).toBeLessThan(60);
    for (const organ of ["left_kidney", "right_kidney", "spleen"]) {
      expect(without(organ), organ).toBeGreaterThan(0);
      expect(without(organ), organ).toBeLessThan(25);
    }
    for (const organ of ["liver", "stomach", "aorta", "adrenal"]) expect(without(organ)).toBe(0);
    const neither = people.filter(
      ({ structures }) => !structures.some(({ name }) => name === "left_kidney" || name === "right_kidney"),
    );
    expect(neither).toEqual([]);
  });

  test("draws two adrenals, each of a body and two limbs", () => {
    for (const { structures } of people.slice(0, 20)) {
      const adrenals = structures.filter(({ name }) => name === "adrenal");
      expect(adrenals.map(({ parts }) => parts.length)).toEqual([3, 3]);
    }
  });

  test("differs less with less variety", () => {
    const place = (seed: number, variety: number): number => {
      const spleen = drawAnatomy(seed, variety).structures.find(({ name }) => name === "spleen")?.parts[0];
      return spleen?.kind === "ellipsoid" ? spleen.center[2] : Number.NaN;
    };
    const spread = (variety: number): number => {
      const places = Array.from({ length: 40 }, (_, seed) => place(seed, variety)).filter((z) => !Number.isNaN(z));
      return Math.max(...places) - Math.min(...places);
    };
    expect(spread(0)).toBe(0);
    expect(spread(0.4)).toBeGreaterThan(2);
    expect(spread(1)).toBeGreaterThan(2 * spread(0.4));
    for (let seed = 0; seed < 40; seed++)
      expect(drawAnatomy(seed, 0).structures.some(({ name }) => name === "gallbladder")).toBe(true);
  });

  test("varies body and noise", () => {
    const fat = people.map(({ body }) => body.fat);
    expect(Math.max(...fat) - Math.min(...fat)).toBeGreaterThan(15);
    const noise = people.map((person) => person.noise);
    expect(Math.min(...noise)).toBeGreaterThanOrEqual(7);
    expect(Math.max(...noise)).toBeLessThanOrEqual(24);
  });
});
