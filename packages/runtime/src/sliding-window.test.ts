import { Random, type Size3D, sizeOf } from "@plseg/core";
import { expectClose } from "@plseg/test-kit";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { gaussianProfile } from "./gaussian-profile.js";
import { type SlidingWindowOptions, slidingWindow } from "./sliding-window.js";
import { windowStarts } from "./window-starts.js";

afterEach(() => vi.unstubAllGlobals());

const CLASSES = 3;

/** How far a mean may be off: half of a 16-bit step for each of up to 27 windows. */
const ROUNDED = 27 / 2 / 65_000;

/** Voxels of noise in [-1, 1]. */
function noise(shape: Size3D, seed = 1): Float32Array {
  const random = Random.of(seed, "image");
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1));
}

/** Stands in for a network: depends on the intensity and on the place within the patch. */
async function predict(patch: Float32Array): Promise<Float32Array> {
  const logits = (v: number): number[] =>
    Array.from({ length: CLASSES }, (_, c) => Math.exp(2 * Math.sin(4 * (patch[v] ?? 0) + c + v / 7)));
  const probabilities = new Float32Array(CLASSES * patch.length);
  for (let v = 0; v < patch.length; v++) {
    const raised = logits(v);
    const sum = raised.reduce((a, b) => a + b);
    for (let c = 0; c < CLASSES; c++) probabilities[c * patch.length + v] = (raised[c] ?? 0) / sum;
  }
  return probabilities;
}

/** The same by the whole volume of sums, in double precision. The volume must not be smaller than the patch. */
async function naive(
  image: Float32Array,
  shape: Size3D,
  patchSize: Size3D,
): Promise<{ labels: number[]; probabilities: Float64Array }> {
  const [inDepth = [], inHeight = [], inWidth = []] = patchSize.map(gaussianProfile);
  const importance = inDepth.flatMap((a) => inHeight.flatMap((b) => inWidth.map((c) => a * b * c)));
  const [starts0 = [], starts1 = [], starts2 = []] = shape.map((size, axis) =>
    windowStarts(size, patchSize[axis] ?? 0, Math.max(1, Math.round((patchSize[axis] ?? 0) / 2))),
  );
  const voxels = sizeOf(shape);
  const sums = new Float64Array(CLASSES * voxels);
  const weights = new Float64Array(voxels);
  for (const z of starts0)
    for (const y of starts1)
      for (const x of starts2) {
        const places: number[] = [];
        for (let k = 0; k < patchSize[0]; k++)
          for (let j = 0; j < patchSize[1]; j++)
            for (let i = 0; i < patchSize[2]; i++) places.push(((z + k) * shape[1] + y + j) * shape[2] + x + i);
        const predicted = await predict(Float32Array.from(places, (v) => image[v] ?? Number.NaN));
        for (const [at, v] of places.entries()) {
          const weight = importance[at] ?? Number.NaN;
          weights[v] = (weights[v] ?? 0) + weight;
          for (let c = 0; c < CLASSES; c++)
            sums[c * voxels + v] =
              (sums[c * voxels + v] ?? 0) + weight * (predicted[c * places.length + at] ?? Number.NaN);
        }
      }
  const probabilities = sums.map((sum, i) => sum / (weights[i % voxels] ?? 0));
  const labels = Array.from({ length: voxels }, (_, v) => {
    const of = Array.from({ length: CLASSES }, (_, c) => probabilities[c * voxels + v] ?? 0);
    return of.indexOf(Math.max(...of));
  });
  return { labels, probabilities };
}

/** Labels and, `[class, depth, height, width]`, probabilities. */
async function run(
  options: SlidingWindowOptions,
): Promise<{ labels: number[]; probabilities: Float32Array; slices: number[] }> {
  const [depth, height, width] = options.shape;
  const probabilities = new Float32Array(options.classes * sizeOf(options.shape));
  const slices: number[] = [];
  const labels = await slidingWindow({
    ...options,
    onSlice(slice, values) {
      slices.push(slice);
      for (let c = 0; c < options.classes; c++)
        probabilities.set(
          values.subarray(c * height * width, (c + 1) * height * width),
          (c * depth + slice) * height * width,
        );
    },
  });
  return { labels: [...labels], probabilities, slices };
}

describe("slidingWindow", () => {
  test("matches a value worked out by hand", async () => {
    // two windows of 2 voxels over 3: [0, 1] and [1, 2]; the middle voxel is seen as 2nd and as 1st of a patch
    const { labels, probabilities } = await run({
      image: Float32Array.of(0, 0, 0),
      shape: [1, 1, 3],
      patchSize: [1, 1, 2],
      classes: 2,
      weighting: "uniform",
      predict: async () => Float32Array.of(0.9, 0.2, 0.1, 0.8),
    });
    expectClose("probabilities", probabilities, [0.9, (0.2 + 0.9) / 2, 0.2, 0.1, (0.8 + 0.1) / 2, 0.8], {
      absolute: ROUNDED,
    });
    expect(labels).toEqual([0, 0, 1]);
  });

  test("equals the sums over the whole volume, whatever the sizes", async () => {
    const size = fc.record({ patch: fc.integer({ min: 1, max: 6 }), rest: fc.nat(9) });
    await fc.assert(
      fc.asyncProperty(fc.tuple(size, size, size), fc.nat(), async (sizes, seed) => {
        const shape = sizes.map(({ patch, rest }) => patch + rest) as unknown as Size3D;
        const patchSize = sizes.map(({ patch }) => patch) as unknown as Size3D;
        const image = noise(shape, seed);
        const expected = await naive(image, shape, patchSize);
        const actual = await run({ image, shape, patchSize, classes: CLASSES, predict });
        expectClose("probabilities", actual.probabilities, expected.probabilities, { absolute: ROUNDED });
        const apart = actual.labels.filter((label, v) => {
          const of = (c: number): number => expected.probabilities[c * expected.labels.length + v] ?? 0;
          return of(expected.labels[v] ?? 0) - of(label) > 2 * ROUNDED;
        });
        expect(apart).toEqual([]);
        expect(actual.slices).toEqual(Array.from({ length: shape[0] }, (_, z) => z));
      }),
      { numRuns: 40 },
    );
  });

  test("holds sums for as many slices as the patch is deep, however deep the volume", async () => {
    const patchSize: Size3D = [4, 4, 4];
    const allocated = async (depth: number): Promise<{ floats: number; words: number }> => {
      const shape: Size3D = [depth, 9, 10];
      const image = noise(shape);
      const answer = new Float32Array(CLASSES * 64).fill(1 / CLASSES);
      const count = { floats: 0, words: 0 };
      const [Floats, Words] = [Float32Array, Uint16Array];
      vi.stubGlobal(
        "Float32Array",
        class extends Floats {
          constructor(length: number) {
            super(length);
            count.floats += length;
          }
          static get [Symbol.species](): Float32ArrayConstructor {
            return Floats;
          }
        },
      );
      vi.stubGlobal(
        "Uint16Array",
        class extends Words {
          constructor(length: number) {
            super(length);
            count.words += length;
          }
        },
      );
      await slidingWindow({ image, shape, patchSize, classes: CLASSES, predict: async () => answer });
      vi.unstubAllGlobals();
      return count;
    };
    const [slab, patch, row] = [CLASSES * 4 * 9 * 10, 64, 10];
    expect(await allocated(12)).toEqual({ floats: patch + row, words: slab });
    expect(await allocated(60)).toEqual({ floats: patch + row, words: slab });
  });

  test("holds means in more than 16 bits where many windows cover a voxel", async () => {
    const tiny = Float32Array.from({ length: 250 }, (_, i) => (i < 125 ? 1 - 1e-6 : 1e-6));
    const { probabilities } = await run({
      image: noise([12, 12, 12]),
      shape: [12, 12, 12],
      patchSize: [5, 5, 5], // one at every voxel: 125 cover each
      overlap: 0.9,
      classes: 2,
      predict: async () => tiny,
    });
    expectClose("the rare class", probabilities.subarray(12 ** 3), new Array(12 ** 3).fill(1e-6), { relative: 1e-3 });
  });

  test("takes several windows at a time, and answers slice by slice, with the same result", async () => {
    const common = { image: noise([9, 7, 10]), shape: [9, 7, 10], patchSize: [4, 3, 5], classes: CLASSES } as const;
    const expected = await run({ ...common, predict });
    const calls: number[] = [];
    const actual = await run({
      ...common,
      batch: 5,
      async predict(patches) {
        calls.push(patches.length / 60);
        const slices: Float32Array[] = [];
        for (let at = 0; at < patches.length; at += 60) {
          const whole = await predict(patches.slice(at, at + 60));
          const bySlice = Float32Array.from({ length: 180 }, (_, i) => {
            const [z, c, v] = [Math.floor(i / 45), Math.floor(i / 15) % 3, i % 15];
            return whole[c * 60 + z * 15 + v] ?? Number.NaN;
          });
          slices.push(bySlice.subarray(0, 45), bySlice.subarray(45)); // one slice and three
        }
        return slices;
      },
    });
    expect(actual).toEqual(expected);
    expect(calls).toEqual(new Array(8).fill(5)); // 36 windows
  });

  test("takes answers in 16 bits, and finds those that say nothing of a voxel", async () => {
    const common = { image: noise([6, 7, 8]), shape: [6, 7, 8], patchSize: [4, 3, 5], classes: CLASSES } as const;
    const rounded = async (patch: Float32Array): Promise<Uint16Array> =>
      Uint16Array.from(await predict(patch), (p) => Math.round(65535 * p));
    const expected = await run({ ...common, predict });
    const actual = await run({ ...common, predict: rounded });
    expectClose("probabilities", actual.probabilities, expected.probabilities, { absolute: 2 * ROUNDED });
    await expect(run({ ...common, predict: async () => new Uint16Array(180) })).rejects.toThrow(
      "a predicted probability must lie in [0, 1], got 0 for every class.",
    );
  });

  test("averages the answers to mirrored windows", async () => {
    const patchSize: Size3D = [2, 3, 4];
    const image = noise(patchSize);
    /** Where voxel `v` of a patch lies after mirroring along all axes but those left out. */
    const mirrored = (v: number, [z, y, x]: readonly boolean[]): number => {
      const [k, j, i] = [Math.floor(v / 12), Math.floor(v / 4) % 3, v % 4];
      return ((z ? 1 - k : k) * 3 + (y ? 2 - j : j)) * 4 + (x ? 3 - i : i);
    };
    const meanOver = async (turns: readonly (readonly boolean[])[]): Promise<number[]> => {
      const sums = new Array<number>(CLASSES * 24).fill(0);
      for (const turn of turns) {
        const answer = await predict(Float32Array.from(image, (_, v) => image[mirrored(v, turn)] ?? Number.NaN));
        for (const i of sums.keys())
          sums[i] = (sums[i] ?? 0) + (answer[i - (i % 24) + mirrored(i % 24, turn)] ?? 0) / turns.length;
      }
      return sums;
    };
    const common = { image, shape: patchSize, patchSize, classes: CLASSES, predict };
    const flips = [false, true];
    const all = flips.flatMap((z) => flips.flatMap((y) => flips.map((x) => [z, y, x])));
    const { probabilities } = await run({ ...common, mirror: ["depth", "height", "width"] });
    expectClose("all axes", probabilities, await meanOver(all), { absolute: ROUNDED });
    const { probabilities: one } = await run({ ...common, mirror: ["height"] });
    expectClose(
      "one axis",
      one,
      await meanOver([
        [false, false, false],
        [false, true, false],
      ]),
      { absolute: ROUNDED },
    );
  });

  test("takes windows of air alone for background without predicting them", async () => {
    const image = new Float32Array(8).fill(-1);
    image[7] = 0.5;
    let calls = 0;
    const common = {
      image,
      shape: [1, 1, 8],
      patchSize: [1, 1, 4],
      classes: 2,
      weighting: "uniform",
      predict: async () => {
        calls++;
        return Float32Array.of(0, 0, 0, 0, 1, 1, 1, 1);
      },
    } as const;
    const { labels, probabilities } = await run(common); // windows at 0, 2 and 4, of which the last has tissue
    expect(calls).toBe(1);
    expect(labels).toEqual([0, 0, 0, 0, 0, 0, 1, 1]); // where both count the same, the first class
    expect([...probabilities.subarray(8)]).toEqual([0, 0, 0, 0, 0.5, 0.5, 1, 1]);
    const empty = await run({ ...common, image: new Float32Array(8).fill(-1) });
    expect(empty.labels).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(calls).toBe(1);
    await run({ ...common, skipOutside: false });
    expect(calls).toBe(4);
  });

  test("continues a small volume with air, centered, and cuts it off again", async () => {
    const seen: Float32Array[] = [];
    const labels = await slidingWindow({
      image: Float32Array.of(0.5, 0.25),
      shape: [1, 1, 2],
      patchSize: [2, 2, 5],
      classes: 2,
      predict: async (patch) => {
        seen.push(patch.slice());
        return Float32Array.from({ length: 40 }, (_, i) => (i < 20 ? 0.4 : Math.max(patch[i - 20] ?? 0, 0)));
      },
    });
    const air = [-1, -1, -1, -1, -1];
    expect(seen.map((patch) => [...patch])).toEqual([[-1, 0.5, 0.25, -1, -1, ...air, ...air, ...air]]);
    expect([...labels]).toEqual([1, 0]);
  });

  test("equals a volume that was padded beforehand", async () => {
    const image = noise([3, 12, 5]);
    const padded = new Float32Array(6 * 12 * 8).fill(-1);
    for (let z = 0; z < 3; z++)
      for (let y = 0; y < 12; y++)
        padded.set(image.subarray((z * 12 + y) * 5, (z * 12 + y + 1) * 5), ((z + 1) * 12 + y) * 8 + 1);
    const patchSize: Size3D = [6, 6, 8];
    const small = await slidingWindow({ image, shape: [3, 12, 5], patchSize, classes: CLASSES, predict });
    const large = await slidingWindow({ image: padded, shape: [6, 12, 8], patchSize, classes: CLASSES, predict });
    const cropped = Array.from(
      { length: 180 },
      (_, v) => large[((Math.floor(v / 60) + 1) * 12 + (Math.floor(v / 5) % 12)) * 8 + (v % 5) + 1],
    );
    expect([...small]).toEqual(cropped);
  });

  test("needs two bytes per voxel beyond 256 classes", async () => {
    const labels = await slidingWindow({
      image: Float32Array.of(0),
      shape: [1, 1, 1],
      patchSize: [1, 1, 1],
      classes: 300,
      predict: async () => Float32Array.from({ length: 300 }, (_, c) => (c === 299 ? 1 : 0)),
    });
    expect(labels).toEqual(Uint16Array.of(299));
  });

  test("tells how far it is, and stops when told to", async () => {
    const common = {
      image: noise([4, 4, 4]),
      shape: [4, 4, 4],
      patchSize: [2, 4, 4],
      classes: CLASSES,
      predict,
    } as const;
    const progress: string[] = [];
    await slidingWindow({ ...common, onProgress: (done, total) => progress.push(`${done}/${total}`) });
    expect(progress).toEqual(["1/3", "2/3", "3/3"]);

    const controller = new AbortController();
    const stopped = slidingWindow({
      ...common,
      signal: controller.signal,
      onProgress: (done) => done === 2 && controller.abort(new Error("enough")),
    });
    await expect(stopped).rejects.toThrow("enough");
  });

  test.each<[string, Partial<SlidingWindowOptions>]>([
    ["image must hold 8 voxels ([2, 2, 2]), got 7.", { image: new Float32Array(7) }],
    ["overlap must lie in [0, 1), got 1.", { overlap: 1 }],
    ["batch must be a whole number above 0, got 0.", { batch: 0 }],
    ['mirror must be "depth" or "height" or "width", got "up".', { mirror: ["up" as "depth"] }],
    ["classes must be a whole number from 2 to 65536, got 1.", { classes: 1 }],
    ["must be whole numbers above 0, got [2, 2, 2] and [0, 2, 2].", { patchSize: [0, 2, 2] }],
    ["predict must give 24 numbers ([1, 3, 2, 2, 2]), got 5.", { predict: async () => new Float32Array(5) }],
    [
      "a predicted probability must lie in [0, 1], got NaN.",
      { predict: async () => new Float32Array(24).fill(Number.NaN) },
    ],
  ])("says that %s", async (message, options) => {
    const common = {
      image: new Float32Array(8),
      shape: [2, 2, 2],
      patchSize: [2, 2, 2],
      classes: CLASSES,
      predict,
    } as const;
    await expect(slidingWindow({ ...common, ...options })).rejects.toThrow(message);
  });
});
