import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { wholeNumber } from "../arguments.js";
import { print, printJson, progressBar, table } from "../terminal.js";

const HELP = `
Every class is kept about equally often. The same seed keeps the same classes on every machine. The hash is the SHA-256 of
the mask table: one line per training case, sorted by name, "CASE<tab>CLASS,CLASS<newline>", classes in the order of the
dataset. Two datasets with one hash have the same annotations.

Held-out cases stay as they are; labelsTr_full holds the labels before.

Example:
  plseg data mask data --out data-2-of-16 --keep 2 --seed 1`;

/** `plseg data mask <dir>`: the same dataset with fewer annotations. */
export function dataMaskCommand(): CommandUnknownOpts {
  return new Command("mask")
    .description("Simulate an annotation budget: keep some classes annotated in each training case")
    .argument("<dir>", "folder with dataset.json (plseg data convert makes one of other layouts)")
    .requiredOption("-o, --out <dir>", "folder to write; it must be empty or not exist")
    .requiredOption("-k, --keep <count>", "classes that stay annotated per case", wholeNumber(1))
    .requiredOption("--seed <number>", "the same seed keeps the same classes", wholeNumber(0))
    .option("--link", "make hard links to images where possible, instead of copies", false)
    .option("--json", "print one JSON document", false)
    .addHelpText("after", HELP)
    .action(async (dir, { out, keep, seed, link, json }) => {
      const { maskDataset } = await import("@plseg/data/node");
      const onProgress = progressBar("mask");
      const { root, manifest, sha256, kept } = await maskDataset({ dir, out, keep, seed, link, onProgress });
      const cases = Object.keys(manifest.cases).length;
      if (json) printJson({ out: root, keep, seed, cases, sha256, kept, annotations: manifest.cases });
      else {
        print(
          `${root}: at most ${keep} of ${manifest.classes.length - 1} classes annotated in ${cases} cases, seed ${seed}`,
        );
        print(`sha256 of the mask table: ${sha256}\n`);
        print(table([["class", "kept in"], ...Object.entries(kept).map(([name, count]) => [name, String(count)])]));
      }
    });
}
