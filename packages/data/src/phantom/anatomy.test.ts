import { describe, expect, test } from "vitest";
import { drawAnatomy } from "./anatomy.js";

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

  test("varies body and noise", () => {
    const fat = people.map(({ body }) => body.fat);
    expect(Math.max(...fat) - Math.min(...fat)).toBeGreaterThan(15);
    const noise = people.map((person) => person.noise);
    expect(Math.min(...noise)).toBeGreaterThanOrEqual(7);
    expect(Math.max(...noise)).toBeLessThanOrEqual(24);
  });
});
