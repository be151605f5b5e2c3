import { channelsFirst, channelsLast, expectClose, type GoldenCase, golden } from "@plseg/test-kit";
import { tensor1d } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { type Arrays, engines, type Tensors } from "./engines.js";
import { output, truth } from "./golden-tensors.js";
import { forward, isCanceledBias, ourName, type ReferenceUnet, referenceUnet, train } from "./reference-unet.js";
import { GRADIENT_TABLE, LOSS_OF_NET, OUTPUT } from "./tolerances.js";

const cases = ["net_progcon", "net_progcon_full", "net_progcon_5level", "net_unet3d"];

describe.each(engines)("plSegUnet, $name", ({ run }) => {
  test.each(cases)("agrees with case %s", { timeout: 120_000 }, async (name) => {
    const vectors = golden(name);
    const shapes = vectors.json<number[][]>("train.shapes");
    const unet = referenceUnet(vectors, { deepSupervision: shapes.length > 1 });
    const inputs = {
      image: channelsLast(vectors.array("input")),
      parameters: tensor1d(unet.parameters),
      buffers: tensor1d(unet.buffers),
    };
    const trained = await run((inputs: Tensors) => train(unet, inputs), inputs);
    const evaluated = await run((inputs: Tensors) => forward(unet, inputs), inputs);

    for (const [k, shape] of shapes.entries()) {
      checkOutput(vectors, "train", k, shape, trained);
      checkOutput(vectors, "eval", k, shape, evaluated);
    }
    expectClose("loss", output(trained, "loss").data, truth(vectors, "loss").data, LOSS_OF_NET);
    checkGradients(vectors, unet, trained);
    checkBuffers(vectors, unet, trained);
  });
});

/** Compares one output with its values, or with a sample of them, and with sum, sum of squares and largest magnitude. */
function checkOutput(vectors: GoldenCase, mode: string, k: number, shape: readonly number[], arrays: Arrays): void {
  const { shape: ourShape, data } = output(arrays, `out${k + 1}`);
  const values = channelsFirst(ourShape, data);
  const [batch, classes, ...spatial] = shape;
  expect(ourShape).toEqual([batch, ...spatial, classes]);
  const what = `${mode}.out${k + 1}`;
  expectClose(what, ...sampled(vectors, what, values), OUTPUT);

  const [sum, squares, largest] = vectors.array(`${mode}.stats_f64`).data.slice(3 * k, 3 * k + 3) as Float64Array;
  const ofSum = 2e-5 * Math.sqrt(values.length * (squares as number)); // bounds 2e-5 · Σ|x|
  expectClose(`${what} sum`, [values.reduce((a, b) => a + b, 0)], [sum as number], { absolute: ofSum });
  expectClose(`${what} squares`, [values.reduce((a, b) => a + b * b, 0)], [squares as number], { relative: 4e-5 });
  expectClose(`${what} largest`, [values.reduce((a, b) => Math.max(a, Math.abs(b)), 0)], [largest as number], OUTPUT);
}

/** Our values where the case has values: everywhere, or at every so many places. */
function sampled(vectors: GoldenCase, name: string, values: Float32Array): [ArrayLike<number>, ArrayLike<number>] {
  if (vectors.names.includes(name)) return [values, vectors.array(name).data as Float32Array];
  const { flat_stride: stride } = vectors.json<{ flat_stride: number }>(`${name}.sub`);
  return [values.filter((_, i) => i % stride === 0), vectors.array(`${name}.sub`).data as Float32Array];
}

function checkGradients(vectors: GoldenCase, { layout }: ReferenceUnet, arrays: Arrays): void {
  const image = output(arrays, "gradImage");
  const [actual, expected] = sampled(vectors, "grad_input", channelsFirst(image.shape, image.data));
  expectClose("grad_input", actual, expected, GRADIENT_TABLE);

  const gradient = output(arrays, "gradParameters").data;
  const placed = new Map(layout.parameters.map((weight) => [weight.name, weight]));
  const names = vectors.json<string[]>("parameters");
  const [norms, firsts] = [truth(vectors, "grad_norm").data, truth(vectors, "grad_first8").data];
  const ours = { norms: [] as number[], firsts: [] as number[] };
  const theirs = { norms: [] as number[], firsts: [] as number[] };
  for (const [row, name] of names.entries()) {
    const norm = Number(norms[row]);
    if (isCanceledBias(name)) {
      expect(placed.has(ourName(name)), name).toBe(false);
      expect(norm, `${name} has no gradient, so it may be left out`).toBeLessThan(1e-9);
      continue;
    }
    const weight = placed.get(ourName(name));
    if (!weight) throw new Error(`plSegUnet has no ${ourName(name)} for ${name}.`);
    placed.delete(weight.name);
    const values = gradient.slice(weight.offset, weight.offset + weight.size);
    ours.norms.push(Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)));
    theirs.norms.push(norm);
    const count = Math.min(8, weight.size);
    ours.firsts.push(...values.slice(0, count));
    theirs.firsts.push(...Array.from(firsts.slice(8 * row, 8 * row + count), Number));
  }
  expect([...placed.keys()], "weights that the reference does not have").toEqual([]);
  expectClose("grad_norm", ours.norms, theirs.norms, GRADIENT_TABLE);
  expectClose("grad_first8", ours.firsts, theirs.firsts, GRADIENT_TABLE);
}

/** Running statistics after the step; the folded biases are put back. */
function checkBuffers(vectors: GoldenCase, { layout, foldedBiases }: ReferenceUnet, arrays: Arrays): void {
  const buffers = output(arrays, "buffers").data;
  const names = vectors.json<string[]>("buffers");
  const table = vectors.array("buffer_first8").data;
  expect(names.length).toBe(layout.buffers.length);
  for (const [row, name] of names.entries()) {
    const buffer = layout.buffers.find((buffer) => buffer.name === ourName(name));
    if (!buffer) throw new Error(`plSegUnet has no ${ourName(name)} for ${name}.`);
    const count = Math.min(8, buffer.size);
    const bias = foldedBiases.get(buffer.name);
    const values = buffers.slice(buffer.offset, buffer.offset + count).map((value, i) => value + (bias?.[i] ?? 0));
    expectClose(name, values, table.slice(8 * row, 8 * row + count) as Float32Array, { ...OUTPUT, absolute: 1e-6 });
  }
}
