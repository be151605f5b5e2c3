import { join } from "node:path";
import { openDataset, writeFileAtomic } from "@plseg/data/node";
import type { CaseDice, RunConfig } from "@plseg/train/node";
import { readIncidents } from "../read-incidents.js";
import { readRunConfig, readRunManifest } from "../read-run.js";
import { type RunHistory, readRunHistory } from "../read-run-history.js";
import { listPictures, readPicture } from "../run-pictures.js";
import { duration } from "../terminal.js";
import { versions } from "../versions.js";
import { renderReport } from "./render-report.js";
import type { ReportAnnotations, ReportCase, ReportData, ReportPicture, ReportScores } from "./report-data.js";

/** Cases that are shown as the worst. */
const WORST = 3;
/** Other validation cases of which a picture is shown. */
const MOST_PICTURES = 9;

/**
 * Writes `report.html` into a run: loss, learning rate and validation curves, Dice per organ and the worst cases of the last
 * validation with their pictures, what was labeled, what went wrong, configuration and versions.
 *
 * @param running - Whether the training goes on: the page is then read anew every minute.
 * @returns The path of the report.
 * @throws DataError if the folder is no run, or cannot be written.
 */
export async function writeRunReport(run: string, running = false): Promise<string> {
  const path = join(run, "report.html");
  await writeFileAtomic(path, renderReport({ ...(await runReport(run)), running }));
  return path;
}

async function runReport(run: string): Promise<ReportData> {
  const config = await readRunConfig(run);
  const history = await readRunHistory(run);
  const { commandLine, versions: recorded } = await readRunManifest(run);
  const { loss, learningRate, validations, seen } = history;
  const last = validations.at(-1);
  const [step] = loss.at(-1) ?? [0];
  const organs = config.classes.length - 1;
  const annotations = await labeled(config);
  const worst = last ? worstOf(last.cases) : [];
  const incidents = await readIncidents(run);
  const { method } = config;
  return {
    title: `Training run: ${method}`,
    summary: `A network of ${organs} organs, trained with the method ${method} on ${config.trainingCases} ${config.trainingCases === 1 ? "case" : "cases"} of which each has some organs labeled. ${step < config.steps ? `Training stands at step ${step} of ${config.steps}.` : `Training is complete: ${config.steps} steps.`}`,
    figures: figuresOf(config, history),
    ...(last && { scores: [scoresOf(method, last)] }),
    tables: incidents.length > 0 ? [incidentTable(incidents)] : [],
    worst: await Promise.all(worst.map((entry) => withPicture(run, entry))),
    annotatedCases: config.annotatedCases,
    ...(Object.keys(seen).length > 0 && { seen, patches: step * config.batch }),
    loss: [{ name: method, points: loss }],
    learningRate: [{ name: method, points: learningRate }],
    validation: [diceCurve(method, validations)],
    organs: config.classes.slice(1).map((name) => ({
      name,
      points: validations.flatMap(({ step: at, perClass: { [name]: dice = null } }) =>
        dice === null ? [] : [[at, dice] as const],
      ),
    })),
    ...(annotations && { annotations }),
    pictures: await picturesOf(
      run,
      worst.map(({ id }) => id),
    ),
    classes: config.classes,
    configuration: { ...config },
    versions: isVersions(recorded) ? recorded : versions(),
    ...(typeof commandLine === "string" && { commandLine }),
  };
}

/** Mean Dice over the steps. */
export const diceCurve = (
  name: string,
  validations: RunHistory["validations"],
): NonNullable<ReportData["validation"]>[number] => ({
  name,
  points: validations.flatMap(({ step, dice }) => (dice === null ? [] : [[step, dice] as const])),
});

/** The scores of a validation, each with the number of cases that have one. */
export function scoresOf(name: string, validation: RunHistory["validations"][number]): ReportScores {
  const scored = (organ: string): number =>
    validation.cases.filter(({ perClass }) => (perClass[organ] ?? null) !== null).length;
  const counts = (organ: string): { cases?: number } => (validation.cases.length > 0 ? { cases: scored(organ) } : {});
  return {
    name,
    summary: {
      classes: Object.fromEntries(
        Object.entries(validation.perClass).map(([organ, mean]) => [organ, { dice: { mean, ...counts(organ) } }]),
      ),
      foreground: { dice: { mean: validation.dice } },
    },
  };
}

function figuresOf(
  { steps, engine, device }: RunConfig,
  { loss, validations, seconds, waited }: RunHistory,
): NonNullable<ReportData["figures"]> {
  const last = validations.at(-1);
  const best = validations.reduce<typeof last>((a, b) => ((b.dice ?? -1) > (a?.dice ?? -1) ? b : a), undefined);
  const [step, finalLoss] = loss.at(-1) ?? [0, undefined];
  const shown = (found: typeof last, label: string) =>
    found ? [{ label, value: found.dice?.toFixed(3) ?? "–", note: `validation at step ${found.step}` }] : [];
  return [
    ...shown(last, "Mean Dice"),
    ...(best && best !== last ? shown(best, "Best mean Dice") : []),
    { label: "Steps", value: String(step), note: `of ${steps}` },
    ...(finalLoss === undefined ? [] : [{ label: "Loss", value: finalLoss.toPrecision(4), note: "of the last step" }]),
    { label: "Time", value: duration(seconds), note: `${engine}, ${device}` },
    ...(seconds > 0
      ? [{ label: "Waiting for data", value: `${((100 * waited) / seconds).toFixed(1)} %`, note: "of the time" }]
      : []),
  ];
}

/** Those with the lowest mean Dice, the lowest first. */
function worstOf(cases: readonly CaseDice[]): CaseDice[] {
  return cases
    .filter(({ dice }) => dice !== null)
    .sort((a, b) => (a.dice ?? 0) - (b.dice ?? 0))
    .slice(0, WORST);
}

async function withPicture(run: string, { id, dice, perClass }: CaseDice): Promise<ReportCase> {
  const png = await readPicture(run, "validation", id);
  return { id, dice, perClass, picture: png && { caption: captionOf(id, "at the last validation"), png } };
}

/** Pictures of the last validation that are not shown elsewhere, then those that `plseg report` drew. */
async function picturesOf(run: string, shown: readonly string[]): Promise<ReportPicture[]> {
  const validated = (await listPictures(run, "validation")).filter((id) => !shown.includes(id));
  const of = async (which: "validation" | "report", id: string, when: string): Promise<ReportPicture[]> => {
    const png = await readPicture(run, which, id);
    return png ? [{ caption: captionOf(id, when), png }] : [];
  };
  const pictures = [
    ...validated.slice(0, MOST_PICTURES).map((id) => of("validation", id, "at the last validation")),
    ...(await listPictures(run, "report")).map((id) => of("report", id, "by the best checkpoint")),
  ];
  return (await Promise.all(pictures)).flat();
}

const captionOf = (id: string, when: string): string =>
  `${id} ${when}: the scan, the reference as far as it is labeled, and the prediction`;

const incidentTable = (
  incidents: Awaited<ReturnType<typeof readIncidents>>,
): NonNullable<ReportData["tables"]>[number] => ({
  title: "What went wrong",
  note: "Steps whose numbers could not be trusted, and what came of them.",
  head: ["Step", "Reason", "Training went back to", "File"],
  rows: incidents.map(({ step, reason, rolledBackTo, file }) => [
    String(step),
    reason,
    rolledBackTo === null ? "it stopped" : `step ${rolledBackTo}`,
    file,
  ]),
});

/** What the run's dataset labels, if it is still where it was. Voxels are not read, so nothing is known to be absent. */
async function labeled({ data, classes, validationCases }: RunConfig): Promise<ReportAnnotations | undefined> {
  const dataset = await openDataset(data).catch(() => undefined);
  if (!dataset) return undefined;
  const held = (id: string): boolean => validationCases.includes(id);
  return {
    classes: classes.slice(1),
    cases: [...dataset.training]
      .sort((a, b) => Number(held(a.id)) - Number(held(b.id)))
      .map(({ id, annotated }) => ({
        id: held(id) ? `${id} (validation)` : id,
        states: annotated.slice(1).map((known) => (known ? "annotated" : "unannotated")),
      })),
  };
}

const isVersions = (value: unknown): value is Record<string, string> =>
  typeof value === "object" && value !== null && Object.values(value).every((entry) => typeof entry === "string");
