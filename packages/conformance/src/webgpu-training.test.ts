import { hideUnannotated, makePhantom, patchSampler, phantomClasses, windowIntensity } from "@plseg/data";
import { plSegUnet } from "@plseg/models";
import { createEngine, type Engine } from "@plseg/runtime";
import { expectClose, whyNoWebgpu } from "@plseg/test-kit";
import { methods, type StepRecord, type TrainState, train } from "@plseg/train";
import { relu, type Tensor } from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";

const STEPS = 3;
const patchSize = [16, 16, 16] as const;

/** Trains PL-Seg on a phantom with two organs annotated. */
async function trained(engine: Engine): Promise<{ records: StepRecord[]; state: TrainState }> {
  const method = methods["pl-seg"];
  if (!method) throw new Error("there is no method pl-seg");
  const classes = phantomClasses(6);
  const annotated = classes.names.map((_, index) => index < 3);
  const { image, labels } = makePhantom({ size: [20, 20, 20], seed: 4 });
  const scan = {
    id: "phantom",
    image: windowIntensity(image, { level: 40, width: 400 }),
    labels: hideUnannotated(labels, annotated).data,
    shape: image.shape,
    annotated,
  };
  const records: StepRecord[] = [];
  const state = await train({
    engine,
    method,
    network: plSegUnet({
      classes: classes.size,
      features: [4, 8, 8, 8],
      dropout: [0, 0, 0.1, 0.2],
      deepSupervision: true,
    }),
    classes: classes.size,
    sampler: patchSampler({ cases: [scan], patchSize, batch: 1, seed: 3 }),
    patchSize,
    batch: 1,
    steps: STEPS,
    learningRate: 0.003,
    seed: 5,
    onStep: (record) => void records.push(record),
  });
  return { records, state };
}

/** Strict, as engines are: an operation that WebGPU lacks is an error. */
const webgpu = createEngine({ ort, device: "webgpu", allowSoftwareAdapter: true });

const missing = await whyNoWebgpu(async () => {
  await (await webgpu.compile(({ x }) => ({ y: relu(x as Tensor) }), { x: { shape: [2] } })).dispose();
});

describe.skipIf(missing !== undefined)("a training step on WebGPU", () => {
  test("does what it does on the CPU, without a node on the CPU", async () => {
    const expected = await trained(createEngine({ ort, threads: 1 }));
    const actual = await trained(webgpu);
    expect(actual.records).toHaveLength(STEPS);
    for (const [step, { loss, gradientNorm, terms }] of expected.records.entries()) {
      const record = actual.records[step] as StepRecord;
      // Adam divides by the size of a gradient: where that is almost 0, rounding decides which way a parameter goes
      const relative = step === 0 ? 1e-4 : 1e-3;
      const name = `of step ${step + 1}`;
      expectClose(`loss ${name}`, [record.loss], [loss], { relative });
      expectClose(`gradient norm ${name}`, [record.gradientNorm], [gradientNorm], { relative });
      for (const [term, value] of Object.entries(terms))
        expectClose(`${term} ${name}`, [record.terms[term] ?? Number.NaN], [value], { relative });
    }
    for (const [name, values] of Object.entries(expected.state.tensors))
      expectClose(name, actual.state.tensors[name] ?? [], values, { ofMax: 5e-3 });
  });
});
