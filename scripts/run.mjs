// `node scripts/run.mjs <task> [args…]`: what the root npm scripts call. Needs nothing but Node and npm: installs the
// workspace with the pinned pnpm (itself a package of the npm registry) unless that is done, builds it, runs the task.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @type {Record<string, (args: readonly string[]) => void>} */
const TASKS = {
  demo: (args) => node("packages/cli/dist/main.js", "demo", ...args),
  bench: (args) => node("bench/run.mjs", ...args),
  check: (args) => node("scripts/check.mjs", ...args),
  build: () => {},
};

const [task = "", ...args] = process.argv.slice(2);
const run = TASKS[task];
if (!run) fail(`run: unknown task "${task}". Tasks: ${Object.keys(TASKS).join(", ")}.`, 2);
requireNode();
if (!installed()) install();
// The gate builds by itself, as one of its steps.
if (task !== "check") build();
run(args);

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    `plseg: Node 20.19 or newer is needed, this is ${process.versions.node}. See https://nodejs.org/en/download.`,
    1,
  );
}

/** Whether node_modules holds exactly what the lockfile asks for, in every package. */
function installed() {
  const done = join(root, "node_modules/.pnpm/lock.yaml");
  if (!existsSync(done) || !existsSync(join(root, "node_modules/.modules.yaml"))) return false;
  const lockfile = readFileSync(join(root, "pnpm-lock.yaml"), "utf8");
  if (readFileSync(done, "utf8") !== lockfile) return false;
  const packages = lockfile.slice(lockfile.indexOf("\nimporters:"), lockfile.indexOf("\npackages:"));
  return [...packages.matchAll(/^ {2}(\S+):$/gm)].every(([, path = ""]) =>
    existsSync(join(root, path, "node_modules")),
  );
}

function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  process.stderr.write(`plseg: installing with ${packageManager}\n`);
  execute("npx", ["--yes", packageManager, "install", "--frozen-lockfile", "--prefer-offline"], { CI: "true" });
}

function build() {
  const { TURBO_LOG_ORDER = "grouped" } = process.env;
  execute("turbo", ["run", "build"], { TURBO_LOG_ORDER });
}

/** @param {string} script @param {readonly string[]} rest */
function node(script, ...rest) {
  execute(process.execPath, [join(root, script), ...rest]);
}

/**
 * Runs a command in the root with the workspace's own tools first on the path; ends this process if it fails.
 *
 * @param {string} command
 * @param {readonly string[]} commandArgs
 * @param {Record<string, string>} [env]
 */
function execute(command, commandArgs, env = {}) {
  const { status, signal, error } = spawnSync(command, commandArgs, {
    cwd: root,
    // The builder writes to stderr, so that stdout holds the task's answer alone.
    stdio: ["inherit", command === process.execPath ? "inherit" : process.stderr, "inherit"],
    shell: process.platform === "win32" && command !== process.execPath,
    env: {
      ...process.env,
      TURBO_TELEMETRY_DISABLED: "1",
      DO_NOT_TRACK: "1",
      ...env,
      PATH: join(root, "node_modules/.bin") + delimiter + process.env.PATH,
    },
  });
  if (error) fail(`plseg: ${command} could not be started: ${error.message}.`, 1);
  if (signal) fail(`plseg: ${command} was ended by ${signal}.`, 1);
  if (status !== 0) process.exit(status ?? 1);
}

/** @param {string} message @param {number} code @returns {never} */
function fail(message, code) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}
