import { ClassSet, type LabelMap, type Network, sizeOf, type Volume, type VoxelArray } from "@plseg/core";
import { scanWindow, windowIntensity } from "@plseg/data";
import { type CachedCase, readCachedCase } from "@plseg/data/node";
import { type ClassScores, evaluateCase, summarize } from "@plseg/metrics";
import type { FlatLayout } from "@plseg/models";
import { type Engine, inferenceFunction, slidingWindow } from "@plseg/runtime";
import type { TrainState } from "../train.js";
import type { RunConfig } from "./run-config.js";

/** Options of {@link validate}. */
export interface ValidateOptions {
  readonly engine: Engine;
  readonly network: Network;
  readonly layout: FlatLayout;
  readonly config: RunConfig;
  readonly state: TrainState;
  readonly cases: readonly CachedCase[];
  /** Called with each case once it is segmented. Validation waits for what it returns. */
  readonly onSegmented?: (segmented: SegmentedCase) => void | Promise<void>;
  /** Stops between two cases. */
  readonly signal?: AbortSignal;
}

/** Dice of one case. */
export interface CaseDice {
  /** Identifier of the case. */
  readonly id: string;
  /** Mean over the organs that have a score; null if none has. */
  readonly dice: number | null;
  /** By organ; null where it is not annotated, or neither predicted nor there. */
  readonly perClass: Readonly<Record<string, number | null>>;
}

/** A case as a validation segmented it, on the grid of the network. */
export interface SegmentedCase extends CaseDice {
  /** Hounsfield units. */
  readonly image: Volume<VoxelArray>;
  /** Class indices, of annotated organs. */
  readonly reference: LabelMap;
  /** Class indices. */
  readonly prediction: LabelMap;
}

/** Dice of a validation, over the organs and cases in which it is defined. */
export interface ValidationScores {
  /** Mean over organs; null if none has a score. */
  readonly dice: number | null;
  /** Mean over cases by organ. */
  readonly perClass: Readonly<Record<string, number | null>>;
  /** Each case by itself. */
  readonly cases: readonly CaseDice[];
}

/**
 * Segments preprocessed cases by sliding window and scores them there, on the grid of the network: each organ only where it
 * is annotated, the background never. One case is in memory at a time.
 *
 * @returns Nothing if the signal stopped it.
 */
export async function validate({
  engine,
  network,
  layout,
  config,
  state,
  cases,
  onSegmented,
  signal,
}: ValidateOptions): Promise<ValidationScores | undefined> {
  const classes = new ClassSet(config.classes);
  const [depth, height, width] = config.plan.patchSize;
  const compiled = await engine.compile(
    inferenceFunction(network, layout),
    {
      image: { shape: [1, depth, height, width, 1] },
      parameters: { shape: [layout.parameterCount] },
      buffers: { shape: [layout.bufferCount] },
    },
    { outputLayouts: { probabilities: "channels-first" } },
  );
  const { parameters, buffers } = state.tensors as { parameters: Float32Array; buffers: Float32Array };
  const predict = async (image: Float32Array): Promise<Float32Array> => {
    const { probabilities } = await compiled.run({ image, parameters, buffers });
    const numbers = (await probabilities?.read()) ?? new Float32Array(classes.size * sizeOf(config.plan.patchSize));
    return Float32Array.from(numbers);
  };
  try {
    const scores: ClassScores<"dice">[][] = [];
    const perCase: CaseDice[] = [];
    for (const entry of cases) {
      if (signal?.aborted) return undefined;
      const { image, labels: reference } = readCachedCase(entry);
      const data = await slidingWindow({
        image: windowIntensity(
          image,
          scanWindow(config.plan.intensity, () => entry.range),
        ),
        shape: image.shape,
        patchSize: config.plan.patchSize,
        classes: classes.size,
        predict,
      });
      const prediction: LabelMap = { data, shape: image.shape, affine: image.affine };
      const found = evaluateCase({ prediction, reference, classes, annotated: entry.annotated, metrics: ["dice"] });
      const dice = { id: entry.id, ...meansOf([found]) };
      scores.push(found);
      perCase.push(dice);
      await onSegmented?.({ ...dice, image, reference, prediction });
    }
    return { ...meansOf(scores), cases: perCase };
  } finally {
    await compiled.dispose();
  }
}

function meansOf(cases: readonly (readonly ClassScores<"dice">[])[]): Pick<CaseDice, "dice" | "perClass"> {
  const { classes, foreground } = summarize(cases);
  return {
    dice: foreground.dice.mean,
    perClass: Object.fromEntries(Object.entries(classes).map(([name, { dice }]) => [name, dice.mean])),
  };
}
