import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { DataError } from "@plseg/core";
import type { DeviceVerification } from "@plseg/runtime/node";
import { paint, print, printJson, table } from "../terminal.js";

/** `plseg verify <bundle>`: check that a bundle is whole and gives the right answer here. */
export function verifyCommand(): CommandUnknownOpts {
  return new Command("verify")
    .description("Check the files of a bundle, and its answer on the scan stored in it")
    .argument("<bundle>", 'folder written by "plseg export"')
    .addOption(
      new Option("--device <device>", "where the model runs; all: wherever this machine can")
        .choices(["cpu", "cuda", "webgpu", "all"] as const)
        .default("cpu" as const),
    )
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg verify bundles/first --device all")
    .action(async (bundle, { device, json }) => {
      const { verifyBundle, verifyOnDevices } = await import("@plseg/runtime/node");
      const found =
        device === "all"
          ? await verifyOnDevices(bundle)
          : [{ device, verification: await verifyBundle(bundle, { device }) }];
      if (json) printJson(device === "all" ? { devices: found } : found[0]?.verification);
      else print(found.map(({ device, ...result }) => tableOf(device, result)).join("\n\n"));
      const failed = found.filter(({ verification }) => verification?.passed === false);
      if (failed.length > 0)
        throw new DataError(
          `verify: ${bundle} does not give its stored answer on ${failed.map(({ device }) => device).join(", ")}.`,
        );
    });
}

function tableOf(device: string, { verification, unreachable }: Omit<DeviceVerification, "device">): string {
  if (!verification)
    return table([
      ["check", device],
      ["not run", unreachable ?? ""],
    ]);
  const { files, agreement, largestDifference, passed } = verification;
  return table([
    ["check", device],
    ["files with the right SHA-256", String(files)],
    ["voxels with the stored label", `${(100 * agreement).toFixed(2)} %`],
    ["largest difference of a mean probability", largestDifference.toExponential(1)],
    ["verdict", passed ? paint("green", "pass") : paint("red", "FAIL")],
  ]);
}
