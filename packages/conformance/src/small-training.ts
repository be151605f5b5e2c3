import { hideUnannotated, makePhantom, patchSampler, phantomClasses, windowIntensity } from "@plseg/data";
import { plSegUnet } from "@plseg/models";
import type { Engine } from "@plseg/runtime";
import { methods, type StepRecord, type TrainOptions, type TrainState, train } from "@plseg/train";

/** What a training said, step by step, and where it ended. */
export interface Trained {
  readonly records: readonly StepRecord[];
  readonly state: TrainState;
}

/** Options of {@link smallTraining}. */
export interface SmallTrainingOptions extends Partial<Pick<TrainOptions, "steps" | "signal" | "onStep">> {
  /** Channels of each stage of the network. */
  readonly features?: readonly number[];
}

/** Trains PL-Seg on a phantom with two organs annotated: small enough for a device in software. */
export async function smallTraining(
  engine: Engine,
  { features = [4, 8, 8, 8], steps = 3, signal, onStep }: SmallTrainingOptions = {},
): Promise<Trained> {
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
  const patchSize = [16, 16, 16] as const;
  const records: StepRecord[] = [];
  const state = await train({
    engine,
    method,
    network: plSegUnet({
      classes: classes.size,
      features,
      dropout: features.map((_, stage) => 0.1 * Math.max(0, stage - 1)),
      deepSupervision: true,
    }),
    classes: classes.size,
    sampler: patchSampler({ cases: [scan], patchSize, batch: 1, seed: 3 }),
    patchSize,
    batch: 1,
    steps,
    learningRate: 0.003,
    seed: 5,
    ...(signal && { signal }),
    async onStep(record, ...rest) {
      records.push(record);
      await onStep?.(record, ...rest);
    },
  });
  return { records, state };
}
