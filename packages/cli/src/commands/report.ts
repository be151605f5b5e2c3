import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { PlsegError } from "@plseg/core";
import { wholeNumber } from "../arguments.js";
import { barPerItem, log, paint, print, printJson } from "../terminal.js";

/** `plseg report <run>`: write or refresh the report of a run. */
export function reportCommand(): CommandUnknownOpts {
  return new Command("report")
    .description("Write or refresh report.html of a run: loss curves, Dice per organ, what was labeled, pictures")
    .argument("<run>", 'folder written by "plseg train"')
    .option("--pictures <count>", "cases to segment for pictures; 0 keeps those that are there", wholeNumber(0), 2)
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg report runs/first --pictures 4")
    .action(async (run, { pictures, json }) => {
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
      const report = await writeRunReport(run);
      if (json) printJson({ report });
      else print(report);
    });
}
