import { Random } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { drawContrast } from "./contrast-phase.js";

const scans = Array.from({ length: 400 }, (_, seed) => drawContrast(new Random(seed)));

describe("drawContrast", () => {
  test("draws scans without contrast agent, and with", () => {
    const native = scans.filter(({ aorta }) => aorta < 60);
    expect(native.length / scans.length).toBeGreaterThan(0.2);
    expect(native.length / scans.length).toBeLessThan(0.45);
    for (const { cortex } of native) expect(cortex).toBeLessThan(75);
  });

  test("lets the tissues follow one phase", () => {
    const arterial = scans.filter(({ aorta }) => aorta > 230);
    expect(arterial.length).toBeGreaterThan(10);
    for (const { cortex, medulla, vein } of arterial) {
      expect(cortex).toBeGreaterThan(medulla + 30);
      expect(vein).toBeLessThan(140);
    }
    const means = (chosen: typeof scans) => chosen.reduce((sum, { spleen }) => sum + spleen, 0) / chosen.length;
    expect(means(arterial)).toBeGreaterThan(means(scans.filter(({ aorta }) => aorta < 60)) + 40);
  });

  test("leaves what takes up no agent as it is", () => {
    for (const { bile, urine } of scans)
      for (const value of [bile, urine]) expect(Math.abs(value - 10)).toBeLessThan(30);
  });
});
