// `pnpm bench NAME [--size N] [--threads N] [--json]`: measures one of our benchmarks beside its peer.
//
// Both sides run in processes of their own, in turns (ours, peer, ours, peer …), so that whatever else the machine does
// falls on both. Each process prints one JSON line; each measurement becomes one JSON object on stdout.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/**
 * What one process measured, and what it computed if both sides must compute the same.
 * @typedef {{ median_ms: number, min_ms: number, max_ms: number, peak_mb: number, times_ms?: number[], cpu_ms?: number[], name?: string, values?: Record<string, number>, labels?: string, leak?: { flat: boolean, grown_mb: number, allowed_mb: number }, waited?: number }} Sample
 *
 * One benchmark: `<name>.mjs` beside this file, `peers/<name>.py` if `needs` (Python modules) is given. Of several parts
 * each is a measurement. `defaults` are those of its options where they differ. With `devices` it takes `--device`.
 * Parts that are `alone` have no peer, and sizes and defaults of their own. With a `prepared` case `<name>-case.mjs` makes what
 * both sides read, and both write label maps, which must be the same but for a few voxels.
 * @typedef {Partial<Record<"threads" | "batch" | "steps" | "warmup" | "rounds", string>>} Defaults
 * @typedef {{ about: string, sizes: string[], needs?: string[], parts?: string[], alone?: Record<string, { sizes: string[], defaults: Defaults }>, devices?: boolean, prepared?: boolean, defaults?: Defaults }} Bench
 */

const LOADER = { sizes: ["64"], defaults: { threads: "2", batch: "2", steps: "20", rounds: "1" } };

/** @type {Record<string, Bench>} */
const BENCHES = {
  step: {
    about: "one PL-Seg training step on a random patch of N cubed, or D,H,W",
    sizes: ["32", "48", "64"],
    needs: ["torch"],
    devices: true,
  },
  losses: {
    about: "value and gradient of each loss on logits of N cubed, or D,H,W, and the network's forward pass",
    sizes: ["64"],
    defaults: { threads: "1" },
    parts: [
      ...["forward", "hadfl", "decoupledForegroundLoss", "cocl", "psd"],
      ...["marginalLoss", "exclusionLoss", "marginalExclusionLoss"],
      ...["leafDice", "targetAdaptiveLoss", "multiTalentLoss", "taskDice", "taskBce"],
    ],
  },
  metrics: {
    about: "all metrics of 16 organs in a volume of N cubed, or D,H,W; one thread",
    sizes: ["128,256,256"],
    defaults: { threads: "1" },
    needs: ["numpy", "scipy"],
  },
  predict: {
    about: "a volume of D,H,W voxels segmented by a bundle of 17 classes, windows of 96,128,128 that overlap by half",
    sizes: ["160,256,256"],
    needs: ["numpy", "torch"],
    prepared: true,
    defaults: { steps: "1", warmup: "0", rounds: "1" },
  },
  leak: {
    about: "memory over thousands of steps of a small training on a patch of N cubed, or D,H,W; fails if it grows",
    sizes: ["16"],
    devices: true,
    defaults: { threads: "1", steps: "2000", warmup: "200", rounds: "1" },
  },
  data: {
    about: "a CT of D,H,W voxels: read from .nii.gz, to canonical orientation, resampled to 1.5 mm, windowed",
    sizes: ["300,512,512"],
    defaults: { threads: "1" },
    needs: ["numpy", "scipy", "nibabel"],
    parts: ["read"],
    // A training with 0, 1 and 2 threads that draw patches: how long does it wait for them?
    alone: Object.fromEntries(["loader-0", "loader-1", "loader-2"].map((part) => [part, LOADER])),
  },
};

/** Where options have no other default. */
const DEFAULTS = { threads: "2", batch: "1", steps: "5", warmup: "2", rounds: "2" };

const DEVICES = ["cpu", "webgpu", "cuda"];

/** Both sides round differently, but not more than this. */
const AGREEMENT = 1e-9;

/** Part of the voxels that may fall to another of two classes that are about as likely. */
const LABELS_APART = 1e-4;

const USAGE = `Usage: pnpm bench NAME [options]

${Object.entries(BENCHES)
  .map(([name, { about, sizes }]) => `  ${name.padEnd(10)}${about} (sizes: ${sizes.join(" ")})`)
  .join("\n")}

  --size N|D,H,W   one size instead of all
  --part NAME      one part instead of all
  --threads N      threads of each side (default 2; losses, metrics, data and leak: 1)
  --batch N        samples per step (default 1; data, loader: 2)
  --steps N        timed steps per process (default 5; predict: 1; leak: 2000; data, loader: 20)
  --warmup N       untimed steps before them (default 2; predict: 0; leak: 200)
  --rounds N       processes per side, in turns (default 2; predict and leak: 1)
  --device NAME    cpu, webgpu or cuda, for step and leak (default cpu); PyTorch then takes CUDA if it has it
  --no-peer        ours only
  --json           no table, JSON only

Example: pnpm bench step --size 64 --threads 1
`;

/** A mistake of the caller, not of the benchmark. */
class UsageError extends Error {}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

/** @param {string[]} argv */
async function main(argv) {
  const { name, options } = parse(argv);
  const bench = BENCHES[name];
  if (options.help || !name) return process.stdout.write(USAGE);
  if (!bench) throw new UsageError(`bench: there is no "${name}". Benchmarks: ${Object.keys(BENCHES).join(", ")}.`);

  const ours = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  if (!existsSync(ours)) throw new Error(`bench: ${ours} is missing.`);
  const python = bench.needs && !options["no-peer"] ? await findPython(bench.needs) : undefined;
  if (bench.needs && !python && !options["no-peer"])
    note(`bench: no python3 that has ${bench.needs.join(", ")}: the peer is not available.`);

  const all = [...(bench.parts ?? [undefined]), ...Object.keys(bench.alone ?? {})];
  // "loader" stands for "loader-0", "loader-1" and so on.
  const parts = all.filter((part) => !options.part || part === options.part || part?.startsWith(`${options.part}-`));
  if (parts.length === 0)
    throw new UsageError(`bench: ${name} has no part "${options.part}". Parts: ${all.join(", ") || "none"}.`);
  if (options.device !== undefined && !bench.devices) throw new UsageError(`bench: ${name} runs on the CPU only.`);
  const measurements = [];
  for (const part of parts) {
    const alone = bench.alone?.[part ?? ""];
    const chosen = { ...DEFAULTS, ...bench.defaults, ...alone?.defaults, ...given(options) };
    for (const size of options.size ? [options.size] : (alone?.sizes ?? bench.sizes)) {
      const measurement = await measure(name, ours, alone ? undefined : python, { ...chosen, size, part });
      measurements.push(measurement);
      process.stdout.write(`${JSON.stringify(measurement)}\n`);
    }
  }
  if (!options.json) note(`\n${table(measurements)}`);
  for (const { leak } of measurements)
    if (leak && !leak.flat)
      throw new Error(`bench: memory grew by ${leak.grown_mb} MB, ${leak.allowed_mb} MB are allowed.`);
}

/** @param {string[]} argv */
function parse(argv) {
  try {
    const { values, positionals } = parseArgs({
      // pnpm passes a separating "--" on
      args: argv.filter((arg) => arg !== "--"),
      allowPositionals: true,
      options: {
        size: { type: "string" },
        part: { type: "string" },
        threads: { type: "string" },
        batch: { type: "string" },
        steps: { type: "string" },
        warmup: { type: "string" },
        rounds: { type: "string" },
        device: { type: "string" },
        "no-peer": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    for (const name of /** @type {const} */ (["threads", "batch", "steps", "rounds"]))
      if (!/^[1-9]\d*$/.test(values[name] ?? "1"))
        throw new Error(`--${name} must be a positive whole number, got ${values[name]}.`);
    if (!/^\d+$/.test(values.warmup ?? "0")) throw new Error(`--warmup must be a whole number, got ${values.warmup}.`);
    if (values.size !== undefined && !/^\d+(,\d+,\d+)?$/.test(values.size))
      throw new Error(`--size must be N or D,H,W, got ${values.size}.`);
    if (values.device !== undefined && !DEVICES.includes(values.device))
      throw new Error(`--device must be ${DEVICES.join(", ")}, got ${values.device}.`);
    if (positionals.length > 1) throw new Error(`one name at a time, got ${positionals.join(" ")}.`);
    return { name: positionals[0] ?? "", options: values };
  } catch (error) {
    throw new UsageError(`bench: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * @param {string} name
 * @param {string} ours
 * @param {string | undefined} python
 * @param {Record<"size" | "threads" | "batch" | "steps" | "warmup" | "rounds", string> & { part?: string, device?: string }} options
 */
async function measure(name, ours, python, { part, device, size, threads, batch, steps, warmup, rounds }) {
  const args = ["--size", size, "--batch", batch, "--threads", threads, "--steps", steps, "--warmup", warmup];
  if (part !== undefined) args.push("--part", part);
  if (device !== undefined) args.push("--device", device);
  const folder = BENCHES[name].prepared ? await prepare(name, size) : undefined;
  /** @param {string} side */
  const labelsOf = (side) => (folder ? ["--case", folder, "--labels", join(folder, `${side}-${process.pid}.u8`)] : []);
  /** @type {Sample[]} */
  const mine = [];
  /** @type {Sample[]} */
  const theirs = [];
  for (let round = 1; round <= Number(rounds); round++) {
    note(`bench ${part ? `${name}, ${part}` : name}, size ${size}: round ${round} of ${rounds}`);
    mine.push(await sample(process.execPath, ["--expose-gc", ours, ...args, ...labelsOf("ours")]));
    if (!python) continue;
    const peer = fileURLToPath(new URL(`peers/${name}.py`, import.meta.url));
    const env = threads === "1" ? {} : { OMP_WAIT_POLICY: "PASSIVE" };
    theirs.push(await sample(python, [peer, ...args, ...labelsOf("peer")], env));
  }
  checkAgreement(name, mine.concat(theirs));
  const labelsApart = await compareLabels(name, [mine[0].labels, theirs[0]?.labels]);
  const merged = merge(mine);
  const peer = theirs.length > 0 ? merge(theirs) : null;
  return {
    bench: name,
    params: {
      ...(part !== undefined && { part }),
      ...(device !== undefined && { device }),
      size,
      batch: Number(batch),
      threads: Number(threads),
      steps: Number(steps),
      warmup: Number(warmup),
      rounds: Number(rounds),
    },
    median_ms: merged.median_ms,
    min_ms: merged.min_ms,
    max_ms: merged.max_ms,
    peak_mb: merged.peak_mb,
    ...(merged.cpu_ms !== undefined && { cpu_ms: merged.cpu_ms }),
    peer: peer && {
      name: peer.name ?? "peer",
      median_ms: peer.median_ms,
      ...(peer.cpu_ms !== undefined && { cpu_ms: peer.cpu_ms }),
      min_ms: peer.min_ms,
      max_ms: peer.max_ms,
      peak_mb: peer.peak_mb,
    },
    ratio: peer && round(merged.median_ms / peer.median_ms, 3),
    ...(merged.cpu_ms && peer?.cpu_ms && { cpu_ratio: round(merged.cpu_ms / peer.cpu_ms, 3) }),
    ...(labelsApart !== undefined && { labels_apart: labelsApart }),
    ...(mine[0].leak && { leak: mine[0].leak }),
    ...(mine[0].waited !== undefined && { waited: round(mine[0].waited, 4) }),
  };
}

/** Those that are given. @template {object} T @param {T} options @returns {T} */
function given(options) {
  return /** @type {T} */ (Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));
}

/**
 * Where processes tell what they computed, it must be the same in all of them.
 * @param {string} name
 * @param {Sample[]} samples
 */
function checkAgreement(name, samples) {
  const expected = samples[0].values ?? {};
  for (const { values = {} } of samples)
    for (const key of new Set([...Object.keys(expected), ...Object.keys(values)])) {
      const [a, b] = [expected[key], values[key]];
      if (Math.abs(a - b) <= AGREEMENT * Math.max(Math.abs(a), Math.abs(b))) continue;
      throw new Error(`bench: ${name} computes other numbers than its peer: ${key} is ${a} here and ${b} there.`);
    }
}

/**
 * Makes what both sides of a benchmark read. Resolves to its folder.
 * @param {string} name
 * @param {string} size
 */
async function prepare(name, size) {
  const script = fileURLToPath(new URL(`${name}-case.mjs`, import.meta.url));
  const { code, stdout, stderr } = await execute(process.execPath, [script, "--size", size]);
  if (code !== 0) throw new Error(`bench: ${script} ended with ${code}.\n${stderr}`);
  return stdout.trim();
}

/**
 * The part of the voxels in which the label maps of both sides differ, which must be tiny. The files are removed.
 * @param {string} name
 * @param {(string | undefined)[]} paths
 */
async function compareLabels(name, paths) {
  const maps = [];
  for (const path of paths) {
    if (path === undefined) continue;
    maps.push(await readFile(path));
    await rm(path);
  }
  const [ours, theirs] = maps;
  if (!ours || !theirs) return undefined;
  const apart = ours.reduce((count, label, i) => count + Number(label !== theirs[i]), 0) / ours.length;
  if (ours.length === theirs.length && apart <= LABELS_APART) return apart;
  throw new Error(`bench: ${name} gives other labels than its peer in ${100 * apart} % of the voxels.`);
}

/**
 * Runs one process to its end and reads the JSON object in the last line of its output.
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 * @returns {Promise<Sample>}
 */
async function sample(command, args, env = {}) {
  const { code, stdout, stderr } = await execute(command, args, env);
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (code === 0 && line.startsWith("{")) return JSON.parse(line);
  throw new Error(`bench: ${command} ${args.join(" ")} ended with ${code}.\n${stderr}${code === 0 ? stdout : ""}`);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} env
 * @returns {Promise<{ code: number | string | null, stdout: string, stderr: string }>}
 */
function execute(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("error", (error) => resolve({ code: error.message, stdout, stderr }));
    child.on("close", (code, signal) => resolve({ code: code ?? signal, stdout, stderr }));
  });
}

/**
 * The first Python that can import all modules: the one on the path may be another than the system's.
 * @param {string[]} modules
 */
async function findPython(modules) {
  for (const python of ["python3", "/usr/bin/python3"])
    if ((await execute(python, ["-c", `import ${modules.join(", ")}`])).code === 0) return python;
  return undefined;
}

/**
 * All timed steps of several processes as if they were one; the largest peak.
 * @param {Sample[]} samples
 */
function merge(samples) {
  const cpuTimes = samples.flatMap(({ cpu_ms }) => cpu_ms ?? []);
  return {
    name: samples[0]?.name,
    median_ms: round(median(samples.flatMap(({ times_ms, median_ms }) => times_ms ?? [median_ms])), 2),
    ...(cpuTimes.length > 0 && { cpu_ms: round(median(cpuTimes), 2) }),
    min_ms: round(Math.min(...samples.map(({ min_ms }) => min_ms)), 2),
    max_ms: round(Math.max(...samples.map(({ max_ms }) => max_ms)), 2),
    peak_mb: round(Math.max(...samples.map(({ peak_mb }) => peak_mb)), 1),
  };
}

/** @param {readonly number[]} numbers */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {Awaited<ReturnType<typeof measure>>[]} measurements */
function table(measurements) {
  const rows = [
    [
      "bench",
      "size",
      "threads",
      "ours ms",
      "min–max",
      "peak MB",
      "peer",
      "peer ms",
      "min–max",
      "peak MB",
      "ratio",
      "by CPU",
    ],
    ...measurements.map(({ bench, params, median_ms, min_ms, max_ms, peak_mb, peer, ratio, cpu_ratio }) => [
      params.part ?? bench,
      params.size,
      params.threads,
      median_ms.toFixed(0),
      `${min_ms.toFixed(0)}–${max_ms.toFixed(0)}`,
      peak_mb.toFixed(0),
      peer ? peer.name : "not available",
      peer ? peer.median_ms.toFixed(0) : "–",
      peer ? `${peer.min_ms.toFixed(0)}–${peer.max_ms.toFixed(0)}` : "–",
      peer ? peer.peak_mb.toFixed(0) : "–",
      ratio === null ? "–" : ratio.toFixed(2),
      cpu_ratio?.toFixed(2) ?? "–",
    ]),
  ].map((row) => row.map(String));
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** @param {number} value @param {number} digits */
function round(value, digits) {
  return Number(value.toFixed(digits));
}

/** @param {string} text */
function note(text) {
  process.stderr.write(`${text}\n`);
}
