// The training step that benchmarks of steps and leaks run: PL-Seg on random numbers.
import { Random } from "@plseg/core";
import { drawWeights, plSegUnet } from "@plseg/models";
import { adam, describeNetwork, methods, trainStep } from "@plseg/train";
import { CLASSES, drawTarget, product } from "./measure.mjs";

/**
 * A step made ready, which keeps its state: each call of `next` goes on from the one before.
 * @param {{ engine: import("@plseg/runtime").Engine, patchSize: readonly number[], batch: number, features?: readonly number[] }} options
 */
export async function randomTraining({ engine, patchSize, batch, features }) {
  const network = plSegUnet({ classes: CLASSES, ...(features && { features }) });
  const { layout, scales } = describeNetwork(network);
  const objective = methods["pl-seg"].objective({ classes: CLASSES, scales });
  const step = trainStep({ network, objective, classes: CLASSES, optimizer: adam(), patchSize, batch });
  const compiled = await engine.compile(step.fn, step.inputs);

  const random = new Random(1);
  const voxels = batch * product(patchSize);
  const { labels, annotated } = drawTarget(random, batch, voxels);
  const image = Float32Array.from({ length: voxels }, () => random.uniform(-1, 1));
  let state = Object.fromEntries(
    Object.entries(step.state).map(([name, { shape }]) => [
      name,
      new Float32Array(product(shape)).fill(name.startsWith("loss.") ? -1 : 0),
    ]),
  );
  Object.assign(state, layout.pack(drawWeights([...layout.parameters, ...layout.buffers], 1)));

  let k = 0;
  return {
    /** Does the next step. Resolves to its milliseconds, those of reading the loss included, and the loss. */
    async next() {
      k++;
      const started = performance.now();
      const outputs = await compiled.run({
        ...state,
        image,
        labels,
        annotated,
        learningRate: Float32Array.of(0.01),
        step: Float32Array.of(k),
        progress: Float32Array.of(0.5),
        seed: Float32Array.of(k),
      });
      const [loss] = await outputs.loss.read();
      const ms = performance.now() - started;
      if (!Number.isFinite(loss)) throw new Error(`bench: the loss of step ${k} is ${loss}.`);
      for (const tensor of Object.values(state)) if ("dispose" in tensor) tensor.dispose();
      for (const [name, tensor] of Object.entries(outputs)) if (!(name in step.state)) tensor.dispose();
      state = Object.fromEntries(Object.keys(step.state).map((name) => [name, outputs[name]]));
      return { ms, loss };
    },
    /** Frees everything. */
    async dispose() {
      for (const tensor of Object.values(state)) if ("dispose" in tensor) tensor.dispose();
      await compiled.dispose();
    },
  };
}
