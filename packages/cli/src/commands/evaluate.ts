import { Command, type CommandUnknownOpts, InvalidArgumentError } from "@commander-js/extra-typings";
import { ConfigError, suggest } from "@plseg/core";
import { METRICS, type Metric } from "@plseg/metrics";
import { nameList } from "../arguments.js";
import type { Evaluation } from "../evaluate-folder.js";
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
    .option("--report <file>", "also write an HTML report")
    .option("--images <paths...>", "folders of the scans: the report shows scan, reference and prediction of each")
    .option("--json", "print one JSON document", false)
    .addHelpText(
      "after",
      "\nExample:\n  plseg evaluate --predictions predictions --references phantoms/labelsTs --metrics dice,hd95,nsd",
    )
    .action(async ({ predictions, references, annotations, classes, metrics, report, images, json }) => {
      if (images && report === undefined)
        throw new ConfigError("evaluate: --images are for the report. Name its file with --report.");
      const { evaluateFolder } = await import("../evaluate-folder.js");
      const evaluation = await evaluateFolder({
        predictions,
        references,
        metrics,
        ...(annotations !== undefined && { annotations }),
        ...(classes !== undefined && { classes }),
        onProgress: progressBar("evaluate"),
      });
      for (const warning of evaluation.warnings) log(`${paint("yellow", "warning:", process.stderr)} ${warning}`);
      if (report !== undefined) {
        const { writeEvaluationReport } = await import("../report/evaluation-report.js");
        await writeEvaluationReport(report, { evaluation, predictions, references, ...(images && { images }) });
      }
      if (json) printJson(evaluation);
      else {
        print(showEvaluation(evaluation));
        if (report !== undefined) print(`\nreport: ${report}`);
      }
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

function showMean(
  score: { mean: number | null; interval: readonly [number, number] | null } | undefined,
  metric: Metric,
): [string, string] {
  const digits = metric === "hd95" || metric === "assd" ? 2 : 3;
  if (!score || score.mean === null) return ["–", ""];
  const { mean, interval } = score;
  return [mean.toFixed(digits), interval ? `${interval[0].toFixed(digits)}–${interval[1].toFixed(digits)}` : ""];
}
