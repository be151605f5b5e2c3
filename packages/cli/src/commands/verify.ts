import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { DataError } from "@plseg/core";
import { paint, print, printJson, table } from "../terminal.js";

/** `plseg verify <bundle>`: check that a bundle is whole and gives the right answer here. */
export function verifyCommand(): CommandUnknownOpts {
  return new Command("verify")
    .description("Check the files of a bundle, and its answer on the scan stored in it")
    .argument("<bundle>", 'folder written by "plseg export"')
    .addOption(
      new Option("--device <device>", "where the model runs")
        .choices(["cpu", "cuda", "webgpu"] as const)
        .default("cpu" as const),
    )
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg verify bundles/first")
    .action(async (bundle, { device, json }) => {
      const { verifyBundle } = await import("@plseg/runtime/node");
      const found = await verifyBundle(bundle, { device });
      if (json) printJson(found);
      else
        print(
          table([
            ["check", "result"],
            ["files with the right SHA-256", String(found.files)],
            ["voxels with the stored label", `${(100 * found.agreement).toFixed(2)} %`],
            ["largest difference of a mean probability", found.largestDifference.toExponential(1)],
            ["verdict", found.passed ? paint("green", "pass") : paint("red", "FAIL")],
          ]),
        );
      if (!found.passed) throw new DataError(`verify: ${bundle} does not give its stored answer on ${device}.`);
    });
}
