import { deepStrictEqual, ok } from "node:assert";
import { channelsFirst, expectClose, type GoldenCase } from "@plseg/test-kit";
import { type Tensor, tensor1d } from "@tensorflow/tfjs-core";
import type { Arrays, Engine, Tensors } from "./engines.js";
import { output, truth } from "./golden-tensors.js";
import { forward, type ReferenceNetwork, train } from "./reference-network.js";
import { GRADIENT_TABLE, LOSS_OF_NET, OUTPUT } from "./tolerances.js";

/** Runs a network in training and in inference, and compares everything that a network case holds. */
export async function checkNetworkCase(
  run: Engine["run"],
  vectors: GoldenCase,
  network: ReferenceNetwork,
  inputs: Readonly<Record<string, Tensor>>,
): Promise<void> {
  const all = { ...inputs, parameters: tensor1d(network.parameters), buffers: tensor1d(network.buffers) };
  const trained = await run((inputs: Tensors) => train(network, inputs), all);
  const evaluated = await run((inputs: Tensors) => forward(network, inputs), all);
  for (const [k, shape] of vectors.json<number[][]>("train.shapes").entries()) {
    checkOutput(vectors, "train", k, shape, trained);
    checkOutput(vectors, "eval", k, shape, evaluated);
  }
  expectClose("loss", output(trained, "loss").data, truth(vectors, "loss").data, LOSS_OF_NET);
  checkGradients(vectors, network, trained);
  checkBuffers(vectors, network, trained);
}

/** Compares one output with its values, or with a sample of them, and with sum, sum of squares and largest magnitude. */
function checkOutput(vectors: GoldenCase, mode: string, k: number, shape: readonly number[], arrays: Arrays): void {
  const { shape: ourShape, data } = output(arrays, `out${k + 1}`);
  const values = channelsFirst(ourShape, data);
  const [batch, classes, ...spatial] = shape;
  const what = `${mode}.out${k + 1}`;
  deepStrictEqual(ourShape, [batch, ...spatial, classes], `shape of ${what}`);
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

/** Compares gradients of image and weights. What ours does without must have none in the reference, or be unused there. */
function checkGradients(vectors: GoldenCase, { layout, ourName }: ReferenceNetwork, arrays: Arrays): void {
  const image = output(arrays, "gradImage");
  const [actual, expected] = sampled(vectors, "grad_input", channelsFirst(image.shape, image.data));
  expectClose("grad_input", actual, expected, GRADIENT_TABLE);

  const gradient = output(arrays, "gradParameters").data;
  const placed = new Map(layout.parameters.map((weight) => [weight.name, weight]));
  const unused = vectors.json<string[]>("params_without_grad");
  const [norms, firsts] = [truth(vectors, "grad_norm").data, truth(vectors, "grad_first8").data];
  const largest = Math.max(...Array.from(norms, Number).filter(Number.isFinite)); // NaN where a weight is not used
  const ours = { norms: [] as number[], firsts: [] as number[] };
  const theirs = { norms: [] as number[], firsts: [] as number[] };
  for (const [row, name] of vectors.json<string[]>("parameters").entries()) {
    const norm = Number(norms[row]);
    const ourWeight = ourName(name);
    if (ourWeight === undefined) {
      ok(unused.includes(name) || norm < 1e-12 * largest, `${name} is left out, but has a gradient of norm ${norm}.`);
      continue;
    }
    const weight = placed.get(ourWeight);
    if (!weight) throw new Error(`our network has no ${ourWeight} for ${name}.`);
    placed.delete(weight.name);
    const values = gradient.slice(weight.offset, weight.offset + weight.size);
    ours.norms.push(Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)));
    theirs.norms.push(norm);
    const count = Math.min(8, weight.size);
    ours.firsts.push(...values.slice(0, count));
    theirs.firsts.push(...Array.from(firsts.slice(8 * row, 8 * row + count), Number));
  }
  deepStrictEqual([...placed.keys()], [], "weights that the reference does not have");
  expectClose("grad_norm", ours.norms, theirs.norms, GRADIENT_TABLE);
  expectClose("grad_first8", ours.firsts, theirs.firsts, GRADIENT_TABLE);
}

/** Running statistics after the step, where there are any; the folded biases are put back. */
function checkBuffers(vectors: GoldenCase, { layout, ourName, foldedBiases }: ReferenceNetwork, arrays: Arrays): void {
  if (layout.bufferCount === 0 && !vectors.names.includes("buffer_first8")) return;
  const buffers = output(arrays, "buffers").data;
  const table = vectors.array("buffer_first8").data;
  const missing = new Set(layout.buffers.map(({ name }) => name));
  for (const [row, name] of vectors.json<string[]>("buffers").entries()) {
    if (ourName(name) === undefined) continue;
    const buffer = layout.buffers.find((buffer) => buffer.name === ourName(name));
    if (!buffer) throw new Error(`our network has no ${ourName(name)} for ${name}.`);
    missing.delete(buffer.name);
    const count = Math.min(8, buffer.size);
    const bias = foldedBiases.get(buffer.name);
    const values = buffers.slice(buffer.offset, buffer.offset + count).map((value, i) => value + (bias?.[i] ?? 0));
    expectClose(name, values, table.slice(8 * row, 8 * row + count) as Float32Array, { ...OUTPUT, absolute: 1e-6 });
  }
  deepStrictEqual([...missing], [], "running statistics that the reference does not have");
}
