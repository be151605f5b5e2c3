import { batchNorm3d, batchNorm3dInference, groupNorm3d, updateRunningStatistics, valueAndGradients } from "@plseg/ops";
import { channelsFirst, channelsLast, expectClose, golden } from "@plseg/test-kit";
import { mul, ones, sum, type Tensor, type Tensor1D, type Tensor5D, tensor1d, zeros } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines, type Tensors } from "./engines.js";
import { entry, output } from "./golden-tensors.js";
import { entriesOf, kernelOf, pullback, volumesOf } from "./operators.js";
import { OPERATOR } from "./tolerances.js";

const vectors = golden("ops_norm");

const groupNorms = ["gn16_32", "gn16_48"];

test("every operator of case ops_norm is tested here", () => {
  expect(entriesOf(vectors)).toEqual(["bn", "bn_tiny_var", ...groupNorms]);
});

const step = (inputs: Tensors): Tensors => {
  const { x, scale, offset, upstream, runningMean, runningVariance } = inputs as { [name: string]: Tensor };
  const { aux, gradients } = valueAndGradients(
    () => {
      const { y, mean, variance } = batchNorm3d(x as Tensor5D, scale as Tensor1D, offset as Tensor1D);
      return { value: sum(mul(y, upstream as Tensor)), aux: { y, mean, variance } };
    },
    [x, scale, offset] as Tensor[],
  );
  const [gradX, gradScale, gradOffset] = gradients as [Tensor, Tensor, Tensor];
  const running = { mean: runningMean as Tensor1D, variance: runningVariance as Tensor1D };
  const batch = { mean: aux.mean, variance: aux.variance };
  const next = updateRunningStatistics(running, batch, (x as Tensor).size / (scale as Tensor).size);
  return { y: aux.y, gradX, gradScale, gradOffset, runningMean: next.mean, runningVariance: next.variance };
};

describe.each(engines)("batchNorm3d, $name", ({ run }) => {
  test("agrees with bn of case ops_norm in three steps of training, and in inference after them", async () => {
    const get = (name: string, index: number) => entry(vectors.array(`bn.${name}`), index);
    const scale = tensor1d(vectors.array("bn.weight").data as Float32Array);
    const offset = tensor1d(vectors.array("bn.bias").data as Float32Array);
    let runningMean: Tensor = zeros(scale.shape);
    let runningVariance: Tensor = ones(scale.shape);
    for (let i = 0; i < (vectors.array("bn.x").shape[0] as number); i++) {
      const [x, upstream] = [channelsLast(get("x", i)), channelsLast(get("grad_out", i))];
      const results = await run(step, { x, scale, offset, upstream, runningMean, runningVariance });
      for (const [ours, theirs] of Object.entries({ y: "out", gradX: "grad_x" })) {
        const { shape, data } = output(results, ours);
        expectClose(`step ${i} ${theirs}`, channelsFirst(shape, data), get(theirs, i).data, OPERATOR);
      }
      const vectorNames = {
        gradScale: "grad_weight",
        gradOffset: "grad_bias",
        runningMean: "running_mean",
        runningVariance: "running_var",
      };
      for (const [ours, theirs] of Object.entries(vectorNames))
        expectClose(`step ${i} ${theirs}`, output(results, ours).data, get(theirs, i).data, OPERATOR);
      runningMean = tensor1d(output(results, "runningMean").data);
      runningVariance = tensor1d(output(results, "runningVariance").data);
    }

    const infer = (inputs: Tensors): Tensors => {
      const { x, mean, variance, scale, offset } = inputs as Record<string, Tensor1D>;
      return {
        y: batchNorm3dInference(x as Tensor as Tensor5D, {
          mean: mean as Tensor1D,
          variance: variance as Tensor1D,
          scale: scale as Tensor1D,
          offset: offset as Tensor1D,
        }),
      };
    };
    const inputs = { x: channelsLast(get("x", 0)), mean: runningMean, variance: runningVariance, scale, offset };
    const { shape, data } = output(await run(infer, inputs), "y");
    expectClose("eval_out", channelsFirst(shape, data), vectors.array("bn.eval_out").data, OPERATOR);
  });

  test("agrees with bn_tiny_var of case ops_norm", async () => {
    const x = channelsLast(vectors.array("bn_tiny_var.x"));
    const upstream = channelsLast(vectors.array("bn_tiny_var.grad_out"));
    const [unit, zero] = [ones([x.shape[4] as number]), zeros([x.shape[4] as number])];
    const inputs = { x, upstream, scale: unit, offset: zero, runningMean: zero, runningVariance: unit };
    const results = await run(step, inputs);
    const [y, gradX] = [output(results, "y"), output(results, "gradX")];
    expectClose("out", channelsFirst(y.shape, y.data), vectors.array("bn_tiny_var.out").data, OPERATOR);
    // the reference's own single precision is off by 2.7e-3 here (SPEC.md section 1)
    const loose = { ofMax: 1e-4 };
    expectClose("grad_x", channelsFirst(gradX.shape, gradX.data), vectors.array("bn_tiny_var.grad_x").data, loose);
  });
});

describe.each(engines)("groupNorm3d, $name", ({ run }) => {
  test.each(groupNorms)("agrees with %s of case ops_norm", async (entry) => {
    const norm = ({ x, weight, bias }: Tensors): Tensor =>
      groupNorm3d(x as Tensor5D, 16, weight as Tensor1D, bias as Tensor1D);
    const kernels = ["weight", "bias"];
    const results = await run(pullback(norm), {
      ...volumesOf(vectors, entry),
      ...Object.fromEntries(kernels.map((name) => [name, kernelOf(vectors.array(`${entry}.${name}`))])),
    });
    for (const name of ["out", "grad_x"]) {
      const { shape, data } = output(results, name);
      expectClose(name, channelsFirst(shape, data), vectors.array(`${entry}.${name}`).data, OPERATOR);
    }
    for (const kernel of kernels)
      expectClose(
        `grad_${kernel}`,
        output(results, `grad_${kernel}`).data,
        vectors.array(`${entry}.grad_${kernel}`).data,
        OPERATOR,
      );
  });
});
