import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { ConfigError } from "@plseg/core";
import type { ConversionResult } from "@plseg/data/node";
import { nameList, wholeNumber } from "../arguments.js";
import { LAYOUTS } from "../layout-names.js";
import { stopOnInterrupt } from "../stop-on-interrupt.js";
import { log, print, printJson, progressBar, table } from "../terminal.js";

const HELP = `
Images are copied byte by byte; labels are written once, on their image's grid. What is annotated comes, in this order,
from --config, from --annotations, and from the layout: a mask per organ says that the organ was annotated, also if the
mask is empty; no mask says that it was not. Where masks overlap, the class listed first in the configuration's overlap
keeps the voxel, else the first in the order of the classes.

Ctrl-C stops after the case at hand; the same command goes on from there.

Example:
  plseg data convert TotalsegmentatorDataset --out data
  plseg data convert scans --classes background,liver,spleen --out data
  plseg data convert --config merge.yaml --out data`;

/** `plseg data convert [dir]`: any layout to ours; several datasets to one. */
export function dataConvertCommand(): CommandUnknownOpts {
  return new Command("convert")
    .description("Convert a dataset of any known layout to nnU-Net's with annotations.json, or merge several by a file")
    .argument("[dir]", "folder of the dataset; with --config, where its paths start (default: the file's own folder)")
    .requiredOption("-o, --out <dir>", "folder to write; empty, not existing, or an unfinished conversion")
    .option("-c, --config <file>", "YAML or JSON: datasets to merge, what their classes become, what is annotated")
    .option("-a, --annotations <file>", "annotations.json to believe instead of the layout")
    .addOption(new Option("--layout <name>", "the layout, if the files do not tell").choices(LAYOUTS))
    .option("--classes <names>", "class names, background first, if nothing in the folder tells them", nameList)
    .option("--budget <count>", "PLS4MIS: take labelsTr_<count>", wholeNumber(1))
    .option("--images <pattern>", "pairs: where images are, such as {case}_ct.nii.gz")
    .option("--labels <pattern>", "pairs: where label maps are, such as {case}_seg.nii.gz")
    .option("--link", "make hard links to images where possible, instead of copies", false)
    .option("--json", "print one JSON document", false)
    .addHelpText("after", HELP)
    .action(async (dir, { out, config: file, link, json, ...dataset }) => {
      const { convertDataset, loadConversionConfig } = await import("@plseg/data/node");
      const [given] = Object.keys(dataset);
      if (file !== undefined && given !== undefined)
        throw new ConfigError(
          `data convert: --${given} cannot be given with --config. Write it into ${file}, at its dataset.`,
        );
      if (file === undefined && dir === undefined)
        throw new ConfigError("data convert: give the folder of a dataset, or a file with --config.");
      const config =
        file === undefined
          ? { version: 1 as const, datasets: [{ path: dir as string, ...dataset }] }
          : await loadConversionConfig(file, dir);
      const result = await convertDataset({
        ...{ config, out, link },
        signal: stopOnInterrupt("this case"),
        onProgress: progressBar("convert"),
      });
      if (json) printJson(result);
      else print(showResult(result));
      if (!result.complete) log(`stopped after ${result.cases.length} cases; the same command goes on from there`);
    });
}

function showResult({ root, classes, cases, resumed, complete }: ConversionResult): string {
  const count = (part: "training" | "test"): number => cases.filter((entry) => entry.part === part).length;
  const before = resumed > 0 ? `, ${resumed} of them before` : "";
  const head = `${root}: ${count("training")} training and ${count("test")} held-out cases${before}${complete ? "" : ", not complete"}`;
  const rows = classes
    .slice(1)
    .map((name, i) => [
      String(i + 1),
      name,
      String(cases.filter(({ annotated, part }) => part === "training" && annotated.includes(name)).length),
    ]);
  const overlaps = cases.flatMap(({ id, overlaps: list }) =>
    list.map(({ kept, lost, voxels }) => `  ${id}: ${voxels} voxels of ${lost} went to ${kept}`),
  );
  const shown =
    overlaps.length > 10
      ? [...overlaps.slice(0, 10), `  and ${overlaps.length - 10} more, in conversion.json`]
      : overlaps;
  const tables = [head, "", table([["value", "class", "annotated in"], ...rows])];
  return [...tables, ...(shown.length > 0 ? ["", "masks overlap:", ...shown] : [])].join("\n");
}
