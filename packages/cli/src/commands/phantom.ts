import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { millimetersOf, part, wholeNumber } from "../arguments.js";
import { print, printJson, progressBar, table } from "../terminal.js";

/** `plseg phantom`: write a dataset of synthetic CT in which only some organs are labeled. */
export function phantomCommand(): CommandUnknownOpts {
  return new Command("phantom")
    .description(
      "Write a dataset of synthetic abdominal CT in nnU-Net's layout, labeled in part, with the whole truth beside it",
    )
    .requiredOption("-o, --out <dir>", "folder to write; it must be empty or not exist")
    .requiredOption("-n, --cases <count>", "training cases", wholeNumber(1))
    .option(
      "--size <voxels>",
      "voxels along each axis (default: 64, or what the anatomy needs of --spacing)",
      wholeNumber(16),
    )
    .option(
      "--spacing <mm>",
      "millimeters per voxel: one number, or depth,height,width (default: what fills the anatomy)",
      millimetersOf,
    )
    .addOption(
      new Option("--field-of-view <kind>", "the same part of everyone, or scans that begin and end elsewhere")
        .choices(["whole", "varied"] as const)
        .default("whole" as const),
    )
    .addOption(new Option("--classes <count>", "organs").choices(["6", "16"] as const).default("6" as const))
    .option("--variety <part>", "how much people and scans differ, from 0 to 1", part, 1)
    .option("--annotated <count>", "organs labeled per training case (default: all)", wholeNumber(1))
    .option("--test-cases <count>", "held-out cases, labeled completely", wholeNumber(0), 0)
    .option("--seed <number>", "the same seed writes the same files", wholeNumber(0), 0)
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg phantom --out phantoms --cases 8 --test-cases 4 --annotated 2")
    .action(async ({ out, cases, size, spacing, fieldOfView, variety, classes, annotated, testCases, seed, json }) => {
      const { writePhantomDataset } = await import("@plseg/data/node");
      const dataset = await writePhantomDataset({
        out,
        cases,
        testCases,
        size,
        spacing,
        fieldOfView,
        variety,
        classes: classes === "6" ? 6 : 16,
        seed,
        ...(annotated !== undefined && { annotated }),
        onProgress: progressBar("phantom"),
      });
      const names = dataset.classes.names;
      const organs = names.slice(1).map((name, index) => {
        return { name, annotatedCases: dataset.training.filter((entry) => entry.annotated[index + 1]).length };
      });
      if (json) printJson({ out: dataset.root, cases, testCases, classes: names, seed, organs });
      else {
        print(`${dataset.root}: ${cases} training and ${testCases} held-out cases\n`);
        print(table([["organ", "labeled in"], ...organs.map((o) => [o.name, `${o.annotatedCases} of ${cases}`])]));
      }
    });
}
