import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { PRESET_NAMES } from "@plseg/train/names";
import type { TrainSettings } from "@plseg/train/node";
import { millimetersOf, numberIn, voxelsOf, wholeNumber } from "../arguments.js";
import { print, printJson, progressBar, table } from "../terminal.js";

const WINDOWS = ["auto", "percentiles", "scan-range", "soft-tissue", "lung", "bone"] as const;

/** `plseg data plan <dir>`: how a dataset comes before a network, decided and explained, as a file to edit. */
export function dataPlanCommand(): CommandUnknownOpts {
  return new Command("plan")
    .description("Decide spacing, patch size and intensity window for training, with the reasons")
    .argument("<dir>", "dataset in nnU-Net's layout, with annotations.json")
    .option("-o, --out <file>", 'where to write the plan; it may be edited, and given to "plseg train --plan"')
    .addOption(
      new Option("--preset <name>", "settings of the training, for the size of its network and its batch")
        .choices(PRESET_NAMES)
        .default("strong" as const),
    )
    .option("--memory <gigabytes>", "memory that a training step may take", numberIn(0.01, 1e6), 4)
    .option("--batch <count>", "patches of a step (default: of the preset)", wholeNumber(1))
    .option("--spacing <d,h,w>", "millimeters along depth, height, width instead of those that follow", millimetersOf)
    .option("--patch <d,h,w>", "voxels of a patch instead of those that follow", voxelsOf)
    .addOption(new Option("--intensity <window>", "which CT window").choices(WINDOWS).default("auto" as const))
    .option("--json", "print one JSON document: the fingerprint of the dataset and the plan", false)
    .addHelpText("after", "\nExample:\n  plseg data plan phantoms --out plan.json")
    .action(async (dir, { out, preset, memory, batch, spacing, patch, intensity, json }) => {
      const { writePlan } = await import("@plseg/data");
      const { fingerprintDataset, openDataset, writeFileAtomic } = await import("@plseg/data/node");
      const { PRESETS, planRun } = await import("@plseg/train/node");
      const fingerprint = await fingerprintDataset(await openDataset(dir), { onProgress: progressBar("fingerprint") });
      const settings: TrainSettings = {
        ...PRESETS[preset],
        spacing: spacing ?? "auto",
        patchSize: patch ?? "auto",
        intensity,
        batch: batch ?? PRESETS[preset].batch,
      };
      const plan = await planRun(settings, {
        fingerprint: async () => fingerprint,
        memory: memory * 1e9,
      });
      if (out !== undefined) await writeFileAtomic(out, writePlan(plan));
      if (json) return printJson({ fingerprint, plan });
      const { intensity: rule } = plan;
      const rows = [
        ["spacing", `${plan.spacing.join(" × ")} mm`, plan.reasons.spacing ?? ""],
        ["patch", `${plan.patchSize.join(" × ")} voxels`, plan.reasons.patchSize ?? ""],
        [
          "intensity",
          rule === "scan-range" ? rule : `level ${rule.level}, width ${rule.width}`,
          plan.reasons.intensity ?? "",
        ],
      ];
      print(table([["", "plan", "why"], ...rows]));
      const classes = fingerprint.classes.map((entry) => [
        entry.name,
        ...[entry.annotatedCases, entry.presentCases, entry.voxels].map(String),
      ]);
      print(`\n${table([["class", "annotated in", "present in", "voxels"], ...classes])}`);
      if (out !== undefined) print(`\nplan: ${out}`);
    });
}
