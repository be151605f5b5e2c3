import { psd } from "@plseg/losses";
import { valueAndGradients } from "@plseg/ops";
import { channelsFirst, channelsLast, expectClose, golden } from "@plseg/test-kit";
import type { Tensor, Tensor5D } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines, type Tensors } from "./engines.js";
import { output, truth } from "./golden-tensors.js";
import { GRADIENT, LOSS } from "./tolerances.js";

const vectors = golden("psd");
const temperatures = vectors.json<number[]>("temperatures");
const scales = vectors.names
  .flatMap((name) => /^logits_s(\d+)$/.exec(name)?.[1] ?? [])
  .map(Number)
  .sort((a, b) => a - b);
const students = scales.filter((scale) => scales.includes(scale - 1));

describe.each(engines)("psd, $name", ({ run }) => {
  describe.each(temperatures)("at temperature %d", (temperature) => {
    const loss = psd({ temperature });

    test.each(students)("agrees with case psd at scale %d", async (scale) => {
      const fn = (inputs: Tensors): Tensors => {
        const pair = [inputs.teacher, inputs.student] as Tensor5D[];
        const { value, gradients } = valueAndGradients(() => ({ value: loss(pair), aux: {} }), pair);
        return { value, toTeacher: gradients[0] as Tensor, toStudent: gradients[1] as Tensor };
      };
      const results = await run(fn, {
        teacher: channelsLast(vectors.array(`logits_s${scale - 1}`)),
        student: channelsLast(vectors.array(`logits_s${scale}`)),
      });
      const name = `T${temperature}_s${scale}`;
      expectClose("loss", output(results, "value").data, truth(vectors, `loss_${name}`).data, LOSS);
      const { shape, data } = output(results, "toStudent");
      const expected = truth(vectors, `grad_logits_s${scale}_T${temperature}`).data;
      expectClose("grad_logits", channelsFirst(shape, data), expected, GRADIENT);
      expect(output(results, "toTeacher").data.every((value) => value === 0)).toBe(true);
    });

    test("is the mean over the scales", async () => {
      const fn = (inputs: Tensors): Tensors => ({
        value: loss(scales.map((scale) => inputs[`s${scale}`] as Tensor5D)),
      });
      const pyramid = scales.map((scale) => [`s${scale}`, channelsLast(vectors.array(`logits_s${scale}`))]);
      const results = await run(fn, Object.fromEntries(pyramid));
      const parts = students.map((scale) => Number(truth(vectors, `loss_T${temperature}_s${scale}`).data[0]));
      expectClose("loss", output(results, "value").data, [parts.reduce((a, b) => a + b) / parts.length], LOSS);
    });
  });
});
