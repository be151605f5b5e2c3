// `node packages/tfjs-conformance/main.mjs`: runs the operation tests that tfjs-core publishes on traced graphs.
//   --feeding constants   write what tests give into the graphs instead of feeding it
//   --target gpu          models as they are written for WebGPU (they run on the CPU here, too)
//   --device webgpu       run on WebGPU, with the CPU forbidden
//   --each N              only the first N specs of each operation
//   --filter TEXT         only specs whose name holds TEXT
//   --models DIR          keep every model that was run
//   --check               the ONNX checker, with full shape inference, on every model that was run (needs python3-onnx)
//   --verbose, --json     every skipped spec with its reason; the whole report as JSON
// Prints passed, failed and skipped. Exit status 1 if a spec failed that no rule excuses, or a rule excuses nothing.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { FILES_LEFT_OUT } from "./src/test-files.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const core = dirname(require.resolve("@tensorflow/tfjs-core"));
const outfile = join(here, "dist/suite.cjs");

/** The build of tfjs-core that its tests import, one file for each module, for whoever asks for tfjs-core. */
const oneCore = {
  name: "one-core",
  /** @param {import("esbuild").PluginBuild} build */
  setup(build) {
    build.onResolve({ filter: /^@tensorflow\/tfjs-core$/ }, () => ({ path: join(core, "index.js") }));
    build.onResolve({ filter: /^@tensorflow\/tfjs-core\/dist\// }, ({ path }) => ({
      path: join(core, path.slice("@tensorflow/tfjs-core/dist/".length)),
    }));
  },
};

const files = [...readFileSync(join(core, "tests.js"), "utf8").matchAll(/^import '\.\/(.+)';$/gm)]
  .map(([, path]) => `@tensorflow/tfjs-core/dist/${path}.js`)
  .filter((path) => !FILES_LEFT_OUT.some((rule) => rule.path.test(path)));

await build({
  stdin: {
    contents: [
      'import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js";',
      'import "@plseg/tf-gradients";',
      'import { run } from "./suite.ts";',
      ...files.map((path) => `import "${path}";`),
      "run();",
    ].join("\n"),
    resolveDir: join(here, "src"),
    loader: "ts",
  },
  outfile,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  conditions: ["@plseg/source"],
  // the tests are not among the files that tfjs-core's manifest says have effects
  ignoreAnnotations: true,
  external: ["onnxruntime-node", "jasmine-core"],
  plugins: [oneCore],
  logLevel: "error",
});
const args = process.argv.slice(2).filter((argument) => argument !== "--check");
if (args.length === process.argv.length - 2) process.exit(runSuite(args));
const folder = mkdtempSync(join(tmpdir(), "plseg-models-"));
try {
  const status = runSuite([...args, "--models", folder]);
  process.exitCode = status || checkModels(folder);
} finally {
  rmSync(folder, { recursive: true });
}

/** @param {readonly string[]} args */
function runSuite(args) {
  return spawnSync(process.execPath, [outfile, ...args], { stdio: "inherit" }).status ?? 1;
}

/** Checks the models of a folder and says on stderr what came of it. @param {string} folder */
function checkModels(folder) {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const { status, stdout } = spawnSync(python, [join(here, "check_models.py"), folder], {
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) continue;
    const { version, checked, failed } = JSON.parse(stdout);
    for (const [name, message] of Object.entries(failed)) process.stderr.write(`${name}: ${message}\n`);
    process.stderr.write(`onnx ${version}: ${checked} models checked, ${Object.keys(failed).length} failed\n`);
    return checked > 0 && Object.keys(failed).length === 0 ? 0 : 1;
  }
  process.stderr.write("The models were not checked: python3 cannot import onnx. Debian: apt-get install python3-onnx.\n");
  return 0;
}
