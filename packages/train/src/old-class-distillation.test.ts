import "@plseg/test-kit";
import { ShapeError } from "@plseg/core";
import { grad, type Tensor2D, type Tensor5D, tensor2d, tensor5d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { oldClassDistillation } from "./old-class-distillation.js";

const ln = Math.log;

/** Logits of one voxel per row: logarithms of probabilities, so that softmax gives these. */
const voxels = (...rows: number[][]): Tensor5D =>
  tensor5d(rows.flat().map(ln), [1, 1, 1, rows.length, rows[0]?.length ?? 0]);

/** Targets of one sample: which class each voxel is labeled with, of how many. */
const labels = (classes: number, ...indices: number[]): Tensor5D =>
  tensor5d(
    indices.flatMap((index) => Array.from({ length: classes }, (_, c) => Number(c === index))),
    [1, 1, 1, indices.length, classes],
  );

const annotated = (...row: number[]): Tensor2D => tensor2d([row]);

const lossOf = (...[logits, teacher, target]: Parameters<typeof oldClassDistillation>): number =>
  oldClassDistillation(logits, teacher, target).dataSync()[0] ?? Number.NaN;

describe("oldClassDistillation", () => {
  test("matches a value worked out by hand", () => {
    // Old: background, liver, spleen; new: stomach. The case annotates spleen and stomach, so U = {liver}.
    // t = (0.5, 0.3, 0.2): t(R) = 0.7, t(liver) = 0.3.   p = (0.4, 0.2, 0.1, 0.3): p(R) = 0.8, p(liver) = 0.2.
    // KL = 0.7 ln(0.7 / 0.8) + 0.3 ln(0.3 / 0.2); two voxels, of which the second is labeled.
    const logits = voxels([0.4, 0.2, 0.1, 0.3], [0.1, 0.2, 0.3, 0.4]);
    const teacher = voxels([0.5, 0.3, 0.2], [0.1, 0.8, 0.1]);
    const target = { oneHot: labels(4, 0, 3), annotated: annotated(1, 0, 1, 1) };
    expect(lossOf(logits, teacher, target)).toBeCloseTo((0.7 * ln(0.7 / 0.8) + 0.3 * ln(1.5)) / 2, 6);
  });

  test("leaves the new organ free to take from the background", () => {
    const teacher = voxels([0.7, 0.3]);
    const target = { oneHot: labels(3, 0), annotated: annotated(1, 0, 1) };
    expect(lossOf(voxels([0.7, 0.3, 1e-9]), teacher, target)).toBeCloseTo(0, 6);
    expect(lossOf(voxels([0.1, 0.3, 0.6]), teacher, target)).toBeCloseTo(0, 6);
    expect(lossOf(voxels([0.7, 0.1, 0.2]), teacher, target)).toBeGreaterThan(0.05);
  });

  test("asks nothing where every old organ is annotated", () => {
    const target = { oneHot: labels(3, 0), annotated: annotated(1, 1, 1) };
    expect(lossOf(voxels([0.1, 0.2, 0.7]), voxels([0.1, 0.9]), target)).toBeCloseTo(0, 6);
  });

  test("pulls towards the old answer, and stays finite where both are sure of different things", () => {
    const target = { oneHot: labels(3, 0), annotated: annotated(1, 0, 1) };
    const teacher = tensor5d([0, 80], [1, 1, 1, 1, 2]);
    const gradient = grad((x) => oldClassDistillation(x as Tensor5D, teacher, target))(
      tensor5d([90, -90, 0], [1, 1, 1, 1, 3]),
    ).dataSync();
    expect([...gradient].every(Number.isFinite)).toBe(true);
    expect(gradient[0]).toBeCloseTo(1, 5);
    expect(gradient[1]).toBeCloseTo(-1, 5);
  });

  test("says which shapes disagree", () => {
    const target = { oneHot: labels(2, 0), annotated: annotated(1, 0) };
    expect(() => oldClassDistillation(voxels([0.5, 0.5]), voxels([0.2, 0.3, 0.5]), target)).toThrow(ShapeError);
    expect(() => oldClassDistillation(voxels([0.5, 0.5]), voxels([0.5, 0.5], [0.5, 0.5]), target)).toThrow(
      "got [1, 1, 1, 1, 2] and [1, 1, 1, 2, 2].",
    );
  });
});
