import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { ConfigError, PlsegError } from "@plseg/core";
import { METHOD_NAMES, PRESET_NAMES } from "@plseg/train/names";
import { atLeastZero, checkpointNamed, voxelsOf, wholeNumber } from "../arguments.js";
import { stopOnInterrupt } from "../stop-on-interrupt.js";
import { barPerItem, duration, log, print, printJson, table } from "../terminal.js";
import { versions } from "../versions.js";

const ENGINES = ["compiled", "tfjs", "tfjs-node", "tfjs-node-gpu"] as const;

/** Two threads draw patches beside the training: with one it waits now and then. */
const PATCH_WORKERS = 2;

/** This is told only before the first step; later the run is saved instead. */
const STOPPED_EARLY = new PlsegError(
  "train: stopped while the cases were prepared. Those that are ready are kept; train again to go on.",
);

/** A checkpoint to go on from. @throws ConfigError if there are none of that name. */
function resumedFrom(name: string): ReturnType<typeof checkpointNamed> {
  try {
    return checkpointNamed(name);
  } catch (cause) {
    throw new ConfigError(`train: with --resume, --from is a checkpoint. ${(cause as Error).message}`, { cause });
  }
}

/** `plseg train`: train on a partially labeled dataset. */
export function trainCommand(): CommandUnknownOpts {
  return new Command("train")
    .description("Train on a dataset in which each scan has only some organs labeled")
    .requiredOption("-d, --data <dir>", "dataset in nnU-Net's layout, with annotations.json")
    .requiredOption("-o, --out <run>", "folder of the run; it must not hold a run yet, unless --resume is given")
    .option("-c, --config <file>", "YAML or JSON file of settings; they go before those of the preset")
    .addOption(new Option("--method <name>", "what to train with").choices(METHOD_NAMES).default("pl-seg" as const))
    .addOption(new Option("--preset <name>", "settings to start from").choices(PRESET_NAMES).default("quick" as const))
    .addOption(new Option("--engine <name>", "what computes").choices(ENGINES).default("compiled" as const))
    .addOption(
      new Option("--device <name>", "where it computes")
        .choices(["cpu", "cuda", "webgpu"] as const)
        .default("cpu" as const),
    )
    .option("-p, --plan <file>", 'plan of "plseg data plan", edited or not (default: made from the data)')
    .option(
      "--from <what>",
      "run or bundle to begin with; with --resume a checkpoint: previous, best, or the step of one",
    )
    .option(
      "--distill <weight>",
      "with --from: weight of its answers where nobody annotated them (0: let it forget)",
      atLeastZero,
      1,
    )
    .option("--patch <d,h,w>", "voxels of a patch along depth, height, width", voxelsOf)
    .option("--batch <count>", "patches per step", wholeNumber(1))
    .option("--steps <count>", "steps in all", wholeNumber(1))
    .option("--seed <number>", "the same seed gives the same network", wholeNumber(0))
    .addOption(new Option("--augmentation <how>", "how patches are varied").choices(["none", "default"] as const))
    .option("--cache <dir>", "where preprocessed cases are kept (default: .plseg-cache in the dataset)")
    .option("--workers <count>", "threads that draw patches (0: none)", wholeNumber(0), PATCH_WORKERS)
    .option("--threads <count>", "CPU threads (default: what ONNX Runtime thinks best)", wholeNumber(1))
    .option("--no-tensorboard", "write no event files for TensorBoard")
    .option("--no-pictures", "draw no pictures of the cases that are validated")
    .option("--resume", "go on from the last checkpoint of the run, with its settings and method", false)
    .option("--force", "train even if the free memory seems too small", false)
    .option("--print-config", "print the settings and stop", false)
    .option("--json", "print one JSON document", false)
    .addHelpText(
      "after",
      "\nCtrl-C (or SIGTERM) saves a checkpoint and stops, a second one stops at once; --resume goes on exactly there.\n\nExample:\n  plseg train --data phantoms --out runs/first --steps 500",
    )
    .action(async (options) => {
      const { loadSettings, readPlanFile } = await import("../load-settings.js");
      const { patch: patchSize, batch, steps, seed, augmentation } = options;
      const plan = options.plan === undefined ? undefined : await readPlanFile(options.plan);
      const given = { patchSize, batch, steps, seed, augmentation };
      const { readOrigin, trainRun } = await import("@plseg/train/node");
      const origin = options.from === undefined || options.resume ? undefined : await readOrigin(options.from);
      const settings = await loadSettings(options.preset, options.config, given, {
        planned: plan !== undefined,
        origin,
      });
      if (options.printConfig) return printJson(settings);
      const { createNodeEngine } = await import("@plseg/runtime/node");
      const { followRun } = await import("../follow-run.js");
      const { readRunHistory } = await import("../read-run-history.js");
      const { writeRunReport } = await import("../report/run-report.js");
      const { engine, device, threads, force, out, json } = options;
      const stop = stopOnInterrupt("this step", STOPPED_EARLY);
      const prepare = barPerItem();
      const { plan: _file, cache, from: _from, distill: distillation, tensorboard, pictures, ...rest } = options;
      const { step, loss, config } = await trainRun({
        ...rest,
        settings,
        ...(plan && { plan }),
        ...(origin && { origin, distillation }),
        ...(cache !== undefined && { cache }),
        ...(options.resume && options.from !== undefined && { from: resumedFrom(options.from) }),
        onPrepare: (what, at, total) => prepare(at, total, what),
        engine: await createNodeEngine({
          engine,
          device,
          ...(threads !== undefined && { threads }),
          ...(force && { memoryLimit: Number.POSITIVE_INFINITY }),
        }),
        engineName: engine,
        provenance: { commandLine: ["plseg", ...process.argv.slice(2)].join(" "), versions: versions() },
        ...followRun({ out, label: `train ${options.method}`, tensorboard, pictures }),
        onNotice: log,
        onIncident: ({ step, reason, to, file }) =>
          log(`step ${step} went wrong: ${reason}; ${to === null ? "stopping" : `going back to step ${to}`} (${file})`),
        signal: stop,
      });
      const report = await writeRunReport(out);
      const { seen, seconds, waited } = await readRunHistory(out);
      if (json) printJson({ run: out, step, steps: config.steps, loss, seconds, waited, seen, report });
      else {
        print(
          step < config.steps
            ? `stopped at step ${step} of ${config.steps}; go on with --resume`
            : `${step} steps done`,
        );
        const patches = Object.entries(config.annotatedCases).map(([name, cases]) => [name, cases, seen[name] ?? 0]);
        print(`\n${table([["organ", "labeled in", "patches"], ...patches.map((row) => row.map(String))])}\n`);
        print(`waited for data: ${((100 * waited) / Math.max(seconds, 1e-9)).toFixed(1)} % of ${duration(seconds)}`);
        print(`run: ${out}\nreport: ${report}`);
      }
    });
}
