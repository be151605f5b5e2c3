import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { print, printJson } from "../terminal.js";

/** `plseg export`: make a bundle of a run. */
export function exportCommand(): CommandUnknownOpts {
  return new Command("export")
    .description("Make a model bundle of a run: model.onnx, weights, and a small scan with its answer to verify it by")
    .requiredOption("-r, --run <dir>", 'folder written by "plseg train"')
    .requiredOption("-o, --out <dir>", "folder of the bundle: new, empty, or an older bundle, which is replaced")
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg export --run runs/first --out bundles/first")
    .action(async ({ run, out, json }) => {
      const { bundleFromRun } = await import("../bundle-from-run.js");
      const { writeBundle } = await import("@plseg/runtime/node");
      const manifest = await writeBundle(out, await bundleFromRun(run));
      const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
      if (json) printJson({ out, manifest });
      else print(`${out}: ${manifest.classes.length - 1} organs, ${(bytes / 1e6).toFixed(1)} MB`);
    });
}
