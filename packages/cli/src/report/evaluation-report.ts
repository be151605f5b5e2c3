import { writeFileAtomic } from "@plseg/data/node";
import type { EvaluatedPredictions, EvaluationComparison } from "../compare-evaluations.js";
import { drawEvaluationPictures } from "../draw-evaluation-pictures.js";
import type { Evaluation } from "../evaluate-folder.js";
import { commandLine, versions } from "../versions.js";
import { renderReport } from "./render-report.js";

/** What an evaluation's report is about. */
export interface EvaluationReportOptions {
  readonly evaluation: Evaluation;
  readonly predictions: string;
  readonly references: string;
  /** Other predictions of the same cases, and how these differ from them. */
  readonly compared?: EvaluatedPredictions & { readonly comparison: EvaluationComparison };
  /** Folders of scans, of which pictures are shown. */
  readonly images?: readonly string[];
}

/**
 * Writes an evaluation as an HTML file.
 *
 * @throws DataError or ResourceError if it cannot be written; DataError as `drawEvaluationPictures`.
 */
export async function writeEvaluationReport(
  path: string,
  { evaluation, predictions, references, compared, images }: EvaluationReportOptions,
): Promise<void> {
  const { cases, summary, states, annotations, classes, metrics } = evaluation;
  const dice = summary.foreground.dice;
  const count = cases.length === 1 ? "One case was" : `${cases.length} cases were`;
  const scored = Object.values(states).reduce((sum, { present, absent }) => sum + present + absent, 0);
  await writeFileAtomic(
    path,
    renderReport({
      title: "Evaluation",
      summary: `${count} compared with the reference, each organ only where it was annotated. ${annotations ? `What is annotated is told by ${annotations}.` : "Every organ counts as annotated."}`,
      figures: [
        ...(dice
          ? [
              {
                label: "Mean Dice",
                value: dice.mean === null ? "–" : dice.mean.toFixed(3),
                note: `${dice.classes} organs`,
              },
            ]
          : []),
        { label: "Cases", value: String(cases.length) },
        { label: "Annotated organs", value: String(scored), note: "over all cases" },
      ],
      scores: [
        { name: compared?.comparison.names[0] ?? "prediction", summary },
        ...(compared ? [{ name: compared.comparison.names[1], summary: compared.evaluation.summary }] : []),
      ],
      ...(compared && { comparison: compared.comparison }),
      pictures: images ? await drawEvaluationPictures(evaluation, { predictions, images }) : [],
      classes,
      annotations: {
        classes: classes.slice(1),
        cases: cases.map(({ id, scores }) => ({ id, states: scores.map(({ state }) => state) })),
      },
      configuration: {
        predictions,
        references,
        ...(compared && { compare: compared.predictions }),
        annotations: annotations ?? "none",
        metrics,
        ...(images && { images }),
      },
      versions: versions(),
      commandLine: commandLine(),
    }),
  );
}
