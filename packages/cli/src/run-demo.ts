import { join } from "node:path";
import type { ClassSet } from "@plseg/core";
import {
  type DatasetCase,
  readLabelFile,
  readVolumeFile,
  writeFileAtomic,
  writePhantomDataset,
} from "@plseg/data/node";
import type { Engine } from "@plseg/runtime";
import { verifyBundle, writeBundle } from "@plseg/runtime/node";
import { PRESETS, type TrainSettings, trainRun } from "@plseg/train/node";
import { bundleFromRun } from "./bundle-from-run.js";
import { type Evaluation, evaluateFolder } from "./evaluate-folder.js";
import { overlayPicture } from "./picture.js";
import { checkPredictions, predictFiles } from "./predict-files.js";
import { readRunHistory } from "./read-run-history.js";
import { renderReport } from "./report/render-report.js";
import type { ReportPicture } from "./report/report-data.js";
import { writeRunReport } from "./report/run-report.js";
import type { Progress } from "./terminal.js";
import { versions } from "./versions.js";

/** The methods that are compared: PL-Seg, and the plain network that takes what nobody annotated for background. */
export const DEMO_METHODS = ["pl-seg", "unet"] as const;

type DemoMethod = (typeof DEMO_METHODS)[number];

/** What the demo makes and how it trains. Both methods get the same. */
const DEMO = {
  trainingCases: 24,
  testCases: 4,
  size: 48,
  organs: 6,
  annotated: 2,
  variety: 0.3,
  seed: 1,
} as const;

/** Options of {@link runDemo}. */
export interface RunDemoOptions {
  /** Folder to write; it must be empty or not exist. */
  readonly out: string;
  readonly engine: Engine;
  /** Other settings than those of the preset `quick`, for both methods. */
  readonly settings?: Partial<TrainSettings>;
  /** Called at the start of each part with what it does. */
  readonly onStage?: (text: string) => void;
  /** Makes the progress of a part. */
  readonly progress?: (label: string) => Progress;
  readonly signal?: AbortSignal;
}

/** What came out. */
export interface DemoResult {
  /** Mean Dice over organs of the held-out phantoms, by method. */
  readonly dice: Readonly<Record<DemoMethod, number>>;
  readonly evaluations: Readonly<Record<DemoMethod, Evaluation>>;
  readonly seconds: number;
  readonly out: string;
  /** The HTML report. */
  readonly report: string;
  /** The exported model. */
  readonly bundle: string;
}

/**
 * The whole road on data it makes itself: phantoms with two of six organs annotated per case, two trainings under one
 * budget, prediction of held-out phantoms, evaluation against their full truth, export of the better idea, a report.
 */
export async function runDemo(options: RunDemoOptions): Promise<DemoResult> {
  const { out, engine, onStage = () => {}, progress = () => () => {}, signal } = options;
  const started = performance.now();
  const settings = { ...PRESETS.quick, ...options.settings };
  const data = join(out, "data");
  const { trainingCases, testCases, size, organs, annotated, variety, seed } = DEMO;

  onStage(
    `making ${trainingCases} phantoms with ${annotated} of ${organs} organs annotated, and ${testCases} held-out ones`,
  );
  const dataset = await writePhantomDataset({
    out: data,
    cases: trainingCases,
    testCases,
    size,
    classes: organs,
    annotated,
    variety,
    seed,
    onProgress: progress("phantom"),
  });

  const evaluations: Partial<Record<DemoMethod, Evaluation>> = {};
  for (const method of DEMO_METHODS) {
    signal?.throwIfAborted();
    onStage(`training ${method}, ${settings.steps} steps`);
    const run = join(out, "runs", method);
    const bar = progress(method);
    await trainRun({
      data,
      out: run,
      method,
      preset: "quick",
      settings,
      engine,
      engineName: "compiled",
      device: "cpu",
      provenance: { commandLine: "plseg demo", versions: versions() },
      onStep: (record, total) => bar(record.step, total, `loss ${record.loss.toFixed(3)}`),
      ...(signal && { signal }),
    });
    signal?.throwIfAborted();
    await writeRunReport(run);
    onStage(`predicting and scoring the held-out phantoms with ${method}`);
    const predictions = join(out, "predictions", method);
    checkPredictions(await predictFiles({ model: run, input: join(data, "imagesTs"), output: predictions }));
    evaluations[method] = await evaluateFolder({
      predictions,
      references: join(data, "labelsTs"),
      metrics: ["dice", "hd95"],
    });
  }

  onStage("exporting and verifying the model");
  const bundle = join(out, "bundle");
  await writeBundle(bundle, await bundleFromRun(join(out, "runs", "pl-seg")));
  const { passed } = await verifyBundle(bundle);
  if (!passed) throw new Error(`demo: the exported bundle ${bundle} does not give its own answer again.`);

  const complete = evaluations as Record<DemoMethod, Evaluation>;
  const dice = Object.fromEntries(
    DEMO_METHODS.map((method) => [method, complete[method].summary.foreground.dice.mean ?? 0]),
  ) as Record<DemoMethod, number>;
  const seconds = Math.round((performance.now() - started) / 1000);
  const report = join(out, "report.html");
  const pictures = await demoPictures(out, dataset.classes, dataset.test.slice(0, 2));
  const html = renderReport({
    title: "PL-Seg on phantoms",
    summary: `${trainingCases} synthetic scans with ${annotated} of ${organs} organs annotated each taught two networks the same number of steps (${settings.steps}). The plain U-Net takes what nobody annotated for background; PL-Seg learns each organ only from the scans that annotate it. Both are scored on ${testCases} held-out scans with all organs.`,
    figures: [
      { label: "Mean Dice, PL-Seg", value: dice["pl-seg"].toFixed(3) },
      { label: "Mean Dice, plain U-Net", value: dice.unet.toFixed(3) },
      { label: "Time", value: `${seconds} s` },
    ],
    scores: DEMO_METHODS.map((name) => ({ name, summary: complete[name].summary })),
    annotatedCases: Object.fromEntries(
      dataset.classes.foreground.map((name, i) => [
        name,
        dataset.training.filter((entry) => entry.annotated[i + 1]).length,
      ]),
    ),
    loss: await Promise.all(
      DEMO_METHODS.map(async (name) => ({ name, points: (await readRunHistory(join(out, "runs", name))).loss })),
    ),
    pictures,
    classes: dataset.classes.names,
    configuration: { ...settings },
    versions: versions(),
    commandLine: "plseg demo",
  });
  await writeFileAtomic(report, html);
  return { dice, evaluations: complete, seconds, out, report, bundle };
}

async function demoPictures(out: string, classes: ClassSet, cases: readonly DatasetCase[]): Promise<ReportPicture[]> {
  const pictures = cases.map(async ({ id, image: path, labels }) => {
    const image = await readVolumeFile(path);
    const reference = await readLabelFile(labels ?? "");
    return Promise.all(
      DEMO_METHODS.map(async (method) => {
        const prediction = await readLabelFile(join(out, "predictions", method, `${id}.nii.gz`));
        const png = overlayPicture({ image, reference, prediction, classes, slice: "richest" });
        return { caption: `${id}: scan, truth, prediction by ${method}`, png };
      }),
    );
  });
  return (await Promise.all(pictures)).flat();
}
