// The gate, `pnpm check [step…]`: runs every step (or the named ones) to the end, then says which failed.
// The last line is "N passed, N failed": the tests, and each other step that failed counted as one.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execute, inTemporaryFolder } from "./workspace.mjs";

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} holds - What is true if it passes.
 * @property {readonly (readonly [string, ...string[]])[]} commands - Run in order, all of them.
 * @property {boolean} [live] - Show the output while it runs, not only if it fails.
 */

const node = process.execPath;

await inTemporaryFolder(async (folder) => {
  const testReport = join(folder, "tests.json");
  /** @type {readonly Step[]} */
  const steps = [
    { name: "build", holds: "every package builds", commands: [["turbo", "run", "build", "--continue"]] },
    {
      name: "style",
      holds: "formatted and linted",
      commands: [["biome", "check", "--error-on-warnings", "--diagnostic-level=warn", "--max-diagnostics=100"]],
    },
    {
      name: "types",
      holds: "sources and tests type check",
      commands: [
        ["tsc", "-b"],
        ["tsc", "-p", "tsconfig.test.json"],
        ["tsc", "-p", "tsconfig.scripts.json"],
        [node, "scripts/check-references.mjs"],
      ],
    },
    {
      name: "tests",
      holds: "tests pass",
      live: true,
      commands: [["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${testReport}`]],
    },
    { name: "imports", holds: "imports go one way", commands: [[node, "scripts/check-imports.mjs"]] },
    { name: "unused", holds: "no unused file, export or dependency", commands: [["knip", "--no-config-hints"]] },
    {
      name: "manifests",
      holds: "manifests and lockfile agree",
      commands: [["sherif"], ["pnpm", "install", "--frozen-lockfile", "--lockfile-only"]],
    },
    { name: "packages", holds: "tarballs are sound", commands: [[node, "scripts/check-packages.mjs"]] },
    { name: "size", holds: "losses stay small", commands: [["size-limit"]] },
    { name: "api", holds: "API reports are current", commands: [[node, "scripts/api-reports.mjs"]] },
    { name: "install", holds: "losses install and run by themselves", commands: [[node, "scripts/check-install.mjs"]] },
  ];

  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    console.error(`check: unknown step "${unknown.join(", ")}". Steps: ${steps.map(({ name }) => name).join(", ")}.`);
    process.exitCode = 2;
    return;
  }

  const results = [];
  for (const step of steps) {
    if (wanted.length > 0 && !wanted.includes(step.name)) continue;
    if (step.live) console.log(`\n${step.name}`);
    const start = performance.now();
    const failed = [];
    for (const [command, ...args] of step.commands) {
      const { ok, output } = await execute(command, args, { live: step.live ?? false });
      if (!ok) failed.push(step.live ? "" : output.trim());
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const line = `${failed.length === 0 ? "pass" : "FAIL"}  ${step.name.padEnd(10)} ${seconds.padStart(6)} s  ${step.holds}`;
    console.log(line);
    for (const output of failed) if (output) console.log(`${output}\n`);
    results.push({ name: step.name, line, failed: failed.length > 0 });
  }

  console.log(`\nSummary\n${results.map(({ line }) => line).join("\n")}`);
  const failures = results.filter(({ failed }) => failed);
  const tests = results.some(({ name }) => name === "tests") ? countTests(testReport) : { passed: 0, failed: 0 };
  const failedSteps = failures.filter(({ name }) => name !== "tests" || tests.failed === 0);
  if (failures.length > 0) {
    console.log(
      `Failed: ${failures.map(({ name }) => name).join(", ")}. One step alone: pnpm check ${failures[0]?.name}`,
    );
    process.exitCode = 1;
  }
  console.log(`${tests.passed} passed, ${tests.failed + failedSteps.length} failed`);
});

/** Passed and failed tests; a file that failed as a whole counts as one failed test. @param {string} file */
function countTests(file) {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(file, "utf8"));
    const brokenFiles = testResults.filter(
      (/** @type {{ status: string, assertionResults: { status: string }[] }} */ { status, assertionResults }) =>
        status === "failed" && !assertionResults.some((test) => test.status === "failed"),
    );
    return { passed: numPassedTests, failed: numFailedTests + brokenFiles.length };
  } catch {
    // Vitest ended before it wrote its report; the step itself then counts as failed.
    return { passed: 0, failed: 0 };
  }
}
