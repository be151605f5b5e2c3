import { writeFileAtomic } from "@plseg/data/node";
import { type ComparedScores, compareCases } from "@plseg/metrics";
import type { CaseDice } from "@plseg/train/node";
import { distinctNames } from "../distinct-names.js";
import { readRunConfig } from "../read-run.js";
import { type RunHistory, readRunHistory } from "../read-run-history.js";
import { versions } from "../versions.js";
import { renderReport } from "./render-report.js";
import type { ReportComparison } from "./report-data.js";
import { diceCurve, scoresOf } from "./run-report.js";
import { listSettings } from "./settings.js";

/**
 * Writes a page that compares runs: their curves over each other, the Dice per organ of their last validations side by side,
 * and the settings in which they differ. Of two runs it also shows how the Dice of each validation case differs.
 *
 * @throws DataError if a folder is no run, or the page cannot be written.
 */
export async function writeRunsReport(path: string, folders: readonly string[]): Promise<void> {
  const names = distinctNames(folders);
  const runs = await Promise.all(
    folders.map(async (folder, i) => ({
      name: names[i] ?? folder,
      config: await readRunConfig(folder),
      history: await readRunHistory(folder),
    })),
  );
  const settings = runs.map(({ config }) => new Map(listSettings({ ...config })));
  const differing = [...new Set(settings.flatMap((list) => [...list.keys()]))]
    .map((name) => [name, ...settings.map((list) => list.get(name) ?? "–")])
    .filter(([, first, ...others]) => others.some((value) => value !== first));
  const compared = compareValidations(runs);
  await writeFileAtomic(
    path,
    renderReport({
      title: `${runs.length} training runs`,
      summary: `The runs ${names.join(", ")}, side by side. Scores are those of each run’s last validation; they can be compared where the runs keep the same cases aside.`,
      figures: runs.map(({ name, config, history: { validations, loss } }) => ({
        label: name,
        value: validations.at(-1)?.dice?.toFixed(3) ?? "–",
        note: `mean Dice; ${loss.at(-1)?.[0] ?? 0} of ${config.steps} steps`,
      })),
      scores: runs.flatMap(({ name, history }) => {
        const last = history.validations.at(-1);
        return last ? [scoresOf(name, last)] : [];
      }),
      ...(compared && { comparison: compared }),
      tables: [
        {
          title: "Settings that differ",
          head: ["Setting", ...names],
          rows: differing,
        },
      ],
      loss: runs.map(({ name, history }) => ({ name, points: history.loss })),
      validation: runs.map(({ name, history }) => diceCurve(name, history.validations)),
      learningRate: runs.map(({ name, history }) => ({ name, points: history.learningRate })),
      versions: versions(),
    }),
  );
}

interface NamedHistory {
  readonly name: string;
  readonly history: RunHistory;
}

/** How the last validations of two runs differ in the cases that both keep aside; nothing if there is none. */
function compareValidations([first, second, ...others]: readonly NamedHistory[]): ReportComparison | undefined {
  if (!first || !second || others.length > 0) return undefined;
  const [one = [], other = []] = [first, second].map(({ history }) => history.validations.at(-1)?.cases);
  const shared = one.flatMap((a) => {
    const b = other.find(({ id }) => id === a.id);
    return b ? [{ id: a.id, a: diceOf(a), b: diceOf(b) }] : [];
  });
  if (shared.length === 0) return undefined;
  return {
    names: [first.name, second.name],
    cases: shared.map(({ id }) => id),
    ...compareCases(
      shared.map(({ a }) => a),
      shared.map(({ b }) => b),
    ),
  };
}

const diceOf = ({ perClass }: CaseDice): ComparedScores<"dice">[] =>
  Object.entries(perClass).map(([name, dice]) => ({ class: name, scores: { dice } }));
