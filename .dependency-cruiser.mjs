// The one direction of imports: core ← ops ← losses, models, onnx; core ← metrics, data; those ← runtime ← train ← cli.
// The rules hold for what is published; tests and the private packages (test-kit, conformance,
// tfjs-conformance, browser-tests) may look everywhere.

const TEST = "[.]test[.]ts$";

/**
 * Files of one package may import, of the workspace, only themselves and the named packages.
 *
 * @param {string} folder - Below packages/.
 * @param {string[]} packages
 */
const sees = (folder, ...packages) =>
  /** @type {const} */ ({
    name: `${folder.replaceAll("/", "-")}-sees-only-${packages.join("-") || "itself"}`,
    severity: "error",
    from: { path: `^packages/${folder}/`, pathNot: TEST },
    to: { path: `^packages/(?!${[folder, ...packages].join("/|")}/)` },
  });

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    { name: "no-cycle", severity: "error", from: {}, to: { circular: true } },
    { name: "resolves", severity: "error", from: {}, to: { couldNotResolve: true } },
    sees("core"),
    sees("ops", "core"),
    sees("metrics", "core"),
    sees("data", "core"),
    sees("models", "core", "ops"),
    sees("onnx", "core", "ops", "tf-gradients"),
    sees("runtime", "core", "data", "models", "onnx"),
    sees("train", "core", "ops", "losses", "metrics", "data", "models", "onnx", "runtime", "tf-gradients"),
    sees("tf-gradients"),
    {
      name: "loss-sees-only-core-ops",
      severity: "error",
      from: { path: "^packages/losses/(?!all/)([^/]+)/", pathNot: TEST },
      to: { path: "^packages/(?!core/|ops/|losses/$1/)" },
    },
    {
      name: "losses-all-sees-only-losses",
      severity: "error",
      from: { path: "^packages/losses/all/", pathNot: TEST },
      to: { path: "^packages/(?!losses/)" },
    },
    {
      name: "losses-all-holds-no-code",
      comment: "Beside its tests it is the one file that re-exports.",
      severity: "error",
      from: { path: "^packages/losses/all/", pathNot: TEST },
      to: { path: "^packages/losses/all/" },
    },
    {
      name: "nothing-imports-private-packages",
      severity: "error",
      from: { path: "^packages/(?!test-kit/|conformance/|tfjs-conformance/|browser-tests/)", pathNot: TEST },
      to: { path: "^packages/(test-kit|conformance|tfjs-conformance|browser-tests)/" },
    },
    {
      name: "nothing-imports-cli",
      severity: "error",
      from: { path: "^packages/(?!cli/|conformance/)", pathNot: TEST },
      to: { path: "^packages/cli/" },
    },
    {
      name: "no-tfjs-in-metrics-data",
      severity: "error",
      from: { path: "^packages/(metrics|data)/", pathNot: TEST },
      to: { path: "@tensorflow/" },
    },
    {
      name: "core-knows-tfjs-types-only",
      severity: "error",
      from: { path: "^packages/core/", pathNot: TEST },
      to: { path: "@tensorflow/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "no-node-in-main-entries",
      comment:
        "A browser loads everything but the command line; what needs Node sits in src/node and is exported as /node.",
      severity: "error",
      from: {
        path: "^packages/",
        pathNot: `^packages/(cli|test-kit|conformance|tfjs-conformance|browser-tests)/|/src/node/|${TEST}|[.]config[.]ts$`,
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "no-src-node-from-main-entries",
      severity: "error",
      from: {
        path: "^packages/",
        pathNot: `^packages/(cli|test-kit|conformance|tfjs-conformance|browser-tests)/|/src/node/|${TEST}`,
      },
      to: { path: "/src/node/" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^packages/.*/(dist|node_modules)/|^packages/.*[.]config[.]ts$" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@plseg/source", "types", "import", "node", "default"],
    },
  },
};
