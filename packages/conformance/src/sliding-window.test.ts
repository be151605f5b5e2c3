import { type Size3D, sizeOf } from "@plseg/core";
import { slidingWindow } from "@plseg/runtime";
import { expectClose, golden } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";

const file = golden("sliding_window");
const classes = Number(file.metadata.num_classes);
// The case names x, y, z; ours is depth (z), height (y), width (x).
const [patchX = 0, patchY = 0, patchZ = 0] = file.json<number[]>("patch_size_xyz");
const patchSize: Size3D = [patchZ, patchY, patchX];
const [depth = 0, height = 0, width = 0] = file.array("volume").shape;
const shape: Size3D = [depth, height, width];

/** Softmax of the stand-in for a network that the case's metadata defines. */
async function predict(patch: Float32Array): Promise<Float32Array> {
  const probabilities = new Float32Array(classes * patch.length);
  for (const [v, value] of patch.entries()) {
    const [z, y, x] = [Math.floor(v / (patchX * patchY)), Math.floor(v / patchX) % patchY, v % patchX];
    const exponentials = Array.from({ length: classes }, (_, k) =>
      Math.exp(
        3 * Math.sin(2 * (k + 1) * value + 0.3 * k) + 0.2 * Math.cos(k + z) + 0.1 * Math.sin(k * y) - 0.05 * k * x,
      ),
    );
    const sum = exponentials.reduce((a, b) => a + b);
    for (const [k, exponential] of exponentials.entries()) probabilities[k * patch.length + v] = exponential / sum;
  }
  return probabilities;
}

describe("slidingWindow", () => {
  test("agrees with the reference's windows, mean probabilities and labels", async () => {
    const score = new Float32Array(classes * sizeOf(shape));
    let windows = 0;
    const labels = await slidingWindow({
      image: file.array("volume").data as Float32Array,
      shape,
      patchSize,
      classes,
      // strides 2, 3, 3 of patches 4, 5, 6
      overlap: 0.5,
      weighting: "uniform",
      predict,
      onProgress: (_, total) => {
        windows = total;
      },
      onSlice(slice, probabilities) {
        const size = height * width;
        for (let c = 0; c < classes; c++)
          score.set(probabilities.subarray(c * size, (c + 1) * size), (c * depth + slice) * size);
      },
    });
    expect(windows).toBe(Number(file.metadata.patch_calls));
    // means are held in 16 bits: half a step for each of the eight windows over a voxel
    expectClose("score", score, file.array("score").data as Float32Array, { absolute: 7e-5 });
    expect(labels).toEqual(file.array("labels").data);
  });
});
