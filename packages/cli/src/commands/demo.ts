import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { wholeNumber } from "../arguments.js";
import { log, paint, print, printJson, progressBar, table } from "../terminal.js";

/** `plseg demo`: the whole road on phantoms, in minutes. */
export function demoCommand(): CommandUnknownOpts {
  return new Command("demo")
    .description("The whole road on data it makes itself: phantoms, training, prediction, evaluation, export, report")
    .option("-o, --out <dir>", "folder to write; it must be empty or not exist", `plseg-demo-${timestamp()}`)
    .option("--steps <count>", "training steps of each method (default: enough for a Dice of 0.85)", wholeNumber(1))
    .option("--threads <count>", "CPU threads (default: what ONNX Runtime thinks best)", wholeNumber(1))
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg demo --out demo")
    .action(async ({ out, steps, threads, json }) => {
      const { createNodeEngine } = await import("@plseg/runtime/node");
      const { DEMO_METHODS, runDemo } = await import("../run-demo.js");
      const { dice, evaluations, seconds, report, bundle } = await runDemo({
        out,
        engine: await createNodeEngine(threads === undefined ? {} : { threads }),
        ...(steps !== undefined && { settings: { steps } }),
        onStage: (text) => log(paint("bold", text, process.stderr)),
        progress: progressBar,
      });
      if (json) return printJson({ dice, seconds, out, report, bundle });
      const organs = evaluations["pl-seg"].classes.slice(1);
      const score = (method: (typeof DEMO_METHODS)[number], organ: string): string =>
        evaluations[method].summary.classes[organ]?.dice.mean?.toFixed(3) ?? "–";
      const rows = organs.map((organ) => [organ, ...DEMO_METHODS.map((method) => score(method, organ))]);
      const means = ["mean", ...DEMO_METHODS.map((method) => dice[method].toFixed(3))];
      print(`\nDice on held-out phantoms (1 is perfect), trained with 2 of 6 organs annotated per scan:\n`);
      print(table([["organ", ...DEMO_METHODS], ...rows, means]));
      print(
        `\nunet takes what nobody annotated for background; pl-seg learns each organ from the scans that annotate it.`,
      );
      print(`\nreport: ${report}\nmodel:  ${bundle}\ntime:   ${seconds} s`);
    });
}

/** `20261123-1904`, so that one demo does not get in the way of the next. */
function timestamp(): string {
  return new Date().toISOString().slice(0, 16).replaceAll(/[-:]/g, "").replace("T", "-");
}
