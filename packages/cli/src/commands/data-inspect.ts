import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { type AnnotationState, DataError } from "@plseg/core";
import type { DatasetReport } from "@plseg/data/node";
import { paint, print, printJson, progressBar, table } from "../terminal.js";

/** How a state looks in a table. */
const STATE_SYMBOLS: Readonly<Record<AnnotationState, string>> = { present: "●", absent: "○", unannotated: "·" };

/** `plseg data inspect <dir>`: what a dataset is, and everything that is wrong with it. */
export function dataInspectCommand(): CommandUnknownOpts {
  return new Command("inspect")
    .description("Show layout, cases, classes and what is labeled where; list every problem by file")
    .argument("<dir>", "folder with dataset.json")
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg data inspect phantoms")
    .action(async (dir, { json }) => {
      const { inspectDataset } = await import("@plseg/data/node");
      const report = await inspectDataset(dir, { onProgress: progressBar("inspect") });
      if (json) printJson(report);
      else print(showReport(report));
      const errors = report.problems.filter(({ severity }) => severity === "error").length;
      if (errors > 0)
        throw new DataError(
          `data inspect: ${dir} has ${errors === 1 ? "a problem that keeps" : `${errors} problems that keep`} it from being used.`,
        );
    });
}

function showReport({ layout, root, name, classes, labelValues, annotations, cases, problems }: DatasetReport): string {
  const parts = (["training", "test"] as const).map((part) => {
    const count = cases.filter((entry) => entry.part === part).length;
    return `${count} ${part} ${count === 1 ? "case" : "cases"}`;
  });
  const source = annotations === "manifest" ? "annotations.json" : "assumed: every class, in every labeled case";
  const head = [`${root}: ${name}`, `layout       ${layout}, ${parts.join(", ")}`, `annotations  ${source}`];

  const organs = classes.slice(1).map((organ, i) => {
    const count = (state: AnnotationState): string =>
      String(cases.filter((entry) => entry.part === "training" && entry.classes[i]?.state === state).length);
    return [String(i + 1), organ, String(labelValues[i + 1]), count("present"), count("absent"), count("unannotated")];
  });
  const organTable = table([["#", "class", "value", "present", "absent", "unannotated"], ...organs]);

  const rows = cases.map((entry) => [
    entry.id,
    entry.part,
    entry.shape?.join(" × ") ?? "unreadable",
    entry.spacing?.map((mm) => mm.toFixed(2)).join(" × ") ?? "",
    ...entry.classes.map(({ state }) => STATE_SYMBOLS[state]),
  ]);
  const caseTable = table([
    ["case", "part", "voxels", "mm", ...classes.slice(1).map((_, i) => String(i + 1))],
    ...rows,
  ]);
  const legend = `${STATE_SYMBOLS.present} present   ${STATE_SYMBOLS.absent} annotated, and absent   ${STATE_SYMBOLS.unannotated} unannotated: nobody looked`;

  const list = problems.map(({ severity, file, field, message }) => {
    const word = severity === "error" ? paint("red", "error  ") : paint("yellow", "warning");
    return `${word}  ${file}: ${field}: ${message}`;
  });
  const trouble = list.length === 0 ? ["no problems found"] : [`${list.length} problems`, ...list];
  return [...head, "", "Training cases in which a class is", organTable, "", caseTable, legend, "", ...trouble].join(
    "\n",
  );
}
