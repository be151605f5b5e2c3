import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { type AnnotationState, DataError } from "@plseg/core";
import type { DatasetReport } from "@plseg/data/node";
import { nameList, wholeNumber } from "../arguments.js";
import { LAYOUTS } from "../layout-names.js";
import { paint, print, printJson, progressBar, table } from "../terminal.js";

/** How a state looks in a table. */
const STATE_SYMBOLS: Readonly<Record<AnnotationState, string>> = { present: "●", absent: "○", unannotated: "·" };

/** `plseg data inspect <dir>`: what a dataset is, and everything that is wrong with it. */
export function dataInspectCommand(): CommandUnknownOpts {
  return new Command("inspect")
    .description("Show layout, cases, classes and what is labeled where; list every problem by file")
    .argument("<dir>", "folder of the dataset, in any layout that plseg knows")
    .addOption(new Option("--layout <name>", "the layout, if the files do not tell").choices(LAYOUTS))
    .option("--classes <names>", "class names, background first, if nothing in the folder tells them", nameList)
    .option("--annotations <file>", "annotations.json to believe instead of the layout")
    .option("--budget <count>", "PLS4MIS: take labelsTr_<count>", wholeNumber(1))
    .option("--images <pattern>", "pairs: where images are, such as {case}_ct.nii.gz")
    .option("--labels <pattern>", "pairs: where label maps are, such as {case}_seg.nii.gz")
    .option("--report <file>", "also write an HTML page, with a picture of each case")
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg data inspect phantoms --report phantoms.html")
    .action(async (dir, { json, report: page, ...options }) => {
      const { inspectSource, openSource } = await import("@plseg/data/node");
      const source = await openSource(dir, options);
      const report = await inspectSource(source, { onProgress: progressBar("inspect") });
      if (page !== undefined) {
        const { writeDatasetReport } = await import("../report/dataset-report.js");
        await writeDatasetReport(page, source, report, progressBar("pictures"));
      }
      if (json) printJson(report);
      else {
        print(showReport(report));
        if (page !== undefined) print(`\nreport: ${page}`);
      }
      const errors = report.problems.filter(({ severity }) => severity === "error").length;
      if (errors > 0)
        throw new DataError(
          `data inspect: ${dir} has ${errors === 1 ? "a problem that keeps" : `${errors} problems that keep`} it from being used.`,
        );
    });
}

function showReport(report: DatasetReport): string {
  const { layoutTitle, root, name, classes, labelValues, annotations, cases, problems } = report;
  const parts = (["training", "validation", "test"] as const).flatMap((part) => {
    const count = cases.filter((entry) => entry.part === part).length;
    return count === 0 && part !== "training" ? [] : [`${count} ${part} ${count === 1 ? "case" : "cases"}`];
  });
  const head = [`${root}: ${name}`, `layout       ${layoutTitle}, ${parts.join(", ")}`, `annotations  ${annotations}`];

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
    entry.intensity?.map((value) => String(Math.round(value))).join(" – ") ?? "",
    ...entry.classes.map(({ state }) => STATE_SYMBOLS[state]),
  ]);
  const caseTable = table([
    ["case", "part", "voxels", "mm", "intensity", ...classes.slice(1).map((_, i) => String(i + 1))],
    ...rows,
  ]);
  const legend = `${STATE_SYMBOLS.present} present   ${STATE_SYMBOLS.absent} annotated, and absent   ${STATE_SYMBOLS.unannotated} unannotated: nobody looked`;

  const list = problems.map(({ severity, file, field, message }) => {
    const word = severity === "error" ? paint("red", "error  ") : paint("yellow", "warning");
    return `${word}  ${file}: ${field}: ${message}`;
  });
  const trouble =
    list.length === 0 ? ["no problems found"] : [list.length === 1 ? "a problem" : `${list.length} problems`, ...list];
  return [...head, "", "Training cases in which a class is", organTable, "", caseTable, legend, "", ...trouble].join(
    "\n",
  );
}
