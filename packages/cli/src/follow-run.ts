import { join } from "node:path";
import { ClassSet } from "@plseg/core";
import { writeFileAtomic } from "@plseg/data/node";
import type { RunConfig, SegmentedCase, TrainRunOptions } from "@plseg/train/node";
import { overlayPicture } from "./picture.js";
import { writeRunReport } from "./report/run-report.js";
import { picturePath } from "./run-pictures.js";
import { type EventFile, openEventFile } from "./tensorboard/event-file.js";
import { log, paint } from "./terminal.js";
import { type TrainProgress, trainProgress } from "./train-progress.js";

/** What is shown of a training. */
export interface FollowRunOptions {
  /** Folder of the run. */
  readonly out: string;
  /** What is being done, in a word or two. */
  readonly label: string;
  /** Whether event files are written into the run's folder `tensorboard`. */
  readonly tensorboard: boolean;
  /** Whether pictures of validated cases are written into the run's folder `pictures/validation`. */
  readonly pictures: boolean;
}

/** What `trainRun` tells. */
export type RunFollower = Required<
  Pick<TrainRunOptions, "onStart" | "onStep" | "onSegmented" | "onValidation" | "onCheckpoint">
>;

/** Cases of which TensorBoard gets a picture at each validation: those that are validated first. */
const EVENT_PICTURES = 4;
/** Refreshing the report takes at most this part of the time. */
const REFRESH_SHARE = 0.01;

/**
 * Shows a person how a training goes, while it goes: progress on stderr, event files for TensorBoard, pictures of the cases
 * that were validated, and `report.html`, at each validation and checkpoint unless that would take over 1 % of the time.
 *
 * What cannot be shown, for example for want of space, is warned of once and left out: it does not stop the training.
 */
export function followRun({ out, label, tensorboard, pictures }: FollowRunOptions): RunFollower {
  let progress: TrainProgress | undefined;
  let events: EventFile | undefined;
  let classes: ClassSet | undefined;
  let validationCases = 0;
  let validated: { readonly step: number; readonly count: number } = { step: -1, count: 0 };
  const failed = new Set<string>();
  const show = async (what: string, work: () => Promise<void>): Promise<void> => {
    if (failed.has(what)) return;
    await work().catch((error: Error) => {
      failed.add(what);
      log(`${paint("yellow", "warning:", process.stderr)} no ${what} from here on: ${error.message}`);
    });
  };
  const refresh = throttled(REFRESH_SHARE, () => show("report", async () => void (await writeRunReport(out, true))));
  const tellTensorBoard = (work: (file: EventFile) => Promise<void>): Promise<void> =>
    show("TensorBoard events", async () => {
      if (events) await work(events);
    });
  return {
    async onStart(config: RunConfig, step: number) {
      progress = trainProgress({ label, steps: config.steps, done: step, batch: config.batch });
      classes = new ClassSet(config.classes);
      validationCases = config.validationCases.length;
      if (tensorboard)
        await show("TensorBoard events", async () => {
          events = await openEventFile(join(out, "tensorboard"), step + 1);
        });
    },
    async onStep(record) {
      progress?.step(record);
      const { step, loss, learningRate, gradientNorm, terms } = record;
      const images = progress?.imagesPerSecond();
      await tellTensorBoard((file) =>
        file.scalars(step, {
          "train/loss": loss,
          "train/learning_rate": learningRate,
          "train/gradient_norm": gradientNorm,
          ...(images !== undefined && { "train/images_per_second": images }),
          ...tagged("terms", terms),
        }),
      );
    },
    async onSegmented(step: number, segmented: SegmentedCase) {
      validated = { step, count: validated.step === step ? validated.count + 1 : 1 };
      progress?.segmented(validated.count, validationCases, segmented.id);
      if (!pictures || !classes) return;
      const known = classes;
      await show("pictures", async () => {
        const png = overlayPicture({ ...segmented, classes: known, slice: "richest" });
        await writeFileAtomic(picturePath(out, "validation", segmented.id), png);
        if (validated.count <= EVENT_PICTURES)
          await tellTensorBoard((file) => file.image(step, `validation/${segmented.id}`, { png, ...sizeOfPng(png) }));
      });
    },
    async onValidation(step, { dice, perClass }) {
      progress?.validation(step, dice);
      await tellTensorBoard(async (file) => {
        const scores = { "validation/dice": dice, ...tagged("dice", perClass) };
        const known = Object.entries(scores).flatMap(([tag, score]) => (score === null ? [] : [[tag, score] as const]));
        await file.scalars(step, Object.fromEntries(known));
        await file.flush();
      });
      await refresh();
    },
    async onCheckpoint(step) {
      progress?.checkpoint(step);
      await tellTensorBoard((file) => file.flush());
      await refresh();
    },
  };
}

const tagged = <T>(group: string, values: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${group}/${name}`, value]));

/** Does work only while it takes at most such a share of the time; the first time always. */
function throttled(share: number, work: () => Promise<void>): () => Promise<void> {
  let next = Number.NEGATIVE_INFINITY;
  return async () => {
    const started = performance.now();
    if (started < next) return;
    await work();
    const ended = performance.now();
    next = ended + (ended - started) / share;
  };
}

/** Pixels, from the header of a PNG. */
function sizeOfPng(png: Uint8Array): { width: number; height: number } {
  const header = new DataView(png.buffer, png.byteOffset);
  return { width: header.getUint32(16), height: header.getUint32(20) };
}
