import { writeFileAtomic } from "@plseg/data/node";
import { distinctNames } from "../distinct-names.js";
import { readRunConfig } from "../read-run.js";
import { readRunHistory } from "../read-run-history.js";
import { versions } from "../versions.js";
import { renderReport } from "./render-report.js";
import { diceCurve, scoresOf } from "./run-report.js";
import { listSettings } from "./settings.js";

/**
 * Writes a page that compares runs: their curves over each other, the Dice per organ of their last validations side by side,
 * and the settings in which they differ.
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
