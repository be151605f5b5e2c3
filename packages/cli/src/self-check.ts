import { plSegUnet } from "@plseg/models";
import type { Engine, EngineArray, EngineTensor } from "@plseg/runtime";
import { adam, describeNetwork, methods, trainStep } from "@plseg/train";

const CLASSES = 3;
const SIDE = 8;
const VOXELS = SIDE ** 3;

/** What two steps of a small training gave: numbers by name. */
export type StepNumbers = Readonly<Record<string, EngineArray>>;

/**
 * Two steps of a training of PL-Seg, small enough for every engine: convolutions, pooling, batch norm, all losses,
 * gradients and the optimizer. The second step starts from the state that the engine kept.
 */
export async function selfCheck(engine: Engine): Promise<StepNumbers> {
  const network = plSegUnet({ classes: CLASSES, features: [2, 4], dropout: [0], deepSupervision: true });
  const { scales } = describeNetwork(network);
  const objective = methods["pl-seg"]?.objective({ classes: CLASSES, scales });
  if (!objective) throw new Error("selfCheck: there is no method pl-seg.");
  const patchSize = [SIDE, SIDE, SIDE] as const;
  const step = trainStep({ network, objective, classes: CLASSES, optimizer: adam(), patchSize, batch: 1 });
  const compiled = await engine.compile(step.fn, step.inputs);
  try {
    let state: Record<string, EngineArray | EngineTensor> = Object.fromEntries(
      Object.entries(step.state).map(([name, { shape }]) => [name, start(name, shape)]),
    );
    let numbers: Record<string, EngineArray> = {};
    for (const k of [1, 2]) {
      const outputs = await compiled.run({
        ...state,
        image: waves(VOXELS, 0.37),
        labels: Int32Array.from({ length: VOXELS }, (_, i) => (i * 7) % CLASSES),
        annotated: Float32Array.of(1, 1, 1),
        learningRate: Float32Array.of(0.01),
        step: Float32Array.of(k),
        progress: Float32Array.of(0.5),
        seed: Float32Array.of(k),
      });
      numbers = {};
      for (const name of COMPARED) numbers[name] = (await outputs[name]?.read()) ?? new Float32Array();
      dispose(state);
      for (const [name, output] of Object.entries(outputs)) if (!(name in step.state)) output.dispose();
      state = Object.fromEntries(Object.keys(step.state).map((name) => [name, outputs[name] as EngineTensor]));
    }
    dispose(state);
    return numbers;
  } finally {
    await compiled.dispose();
  }
}

/** Smooth in what went before; parameters are not, where a gradient is almost 0 and Adam takes its sign. */
const COMPARED = ["loss", "gradientNorm", "optimizer.m", "optimizer.v", "buffers"];

/** Largest difference of two results, each output by its own largest number; infinite if a number is missing. */
export function largestRelativeDifference(actual: StepNumbers, expected: StepNumbers): number {
  const differences = Object.entries(expected).map(([name, values]) => {
    const others = actual[name] ?? new Float32Array();
    if (others.length !== values.length) return Number.POSITIVE_INFINITY;
    let [size, largest] = [0, 0];
    for (const [i, value] of values.entries()) {
      size = Math.max(size, Math.abs(value));
      largest = Math.max(largest, Math.abs(value - (others[i] as number)));
    }
    return Number.isNaN(largest) ? Number.POSITIVE_INFINITY : largest / size;
  });
  return Math.max(...differences);
}

function start(name: string, shape: readonly number[]): Float32Array {
  const size = shape.reduce((product, axis) => product * axis, 1);
  if (name === "parameters") return waves(size, 0.71).map((value) => 0.5 * value);
  if (name === "buffers") return new Float32Array(size).fill(1);
  return new Float32Array(size).fill(name.startsWith("loss.") ? -1 : 0);
}

/** Numbers without pattern that are the same everywhere. */
const waves = (count: number, frequency: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(frequency * i * i + i));

function dispose(tensors: Readonly<Record<string, EngineArray | EngineTensor>>): void {
  for (const tensor of Object.values(tensors)) if ("read" in tensor) tensor.dispose();
}
