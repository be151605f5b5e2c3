import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { ConfigError, PlsegError } from "@plseg/core";
import { wholeNumber } from "../arguments.js";
import { barPerItem, log, paint, print, printJson } from "../terminal.js";

/** `plseg report <runs...>`: write or refresh the report of a run, or compare several. */
export function reportCommand(): CommandUnknownOpts {
  return new Command("report")
    .description("Write or refresh report.html of a run, or compare the curves and scores of several on one page")
    .argument("<runs...>", 'folders written by "plseg train"')
    .option("-o, --out <file>", "where the page that compares several runs is written")
    .option(
      "--pictures <count>",
      "cases of a run to segment for pictures; 0 keeps those that are there",
      wholeNumber(0),
      2,
    )
    .option("--json", "print one JSON document", false)
    .addHelpText(
      "after",
      "\nExample:\n  plseg report runs/first --pictures 4\n  plseg report runs/first runs/second --out runs/compared.html",
    )
    .action(async (runs, { out, pictures, json }) => {
      const report = await (runs.length > 1 ? compareRuns(runs, out) : refreshReport(runs, out, pictures));
      if (json) printJson({ report });
      else print(report);
    });
}

async function compareRuns(runs: readonly string[], out: string | undefined): Promise<string> {
  if (out === undefined)
    throw new ConfigError("report: several runs are compared on a page of their own. Name its file with --out.");
  const { writeRunsReport } = await import("../report/runs-report.js");
  await writeRunsReport(out, runs);
  return out;
}

async function refreshReport(runs: readonly string[], out: string | undefined, pictures: number): Promise<string> {
  const [run = ""] = runs;
  if (out !== undefined)
    throw new ConfigError(`report: --out is for comparing several runs. That of one is ${run}/report.html.`);
  const { readRunConfig } = await import("../read-run.js");
  const { drawRunPictures } = await import("../draw-run-pictures.js");
  const { writeRunReport } = await import("../report/run-report.js");
  await readRunConfig(run);
  try {
    if (pictures > 0) await drawRunPictures(run, { count: pictures, onProgress: barPerItem() });
  } catch (error) {
    // A run may outlive its dataset; the rest of the report does not need it.
    if (!(error instanceof PlsegError)) throw error;
    log(`${paint("yellow", "warning:", process.stderr)} no new pictures: ${error.message}`);
  }
  return writeRunReport(run);
}
