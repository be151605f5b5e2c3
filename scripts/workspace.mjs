// What the scripts of the gate share: where the root is, which packages there are, running a command, packing.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the workspace, with a slash at its end. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * @typedef {object} Package
 * @property {string} name - As in its manifest, `@plseg/core`.
 * @property {string} path - From the root, `packages/core`.
 * @property {string} folder - Absolute.
 * @property {Record<string, any>} manifest - Its package.json.
 */

/** Every package below `packages/`. @returns {Package[]} */
export function workspacePackages() {
  return ["packages", "packages/losses"]
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => `${parent}/${name}`))
    .filter((path) => existsSync(join(root, path, "package.json")))
    .map((path) => {
      const manifest = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
      return { name: manifest.name, path, folder: join(root, path), manifest };
    });
}

/** The packages that are published. @returns {Package[]} */
export function publicPackages() {
  return workspacePackages().filter(({ manifest }) => !manifest.private);
}

/**
 * Runs a command without a shell, the workspace's tools first on its path.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, live?: boolean, env?: Record<string, string> }} [options] - `live` shows the output as it comes.
 * @returns {Promise<{ ok: boolean, output: string }>} Output holds stdout and stderr as they came.
 */
export function execute(command, args, { cwd = root, live = false, env = {} } = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd,
      shell: process.platform === "win32",
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        TURBO_TELEMETRY_DISABLED: "1",
        DO_NOT_TRACK: "1",
        ...env,
        PATH: join(root, "node_modules/.bin") + delimiter + process.env.PATH,
      },
    });
    let output = "";
    const take = (/** @type {Buffer} */ chunk) => {
      output += chunk;
      if (live) process.stdout.write(chunk);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (error) => done({ ok: false, output: `${output}${command}: ${error.message}\n` }));
    child.on("close", (code) => done({ ok: code === 0, output }));
  });
}

/**
 * Calls `work` on each item, at most two at a time (one per core of a small machine). Results keep the order of the items.
 *
 * @template T, R
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export async function inPairs(items, work) {
  /** @type {R[]} */
  const results = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all([worker(), worker()]);
  return results;
}

/**
 * Packs packages as they would be published.
 *
 * @param {readonly Package[]} packages
 * @param {string} folder - Where the tarballs go.
 * @returns {Promise<Map<string, string>>} The tarball of each package, by name.
 * @throws Error if one cannot be packed.
 */
export async function pack(packages, folder) {
  const tarballs = await inPairs(packages, async ({ name, folder: cwd }) => {
    const { ok, output } = await execute("pnpm", ["pack", "--json", "--pack-destination", folder], { cwd });
    if (!ok) throw new Error(`pack: ${name} could not be packed.\n${output}`);
    return JSON.parse(output.slice(output.indexOf("{"))).filename;
  });
  return new Map(packages.map(({ name }, index) => [name, tarballs[index] ?? ""]));
}

/** Calls `work` with a new temporary folder, which is removed afterwards. */
export async function inTemporaryFolder(/** @type {(folder: string) => Promise<void>} */ work) {
  const folder = mkdtempSync(join(tmpdir(), "plseg-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Ends a check: prints each problem and sets the exit status, or says what was looked at.
 *
 * @param {readonly string[]} problems
 * @param {string} looked
 */
export function conclude(problems, looked) {
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
  else process.stdout.write(`${looked}\n`);
}
