import { Command, type CommandUnknownOpts, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { suggest } from "@plseg/core";
import type { MirrorAxis } from "@plseg/runtime";
import { nameList, numberIn, shardOf, volumesOf, wholeNumber } from "../arguments.js";
import type { Prediction } from "../predict-files.js";
import { stopOnInterrupt } from "../stop-on-interrupt.js";
import { barPerItem, log, paint, print, printJson, table } from "../terminal.js";

/** `plseg predict`: segment scans with a trained model. */
export function predictCommand(): CommandUnknownOpts {
  return new Command("predict")
    .description("Segment scans; label maps are written in the scans' own space")
    .requiredOption("-m, --model <dir>", 'a run of "plseg train", or a bundle of "plseg export"')
    .requiredOption(
      "-i, --input <paths...>",
      "scans (.nii, .nii.gz, folders of DICOM slices), folders of scans, or lists of these (.txt, a path on each line)",
    )
    .requiredOption("-o, --output <path>", "a file for one scan, or a folder, which is made if need be")
    .addOption(
      new Option("--device <device>", "where the model runs")
        .choices(["cpu", "cuda", "webgpu"] as const)
        .default("cpu" as const),
    )
    .option("--overlap <part>", "part of a window that the next one covers again", numberIn(0, 1), 0.5)
    .option("--tta [axes]", "average over windows mirrored along depth,height,width, or these", mirrorAxes)
    .option("--largest-component [organs]", "keep only the largest part of every organ, or of these (a,b)", nameList)
    .option("--min-volume <ml>", "clear parts smaller than this; by organ: liver=50,spleen=5", volumesOf)
    .addOption(
      new Option("--connectivity <count>", "neighbors of a voxel: by faces (6), or by edges and corners too (26)")
        .choices(["6", "26"] as const)
        .default("26" as const),
    )
    .option("--preview", "also write a picture of each scan with its organs (.png)", false)
    .option("--save-probabilities", "also write a map of each class's probability", false)
    .option("--shard <i/n>", "do the i-th of n parts of the scans, such as 1/8, for arrays of jobs", shardOf)
    .option("--overwrite", "make label maps again that are there already, and replace what plseg did not write", false)
    .option("--threads <count>", "CPU threads (default: one per core)", wholeNumber(1))
    .option("--json", "print one JSON document", false)
    .addHelpText(
      "after",
      "\nThe same command again goes on where it was stopped: finished scans are skipped. Ctrl-C stops after the current window.\n\nExample:\n  plseg predict --model runs/first --input phantoms/imagesTs --output predictions --largest-component --preview",
    )
    .action(async ({ json, largestComponent, minVolume, connectivity, shard, threads, tta, ...options }) => {
      const { checkPredictions, predictFiles } = await import("../predict-files.js");
      const run = await predictFiles({
        ...options,
        cleaning: {
          ...(largestComponent !== undefined && {
            largestComponent: largestComponent === true ? ("all" as const) : largestComponent,
          }),
          ...(minVolume !== undefined && { minVolume }),
          connectivity: connectivity === "6" ? 6 : 26,
        },
        ...(tta !== undefined && { mirror: tta === true ? MIRROR_AXES : tta }),
        ...(shard && { shard }),
        ...(threads !== undefined && { threads }),
        signal: stopOnInterrupt("this window"),
        onProgress: barPerItem(),
        onWarning: (message) => log(`${paint("yellow", "warning:", process.stderr)} ${message}`),
      });
      if (json) printJson(run);
      else {
        print(showScans(run.predictions));
        if (run.predictions.length === 1) print(showOrgans(run.predictions[0]?.organs ?? []));
        if (run.tables) print(`\nvolumes and HU: ${run.tables.csv}`);
      }
      checkPredictions(run);
    });
}

const MIRROR_AXES: readonly MirrorAxis[] = ["depth", "height", "width"];

function mirrorAxes(text: string): MirrorAxis[] {
  return nameList(text).map((name) => {
    const axis = MIRROR_AXES.find((known) => known === name);
    if (axis) return axis;
    throw new InvalidArgumentError(
      `There is no axis "${name}".${suggest(name, MIRROR_AXES)} Axes: depth, height, width.`,
    );
  });
}

const STATUS = { predicted: "written", skipped: "was there", failed: "failed", left: "not begun" } as const;

function showScans(predictions: readonly Prediction[]): string {
  if (predictions.length === 0) return "There is no scan in this part.";
  const rows = predictions.map(({ id, status, seconds, organs, labels }) => {
    const found = organs && `${organs.filter(({ voxels }) => voxels > 0).length} of ${organs.length}`;
    return [id, seconds?.toFixed(1) ?? "–", found ?? "–", STATUS[status], labels];
  });
  return table([["scan", "seconds", "organs found", "", "label map"], ...rows]);
}

function showOrgans(organs: NonNullable<Prediction["organs"]>): string {
  if (organs.length === 0) return "";
  const rows = organs.map(({ organ, milliliters, meanHu, standardDeviationHu }) => [
    organ,
    milliliters.toFixed(1),
    meanHu?.toFixed(1) ?? "–",
    standardDeviationHu?.toFixed(1) ?? "–",
  ]);
  return `\n${table([["organ", "ml", "mean HU", "SD"], ...rows])}`;
}
