// Entry of the bundle that main.mjs builds and runs: registers the lazy backend, then runs the specs loaded beside it.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setTestEnvs } from "@tensorflow/tfjs-core/dist/jasmine_util.js";
import { type Feeding, LAZY_BACKEND, registerLazyBackend } from "./lazy-backend.js";
import { reportOf, type SpecResult, skipsByReason } from "./report.js";
import type { Device } from "./run-sync.js";

interface JasmineResult {
  readonly fullName: string;
  readonly status: SpecResult["status"];
  readonly failedExpectations: readonly { readonly message: string }[];
}

interface JasmineEnvironment {
  configure(options: { random: boolean; specFilter: (spec: { getFullName(): string }) => boolean }): void;
  addReporter(reporter: { specDone(result: JasmineResult): void; suiteDone(result: JasmineResult): void }): void;
  execute(): Promise<unknown>;
}

const { values } = parseArgs({
  options: {
    feeding: { type: "string", default: "inputs" },
    target: { type: "string", default: "cpu" },
    device: { type: "string", default: "cpu" },
    each: { type: "string", default: "Infinity" },
    filter: { type: "string", default: "" },
    models: { type: "string" },
    json: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});

const jasmine = (createRequire(__filename)("jasmine-core") as { boot(): { getEnv(): JasmineEnvironment } }).boot();
registerLazyBackend({
  feeding: values.feeding as Feeding,
  target: values.device === "webgpu" ? "gpu" : (values.target as "cpu" | "gpu"),
  device: values.device as Device,
  onModel: values.models === undefined ? () => {} : saver(values.models),
});
setTestEnvs([{ name: "onnx", backendName: LAZY_BACKEND, isDataSync: true }]);

/** Writes each model to a folder once. */
function saver(folder: string): (model: Uint8Array) => void {
  mkdirSync(folder, { recursive: true });
  const seen = new Set<string>();
  return (model) => {
    const name = createHash("sha256").update(model).digest("hex").slice(0, 16);
    if (seen.has(name)) return;
    seen.add(name);
    writeFileSync(join(folder, `${name}.onnx`), model);
  };
}

const wanted = new Map<string, Set<string>>();

/** Whether a spec passes the filter and is among the first of its operation. */
function isWanted(spec: string): boolean {
  if (!spec.includes(values.filter)) return false;
  const operation = spec.split(" onnx {}", 1)[0] ?? spec;
  const specs = wanted.get(operation) ?? new Set();
  wanted.set(operation, specs);
  if (specs.size < Number(values.each)) specs.add(spec);
  return specs.has(spec);
}

/** Runs the specs loaded so far and prints what became of them. Exit status 1 if any failed. */
export async function run(): Promise<void> {
  const environment = jasmine.getEnv();
  const results: SpecResult[] = [];
  const record = ({ fullName, status, failedExpectations }: JasmineResult): void => {
    results.push({ name: fullName, status, messages: failedExpectations.map(({ message }) => message) });
  };
  environment.configure({ random: false, specFilter: (spec) => isWanted(spec.getFullName()) });
  environment.addReporter({
    specDone: record,
    suiteDone: (result) => {
      if (result.failedExpectations.length > 0) record({ ...result, status: "failed" });
    },
  });
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = () => true; // specs of tfjs' profiler print
  await environment.execute();
  process.stdout.write = write;
  const log = (text: string): void => void write(`${text}\n`);
  const report = reportOf(results, values.device as Device);
  const complete = values.filter === "" && values.each === "Infinity";
  if (values.json) log(JSON.stringify(report));
  else print(report, log);
  process.exitCode = report.failed.length > 0 || (complete && report.stale.length > 0) ? 1 : 0;

  function print({ passed, failed, skipped, stale }: typeof report, line: (text: string) => void): void {
    for (const { name, message } of failed) line(`failed: ${name}\n    ${message.replaceAll("\n", "\n    ")}`);
    if (values.verbose) for (const { name, reason } of skipped) line(`skipped: ${name} (${reason})`);
    if (complete) for (const rule of stale) line(`no longer needed: ${rule}`);
    line(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
    for (const [reason, count] of skipsByReason(report)) line(`  ${count} ${reason}`);
  }
}
