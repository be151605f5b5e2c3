import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { ResourceError } from "@plseg/core";
import type { Diagnosis, EngineDiagnosis } from "../diagnose.js";
import { paint, print, printJson, table } from "../terminal.js";

/** `plseg doctor`: what this machine can do, checked with numbers. */
export function doctorCommand(): CommandUnknownOpts {
  return new Command("doctor")
    .description("Show what this machine can do, check each engine with numbers, and say how to get what is missing")
    .addOption(
      new Option("--device <device>", "fail unless the compiled engine works there")
        .choices(["cpu", "cuda", "webgpu"] as const)
        .default("cpu" as const),
    )
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExample:\n  plseg doctor --device cuda")
    .action(async ({ device, json }) => {
      const { diagnose } = await import("../diagnose.js");
      const diagnosis = await diagnose({ device });
      if (json) printJson(diagnosis);
      else print(showDiagnosis(diagnosis));
      if (!diagnosis.ok)
        throw new ResourceError(
          `doctor: the compiled engine does not work on ${device}, or an engine is wrong. See above.`,
        );
    });
}

function showDiagnosis({ machine, versions, providers, engines }: Diagnosis): string {
  const facts = [
    ["Node", machine.node],
    ["platform", machine.platform],
    ["CPU", `${machine.cpu}, ${machine.cores} cores`],
    ["memory", `${machine.freeMemoryGb} of ${machine.memoryGb} GB free`],
    ["ONNX Runtime", providers.join(", ")],
  ];
  const rows = engines.map(({ engine, status, difference }) => [
    engine,
    mark(status),
    difference === null ? "" : difference.toExponential(1),
  ]);
  const notes = engines.filter(({ status, note }) => status !== "pass" && note !== "");
  const packages = Object.entries(versions).filter(([name]) => name !== "node");
  return [
    table([["machine", ""], ...facts]),
    "",
    table([["engine", "check", "largest difference"], ...rows]),
    ...notes.map(({ engine, note }) => `\n${engine}: ${note}`),
    "",
    table([["package", "version"], ...packages]),
  ].join("\n");
}

function mark(status: EngineDiagnosis["status"]): string {
  if (status === "pass") return paint("green", "pass");
  return status === "fail" ? paint("red", "FAIL") : paint("dim", "missing");
}
