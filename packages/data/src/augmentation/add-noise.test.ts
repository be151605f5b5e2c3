import { Random } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { addNoise } from "./add-noise.js";
import { intensityRange } from "./intensity-range.js";

describe("addNoise", () => {
  test("has the deviation that was asked for, and no mean", () => {
    const noise = addNoise(new Float32Array(50_001), 0.2, new Random(1));
    const { mean, deviation } = intensityRange(noise);
    expect(mean).toBeCloseTo(0, 2);
    expect(deviation).toBeCloseTo(0.2, 2);
    let neighbors = 0;
    for (let i = 1; i < noise.length; i++) neighbors += (noise[i] ?? 0) * (noise[i - 1] ?? 0);
    expect(neighbors / noise.length / 0.04).toBeCloseTo(0, 1);
  });
});
