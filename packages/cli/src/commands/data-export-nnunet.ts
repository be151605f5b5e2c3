import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { log, paint, print, printJson, progressBar } from "../terminal.js";

const HELP = `
nnU-Net does not know that a class is unannotated in a case; it knows voxels to ignore ("ignore", the highest label).
So a voxel of an annotated class keeps its label. Every other voxel of a case in which some class is unannotated may belong
to that class, so it is ignored, the true background around the organs too. Only where every class is annotated is the rest
background. Cases without any annotation are left out. nnU-Net therefore learns background from complete cases only; where
there is none, it cannot learn it, and the command says so.

Example:
  plseg data export-nnunet data --out nnUNet_raw/Dataset501_Abdomen`;

/** `plseg data export-nnunet <dir>`: a twin with ignored voxels, to train nnU-Net on the same annotations. */
export function dataExportNnunetCommand(): CommandUnknownOpts {
  return new Command("export-nnunet")
    .description("Write a twin for nnU-Net v2, in which voxels of unannotated classes are ignored")
    .argument("<dir>", "folder with dataset.json (plseg data convert makes one of other layouts)")
    .requiredOption("-o, --out <dir>", "folder to write; it must be empty or not exist")
    .option("--link", "make hard links to images where possible, instead of copies", false)
    .option("--json", "print one JSON document", false)
    .addHelpText("after", HELP)
    .action(async (dir, { out, link, json }) => {
      const { exportNnunet } = await import("@plseg/data/node");
      const result = await exportNnunet({ dir, out, link, onProgress: progressBar("export") });
      const { root, cases, complete, leftOut, ignore, ignored, warnings } = result;
      for (const warning of warnings) log(`${paint("yellow", "warning:", process.stderr)} ${warning}.`);
      if (json) return printJson(result);
      print(`${root}: ${cases} training cases, in ${complete} of them every class is annotated`);
      print(`ignored: ${(100 * ignored).toFixed(1)} % of the training voxels, label ${ignore}`);
      if (leftOut.length > 0) print(`left out, since nothing is annotated: ${leftOut.join(", ")}`);
    });
}
