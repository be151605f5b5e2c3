import { Command, type CommandUnknownOpts, InvalidArgumentError } from "@commander-js/extra-typings";
import { ConfigError, suggest } from "@plseg/core";
import { METRICS, type MeanScore, type Metric } from "@plseg/metrics";
import { nameList } from "../arguments.js";
import type { EvaluationComparison } from "../compare-evaluations.js";
import type { Evaluation } from "../evaluate-folder.js";
import { showDifference, showP, showScore } from "../report/numbers.js";
import { log, paint, print, printJson, progressBar, table } from "../terminal.js";

const DEFAULT_METRICS: readonly Metric[] = ["dice", "hd95"];

/** `plseg evaluate`: score predicted label maps against reference label maps. */
export function evaluateCommand(): CommandUnknownOpts {
  return new Command("evaluate")
    .description("Score predicted label maps against reference label maps, each organ only where it was annotated")
    .requiredOption("-p, --predictions <path>", "folder of predicted label maps (.nii, .nii.gz), or one file")
    .requiredOption("-r, --references <path>", "folder of reference label maps of the same names, or one file")
    .option(
      "-a, --annotations <file>",
      "annotations.json (default: the one in or beside the references, if it lists their cases)",
    )
    .option("--classes <names>", "class names, background first, if no dataset.json tells them", nameList)
    .option("-m, --metrics <names>", `scores to compute, of ${METRICS.join(", ")}`, metricList, DEFAULT_METRICS)
    .option(
      "--compare <path>",
      "other predictions of the same cases: how the first differ from these, with intervals and tests",
    )
    .option("--report <file>", "also write an HTML report")
    .option("--images <paths...>", "folders of the scans: the report shows scan, reference and prediction of each")
    .option("--json", "print one JSON document", false)
    .addHelpText(
      "after",
      "\nExample:\n  plseg evaluate --predictions predictions --references phantoms/labelsTs --metrics dice,hd95,nsd\n  plseg evaluate --predictions mine --compare theirs --references phantoms/labelsTs --report difference.html",
    )
    .action(async ({ predictions, references, annotations, classes, metrics, compare, report, images, json }) => {
      if (images && report === undefined)
        throw new ConfigError("evaluate: --images are for the report. Name its file with --report.");
      const { evaluateFolder } = await import("../evaluate-folder.js");
      const { compareEvaluations } = await import("../compare-evaluations.js");
      const evaluate = async (path: string): Promise<Evaluation> => {
        const evaluation = await evaluateFolder({
          predictions: path,
          references,
          metrics,
          ...(annotations !== undefined && { annotations }),
          ...(classes !== undefined && { classes }),
          onProgress: progressBar("evaluate"),
        });
        for (const warning of evaluation.warnings) log(`${paint("yellow", "warning:", process.stderr)} ${warning}`);
        return evaluation;
      };
      const evaluation = await evaluate(predictions);
      const other = compare === undefined ? undefined : { predictions: compare, evaluation: await evaluate(compare) };
      const compared = other && { ...other, comparison: compareEvaluations({ predictions, evaluation }, other) };
      if (report !== undefined) {
        const { writeEvaluationReport } = await import("../report/evaluation-report.js");
        await writeEvaluationReport(report, {
          ...{ evaluation, predictions, references },
          ...(compared && { compared }),
          ...(images && { images }),
        });
      }
      if (json)
        return printJson({
          ...evaluation,
          ...(compared && { compared: compared.evaluation, comparison: compared.comparison }),
        });
      print(`${compared ? `${compared.comparison.names[0]}: ` : ""}${showEvaluation(evaluation)}`);
      if (compared) {
        print(`\n${compared.comparison.names[1]}: ${showEvaluation(compared.evaluation)}`);
        print(`\n${showComparison(compared.comparison)}`);
      }
      if (report !== undefined) print(`\nreport: ${report}`);
    });
}

function metricList(text: string): Metric[] {
  return nameList(text).map((name) => {
    const metric = METRICS.find((known) => known === name);
    if (metric) return metric;
    throw new InvalidArgumentError(
      `There is no metric "${name}".${suggest(name, METRICS)} Metrics: ${METRICS.join(", ")}.`,
    );
  });
}

function showEvaluation({ metrics, states, summary, cases, annotations }: Evaluation): string {
  const head = ["class", "present", "absent", "unannotated", ...metrics.flatMap((metric) => [metric, "95 %"])];
  const rows = Object.entries(states).map(([name, count]) => [
    name,
    ...[count.present, count.absent, count.unannotated].map(String),
    ...metrics.flatMap((metric) => showMean(summary.classes[name]?.[metric], metric)),
  ]);
  const mean = ["mean", "", "", "", ...metrics.flatMap((metric) => showMean(summary.foreground[metric], metric))];
  const source = annotations ? `annotated as in ${annotations}` : "every class counts as annotated";
  return `${cases.length} ${cases.length === 1 ? "case" : "cases"}, ${source}\n\n${table([head, ...rows, mean])}`;
}

function showComparison({ names, cases, classes, foreground }: EvaluationComparison): string {
  const tables = (Object.keys(foreground) as Metric[]).map((metric) => {
    const difference = ({ mean, interval }: MeanScore): [string, string] => [
      showDifference(metric, mean),
      interval ? interval.map((bound) => showDifference(metric, bound)).join(" to ") : "",
    ];
    const head = [metric, "difference", "95 %", "pairs", "better", "worse", "p", "p (Holm)"];
    const rows = Object.entries(classes).map(([name, { [metric]: found }]) => [
      name,
      ...difference(found),
      ...[found.pairs, found.better, found.worse].map(String),
      ...[showP(found.p), showP(found.pHolm)],
    ]);
    return table([head, ...rows, ["mean", ...difference(foreground[metric])]]);
  });
  const count = `${cases.length} ${cases.length === 1 ? "case" : "cases"}`;
  return [
    `${names[0]} less ${names[1]}, ${count}: bootstrap intervals over cases, Wilcoxon's signed-rank test, corrected by Holm over classes`,
    ...tables,
  ].join("\n\n");
}

function showMean(metricScore: MeanScore | undefined, metric: Metric): [string, string] {
  if (!metricScore || metricScore.mean === null) return ["–", ""];
  const { mean, interval } = metricScore;
  return [showScore(metric, mean), interval?.map((bound) => showScore(metric, bound)).join("–") ?? ""];
}
