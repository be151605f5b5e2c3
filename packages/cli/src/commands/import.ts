import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { intensityOf, millimetersOf, nameList, voxelsOf } from "../arguments.js";
import { log, paint, print, printJson } from "../terminal.js";

/** `plseg import`: make a bundle of weights of the reference implementation. */
export function importCommand(): CommandUnknownOpts {
  return new Command("import")
    .description("Make a model bundle of weights of PLS4MIS' UNet3D_ProgCon. No code in the file is run")
    .requiredOption("-w, --weights <file>", "state dict: .safetensors, .pth or .pt")
    .requiredOption("-o, --out <dir>", "folder of the bundle: new, empty, or an older bundle, which is replaced")
    .option("--about <file>", "JSON file: classes, labelValues, spacing, patchSize, intensity, imageRange")
    .option("--classes <names>", "names by channel, separated by commas, background first", nameList)
    .option("--spacing <d,h,w>", "millimeters of the scans that it was trained on", millimetersOf)
    .option("--patch <d,h,w>", "voxels of the patches that it was trained on", voxelsOf)
    .option("--intensity <window>", "level,width in HU, or scan-range: each scan from its own minimum", intensityOf)
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg import --weights best.pth --out bundles/word --spacing 3,1,1")
    .action(async ({ weights, out, about, classes, spacing, patch, intensity, json }) => {
      const { bundleFromWeights } = await import("../bundle-from-weights.js");
      const { readWeightsDescription } = await import("../read-weights-description.js");
      const { writeBundle } = await import("@plseg/runtime/node");
      const { parts, assumed } = await bundleFromWeights(weights, {
        ...(about !== undefined && (await readWeightsDescription(about))),
        ...(classes && { classes }),
        ...(spacing && { spacing }),
        ...(patch && { patchSize: patch }),
        ...(intensity && { intensity }),
      });
      const manifest = await writeBundle(out, parts);
      if (json) return printJson({ out, assumed, manifest });
      for (const [field, value] of Object.entries(assumed))
        log(`${paint("yellow", "assumed:", process.stderr)} ${field} ${JSON.stringify(value)}`);
      print(`${out}: ${manifest.classes.length - 1} organs, features ${manifest.network.features.join(", ")}`);
    });
}
