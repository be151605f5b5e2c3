import { ConfigError } from "@plseg/core";
import type { InputSpec } from "@plseg/onnx";
import type { CompiledFunction, Engine, EngineArray, EngineTensor } from "@plseg/runtime";
import { add, div, type Tensor1D } from "@tensorflow/tfjs-core";
import { LOSS_STATE, SEEDS, stepParts, type TrainStepOptions } from "./train-step.js";

/** Between the dropout seeds of two pieces of a batch. */
const SEED_STRIDE = 1021;

/**
 * A step ready to run, like that of `trainStep`, which holds only a piece of the batch in memory at a time: forward and
 * backward run for one piece after the other, their gradients are averaged, and the optimizer runs once.
 *
 * Loss, terms and gradient are means over the pieces. They are those of the whole batch where the objective is a mean over
 * patches and nothing else sees the batch. Batch norm does: its statistics are of a piece, and its running statistics move
 * once a piece. The history of `hadfl` takes each piece for a call.
 *
 * @param accumulate - Number of pieces; the batch must be a multiple of it.
 * @throws ConfigError unless it is; and what the engine throws.
 */
export async function accumulatedStep(
  engine: Engine,
  options: TrainStepOptions,
  accumulate: number,
): Promise<CompiledFunction> {
  const { batch, classes, patchSize } = options;
  const patches = batch / accumulate;
  if (!Number.isInteger(patches))
    throw new ConfigError(`accumulatedStep: batch must be a multiple of accumulate, got ${batch} and ${accumulate}.`);
  const { layout, state, trained, backward, update } = stepParts(options);
  const [parameters, buffers] = [`${trained}parameters`, `${trained}buffers`];
  const carried = Object.keys(state).filter((name) => name === buffers || name.startsWith(LOSS_STATE));
  const specs = (names: readonly string[]): Record<string, InputSpec> =>
    Object.fromEntries(names.map((name) => [name, state[name] ?? { shape: [] }]));
  const gradient: InputSpec = { shape: [layout.parameterCount] };

  const piece = await engine.compile(
    (inputs: Parameters<typeof backward>[0]) => {
      const { gradient: ofPiece, buffers: next, ...rest } = backward(inputs);
      const sum = add(inputs.gradient as Tensor1D, div(ofPiece, accumulate));
      return { ...rest, [buffers]: next, gradient: sum };
    },
    {
      ...specs([parameters, ...carried, "progress", "seed"]),
      image: { shape: [patches, ...patchSize, 1] },
      labels: { shape: [patches, ...patchSize], dtype: "int32" },
      annotated: { shape: [patches, classes] },
      gradient,
    },
  );
  const own = Object.keys(state).filter((name) => !name.startsWith(LOSS_STATE));
  const whole = await engine.compile(
    (inputs: Parameters<typeof backward>[0]) =>
      update(inputs, inputs.gradient as Tensor1D, inputs[buffers] as Tensor1D),
    { ...specs([...own, "learningRate", "step"]), gradient },
  );

  return {
    async run(inputs) {
      const feed = (names: readonly string[]): Record<string, EngineArray | EngineTensor> =>
        Object.fromEntries(names.map((name) => [name, inputs[name] as EngineArray | EngineTensor]));
      const cut = (name: string, n: number): EngineArray => {
        const values = inputs[name] as EngineArray;
        const size = values.length / accumulate;
        return values.subarray(n * size, (n + 1) * size);
      };
      const [seed = 0] = inputs.seed as Float32Array;
      const means = new Map<string, number>();
      let passed: Record<string, EngineArray | EngineTensor> = {
        ...feed(carried),
        gradient: new Float32Array(layout.parameterCount),
      };
      for (let n = 0; n < accumulate; n++) {
        const outputs = await piece.run({
          ...feed([parameters, "progress"]),
          ...passed,
          ...{ image: cut("image", n), labels: cut("labels", n), annotated: cut("annotated", n) },
          seed: Float32Array.of((seed + n * SEED_STRIDE) % SEEDS),
        });
        if (n > 0) dispose(passed);
        passed = Object.fromEntries([...carried, "gradient"].map((name) => [name, outputs[name] as EngineTensor]));
        for (const [name, output] of Object.entries(outputs)) {
          if (name in passed) continue;
          if (output.shape.length === 0)
            means.set(name, (means.get(name) ?? 0) + ((await output.read())[0] ?? Number.NaN) / accumulate);
          output.dispose();
        }
      }
      const { gradient: sum, [buffers]: moved, ...lossState } = passed as Record<string, EngineTensor>;
      if (!sum || !moved) throw new ConfigError("accumulatedStep: the engine gave no gradient.");
      const updated = await whole.run({ ...feed([...own, "learningRate", "step"]), gradient: sum, [buffers]: moved });
      dispose({ sum, moved });
      const numbers = [...means].map(([name, mean]) => [name, scalarOf(mean)]);
      return { ...updated, ...lossState, ...Object.fromEntries(numbers) };
    },
    async dispose() {
      await piece.dispose();
      await whole.dispose();
    },
  };
}

/** A number that was read already, as an engine gives it. */
const scalarOf = (value: number): EngineTensor => ({
  shape: [],
  read: async () => Float32Array.of(value),
  dispose() {},
});

function dispose(tensors: Readonly<Record<string, EngineArray | EngineTensor>>): void {
  for (const tensor of Object.values(tensors)) if ("read" in tensor) tensor.dispose();
}
