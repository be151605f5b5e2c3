import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { numberIn, wholeNumber } from "../arguments.js";
import { barPerItem, log, paint, print, printJson, table } from "../terminal.js";

/** `plseg predict`: segment scans with a trained model. */
export function predictCommand(): CommandUnknownOpts {
  return new Command("predict")
    .description("Segment scans; label maps are written in the scans' own space")
    .requiredOption("-m, --model <dir>", 'a run of "plseg train", or a bundle of "plseg export"')
    .requiredOption("-i, --input <path>", "a scan (.nii, .nii.gz, or a folder of DICOM slices), or a folder of scans")
    .requiredOption("-o, --output <path>", "a file for one scan, or a folder, which is made if need be")
    .addOption(
      new Option("--device <device>", "where the model runs")
        .choices(["cpu", "cuda", "webgpu"] as const)
        .default("cpu" as const),
    )
    .option("--overlap <part>", "part of a window that the next one covers again", numberIn(0, 1), 0.5)
    .option("--save-probabilities", "also write a map of each class's probability", false)
    .option("--threads <count>", "CPU threads (default: one per core)", wholeNumber(1))
    .option("--json", "print one JSON document", false)
    .addHelpText(
      "after",
      "\nExample:\n  plseg predict --model runs/first --input phantoms/imagesTs --output predictions",
    )
    .action(async ({ model, input, output, device, overlap, saveProbabilities, threads, json }) => {
      const { predictFiles } = await import("../predict-files.js");
      const predictions = await predictFiles({
        model,
        input,
        output,
        device,
        overlap,
        saveProbabilities,
        ...(threads !== undefined && { threads }),
        onProgress: barPerItem(),
        onWarning: (message) => log(`${paint("yellow", "warning:", process.stderr)} ${message}`),
      });
      if (json) printJson({ predictions });
      else
        print(
          table([
            ["scan", "seconds", "organs found", "label map"],
            ...predictions.map(({ id, seconds, voxels, labels }) => {
              const found = Object.values(voxels).filter((count) => count > 0).length;
              return [id, seconds.toFixed(1), `${found} of ${Object.keys(voxels).length}`, labels];
            }),
          ]),
        );
    });
}
