import { resizeTrilinear } from "@plseg/ops";
import { channelsFirst, expectClose, golden } from "@plseg/test-kit";
import type { Tensor5D } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines, type Tensors } from "./engines.js";
import { output } from "./golden-tensors.js";
import { entriesOf, pullback, volumesOf } from "./operators.js";
import { OPERATOR } from "./tolerances.js";

const vectors = golden("ops_interp");

describe.each(engines)("resizeTrilinear, $name", ({ run }) => {
  test.each(entriesOf(vectors))("agrees with %s of case ops_interp", async (entry) => {
    const size = vectors.array(`${entry}.out`).shape.slice(2) as [number, number, number];
    const alignCorners = !entry.includes("noalign");
    const resize = ({ x }: Tensors): Tensor5D =>
      entry.startsWith("up2x3")
        ? doubled(doubled(doubled(x as Tensor5D)))
        : resizeTrilinear(x as Tensor5D, size, { alignCorners });
    const results = await run(pullback(resize), volumesOf(vectors, entry));
    for (const name of ["out", "grad_x"]) {
      const { shape, data } = output(results, name);
      expectClose(name, channelsFirst(shape, data), vectors.array(`${entry}.${name}`).data, OPERATOR);
    }
    expect(output(results, "out").shape.slice(1, 4)).toEqual(size);
  });
});

function doubled(x: Tensor5D): Tensor5D {
  const [, depth, height, width] = x.shape;
  return resizeTrilinear(x, [2 * depth, 2 * height, 2 * width]);
}
