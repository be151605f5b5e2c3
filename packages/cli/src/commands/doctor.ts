import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { ResourceError } from "@plseg/core";
import type { Diagnosis, EngineDiagnosis } from "../diagnose.js";
import { log, paint, print, printJson, table } from "../terminal.js";

/** `plseg doctor`: what this machine can do, checked with numbers. */
export function doctorCommand(): CommandUnknownOpts {
  return new Command("doctor")
    .description("Show what this machine can do, check each engine with numbers, and say how to get what is missing")
    .addOption(
      new Option("--device <device>", "fail unless the compiled engine works there")
        .choices(["cpu", "cuda", "webgpu"] as const)
        .default("cpu" as const),
    )
    .option(
      "--link-libtensorflow <dir>",
      "first build tfjs-node against the TensorFlow in this folder: that of Python's package, or of the unpacked C archive (Linux)",
    )
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg doctor --device cuda")
    .action(async ({ device, linkLibtensorflow: folder, json }) => {
      if (folder !== undefined) {
        const { linkLibtensorflow } = await import("../link-libtensorflow.js");
        await linkLibtensorflow({ folder, onStep: (step) => log(`• ${step}`) });
      }
      const { diagnose } = await import("../diagnose.js");
      const diagnosis = await diagnose({ device });
      if (json) printJson(diagnosis);
      else print(showDiagnosis(diagnosis));
      const wrong = diagnosis.engines.filter(({ status }) => status === "fail").map(({ engine }) => engine);
      if (wrong.length > 0)
        throw new ResourceError(`doctor: ${wrong.join(" and ")} compute wrongly or do not start. See above.`);
      if (!diagnosis.ok) throw new ResourceError(`doctor: the compiled engine does not work on ${device}. See above.`);
    });
}

function showDiagnosis({ machine, versions, providers, engines }: Diagnosis): string {
  const facts = [
    ["Node", machine.node],
    ["platform", machine.platform],
    ["CPU", `${machine.cpu}, ${machine.cores} cores`],
    ["memory", `${machine.freeMemoryGb} of ${machine.memoryGb} GB free`],
    ["GPU", showGpu(machine.gpu)],
    ["ONNX Runtime", providers.join(", ")],
  ];
  const rows = engines.map(({ engine, status, difference }) => [
    engine,
    mark(status),
    difference === null ? "" : difference.toExponential(1),
  ]);
  const notes = engines.filter(({ status, notes }) => status !== "pass" && notes.length > 0);
  const packages = Object.entries(versions).filter(([name]) => name !== "node");
  return [
    table([["machine", ""], ...facts]),
    "",
    "Two steps of a small training, compared with TensorFlow.js on the CPU:",
    table([["engine", "check", "largest difference"], ...rows]),
    ...notes.map(({ engine, notes }) => `\n${engine}\n${notes.map((note) => `  - ${note}`).join("\n")}`),
    "",
    table([["package", "version"], ...packages]),
  ].join("\n");
}

function showGpu(gpu: Diagnosis["machine"]["gpu"]): string {
  if (!gpu) return "not looked for on this system";
  if (gpu.devices.length === 0) return gpu.nvidiaFiles ? "NVIDIA" : "none";
  return gpu.devices.join(", ") + (gpu.nvidiaDriver ? `, NVIDIA's driver ${gpu.nvidiaDriver}` : "");
}

function mark(status: EngineDiagnosis["status"]): string {
  if (status === "pass") return paint("green", "pass");
  return status === "fail" ? paint("red", "FAIL") : paint("dim", "missing");
}
