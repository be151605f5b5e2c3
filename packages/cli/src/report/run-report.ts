import { join } from "node:path";
import { openDataset, writeFileAtomic } from "@plseg/data/node";
import type { RunConfig } from "@plseg/train/node";
import { readPictures, readRunConfig, readRunHistory, readRunManifest } from "../read-run.js";
import { duration } from "../terminal.js";
import { versions } from "../versions.js";
import { type ReportAnnotations, type ReportData, renderReport } from "./render-report.js";

/**
 * Writes `report.html` into a run: loss and validation curves, Dice per organ of the last validation, what was labeled,
 * the pictures of the run's folder `pictures`, configuration and versions.
 *
 * @returns The path of the report.
 * @throws DataError if the folder is no run, or cannot be written.
 */
export async function writeRunReport(run: string): Promise<string> {
  const path = join(run, "report.html");
  await writeFileAtomic(path, renderReport(await runReport(run)));
  return path;
}

async function runReport(run: string): Promise<ReportData> {
  const config = await readRunConfig(run);
  const { loss, validations, seconds, waited, seen } = await readRunHistory(run);
  const { commandLine, versions: recorded } = await readRunManifest(run);
  const last = validations.at(-1);
  const [step, finalLoss] = loss.at(-1) ?? [0, undefined];
  const organs = config.classes.length - 1;
  const annotations = await labeled(config);
  return {
    title: `Training run: ${config.method}`,
    summary: `A network of ${organs} organs, trained with the method ${config.method} on ${config.trainingCases} ${config.trainingCases === 1 ? "case" : "cases"} of which each has some organs labeled. ${step < config.steps ? `Training stands at step ${step} of ${config.steps}.` : `Training is complete: ${config.steps} steps.`}`,
    figures: [
      ...(last
        ? [{ label: "Mean Dice", value: last.dice?.toFixed(3) ?? "–", note: `validation at step ${last.step}` }]
        : []),
      { label: "Steps", value: String(step), note: `of ${config.steps}` },
      ...(finalLoss === undefined
        ? []
        : [{ label: "Loss", value: finalLoss.toPrecision(4), note: "of the last step" }]),
      { label: "Time", value: duration(seconds), note: `${config.engine}, ${config.device}` },
      ...(seconds > 0
        ? [{ label: "Waiting for data", value: `${((100 * waited) / seconds).toFixed(1)} %`, note: "of the time" }]
        : []),
    ],
    ...(last && {
      scores: [
        {
          name: config.method,
          summary: {
            classes: Object.fromEntries(
              Object.entries(last.perClass).map(([name, mean]) => [name, { dice: { mean } }]),
            ),
            foreground: { dice: { mean: last.dice } },
          },
        },
      ],
    }),
    annotatedCases: config.annotatedCases,
    ...(Object.keys(seen).length > 0 && { seen, patches: step * config.batch }),
    loss: [{ name: config.method, points: loss }],
    validation: [
      { name: config.method, points: validations.flatMap(({ step: at, dice }) => (dice === null ? [] : [[at, dice]])) },
    ],
    ...(annotations && { annotations }),
    pictures: await readPictures(run),
    classes: config.classes,
    configuration: { ...config },
    versions: isVersions(recorded) ? recorded : versions(),
    ...(typeof commandLine === "string" && { commandLine }),
  };
}

/** What the run's dataset labels, if it is still where it was. Voxels are not read, so nothing is known to be absent. */
async function labeled({ data, classes, validationCases }: RunConfig): Promise<ReportAnnotations | undefined> {
  const dataset = await openDataset(data).catch(() => undefined);
  if (!dataset) return undefined;
  return {
    classes: classes.slice(1),
    cases: dataset.training
      .filter(({ id }) => !validationCases.includes(id))
      .map(({ id, annotated }) => ({
        id,
        states: annotated.slice(1).map((known) => (known ? "annotated" : "unannotated")),
      })),
  };
}

const isVersions = (value: unknown): value is Record<string, string> =>
  typeof value === "object" && value !== null && Object.values(value).every((entry) => typeof entry === "string");
