import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { ConfigError, DataError, ResourceError } from "@plseg/core";

/** TensorFlow's C library, as it lies in a folder. */
export interface Libtensorflow {
  /** Of the C library: `libtensorflow_cc.so.2` in Python's package, `libtensorflow.so.2` in the C archive. */
  readonly library: string;
  /** Of `libtensorflow_framework.so.2`, which the former needs. */
  readonly framework: string;
  /** Folder of the headers; it holds `tensorflow/c/c_api.h`. */
  readonly headers: string;
  /** Such as `2.21.0`; `undefined` if no header tells it. */
  readonly version: string | undefined;
}

/** Options of {@link linkLibtensorflow}. */
export interface LinkOptions {
  /** Folder of Python's package `tensorflow`, or of the unpacked C archive. */
  readonly folder: string;
  /** Folder of the package `tfjs-node` or `tfjs-node-gpu` to build; found from the working folder unless told. */
  readonly target?: string;
  /** Called with each step before it is taken. */
  readonly onStep?: (step: string) => void;
  /** Runs a command and resolves to its exit status and output. */
  readonly execute?: typeof runCommand;
}

const PACKAGES = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"];

/**
 * Builds the addon of tfjs-node against a TensorFlow library that is on this machine, instead of the one of 2022 that its own
 * install script downloads (2.9.1, CUDA 11.2). Linux only: elsewhere its build rules want files that TensorFlow no longer
 * ships.
 *
 * Two links are put where the build looks for the library (`deps/lib`), one for the headers (`deps/include`), and the
 * addon is told to find the library where it is at run time, so that the library finds its own neighbors there, such as
 * Python's `nvidia-*` packages.
 *
 * @throws ConfigError if this is not Linux; DataError if the folder is not TensorFlow's; ResourceError if tfjs-node is
 * missing, or the addon does not build or load.
 */
export async function linkLibtensorflow(options: LinkOptions): Promise<Libtensorflow> {
  const { folder, onStep = () => undefined, execute = runCommand } = options;
  if (process.platform !== "linux")
    throw new ConfigError(`linkLibtensorflow: this works on Linux only, not on ${process.platform}.`);
  const found = findLibtensorflow(folder);
  onStep(`found TensorFlow ${found.version ?? "of unknown version"}: ${found.library}`);
  const target = options.target ?? findTfjsNode();
  if (!existsSync(join(target, "binding.gyp")))
    throw new ResourceError(`linkLibtensorflow: ${target} is not a package of tfjs-node: it has no binding.gyp.`);

  onStep(`linking it into ${join(target, "deps")}`);
  await link(found, target);

  const compiler = findNodeHeaders();
  onStep(`building the addon with node-gyp${compiler ? "" : "; it downloads the headers of Node"}`);
  const gyp = createRequire(join(target, "package.json")).resolve("@mapbox/node-pre-gyp/bin/node-pre-gyp");
  const rpath = [found.library, found.framework].map((file) => `-Wl,-rpath,${dirname(file)}`).join(" ");
  const built = await execute(
    process.execPath,
    [gyp, "install", "--build-from-source", ...(compiler ? [`--nodedir=${compiler}`] : [])],
    { cwd: target, env: { LDFLAGS: `${process.env.LDFLAGS ?? ""} ${rpath}`.trim() } },
  );
  if (built.status !== 0)
    throw new ResourceError(
      `linkLibtensorflow: the addon did not build. ${buildAdvice(built.output)}\n${tail(built.output)}`,
    );

  onStep("loading the addon");
  const loaded = await execute(process.execPath, ["-e", LOAD, target], { cwd: target, env: {} });
  if (loaded.status !== 0)
    throw new ResourceError(
      `linkLibtensorflow: the addon was built but does not load. ${loadAdvice(loaded.output)}\n${tail(loaded.output)}`,
    );
  onStep(`TensorFlow.js runs on TensorFlow ${loaded.output.trim().split("\n").at(-1)}`);
  return found;
}

/** Loads the package in its first argument, as `importTfjsNode` does, and prints the version of its library. */
const LOAD = `
const util = require("node:util");
util.isNullOrUndefined ??= (value) => value === undefined || value === null;
util.isArray ??= Array.isArray;
const tf = require(process.argv[1]);
console.log(tf.backend().binding.TF_Version);
`;

/**
 * Looks for the library and its headers in a folder.
 *
 * @throws DataError that says what is missing.
 */
export function findLibtensorflow(folder: string): Libtensorflow {
  const root = resolve(folder);
  const libraryIn = (names: readonly string[]): string | undefined =>
    [root, join(root, "lib")]
      .flatMap((place) => names.flatMap((name) => filesNamed(place, name)))
      .find((file) => existsSync(file));
  const library = libraryIn(["libtensorflow_cc.so", "libtensorflow.so"]);
  const framework = libraryIn(["libtensorflow_framework.so"]);
  const headers = join(root, "include");
  const missing = [
    ...(library ? [] : ["libtensorflow_cc.so.2 or libtensorflow.so.2"]),
    ...(framework ? [] : ["libtensorflow_framework.so.2"]),
    ...(existsSync(join(headers, "tensorflow/c/c_api.h")) ? [] : ["include/tensorflow/c/c_api.h"]),
    ...(existsSync(join(headers, "tensorflow/c/eager/c_api.h")) ? [] : ["include/tensorflow/c/eager/c_api.h"]),
  ];
  if (!library || !framework || missing.length > 0)
    throw new DataError(
      `linkLibtensorflow: ${root} lacks ${missing.join(", ")}. Give the folder of Python's package (python3 -c "import tensorflow; print(tensorflow.sysconfig.get_lib())"), or of the unpacked archive libtensorflow.`,
    );
  return { library, framework, headers, version: versionIn(headers) };
}

/** `name`, `name.2`, `name.2.21.0` …, the one with the fewest numbers first. */
function filesNamed(folder: string, name: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file === name || file.startsWith(`${name}.`))
    .sort((a, b) => a.length - b.length)
    .map((file) => join(folder, file));
}

function versionIn(headers: string): string | undefined {
  const candidates = ["release_version.h", "version.h"].map((name) => join(headers, "tensorflow/core/public", name));
  for (const path of candidates.filter(existsSync)) {
    const text = readFileSync(path, "utf8");
    const [major, minor, patch] = ["MAJOR", "MINOR", "PATCH"].map(
      (part) => new RegExp(`#define TF_${part}_VERSION\\s+(\\d+)`).exec(text)?.[1],
    );
    if (major && minor && patch) return `${major}.${minor}.${patch}`;
  }
  return undefined;
}

/** Makes `deps` anew beside the old one and puts it in its place, so that there is always a whole one. */
async function link({ library, framework, headers }: Libtensorflow, target: string): Promise<void> {
  const [deps, fresh] = [join(target, "deps"), join(target, `deps.${process.pid}`)];
  await rm(fresh, { recursive: true, force: true });
  await mkdir(join(fresh, "lib"), { recursive: true });
  await symlink(headers, join(fresh, "include"));
  await symlink(library, join(fresh, "lib/libtensorflow.so"));
  await symlink(framework, join(fresh, "lib/libtensorflow_framework.so"));
  await rm(deps, { recursive: true, force: true });
  await rename(fresh, deps);
}

function findTfjsNode(): string {
  for (const name of PACKAGES)
    try {
      return dirname(createRequire(join(process.cwd(), "package.json")).resolve(`${name}/package.json`));
    } catch {
      // not this one
    }
  throw new ResourceError(
    `linkLibtensorflow: neither ${PACKAGES.join(" nor ")} is installed in ${process.cwd()}. Run \`npm install @tensorflow/tfjs-node --ignore-scripts\` there: without its script, which downloads an old library.`,
  );
}

/** The folder above `include/node`, if this Node came with its headers. */
function findNodeHeaders(): string | undefined {
  const root = dirname(dirname(process.execPath));
  return existsSync(join(root, "include/node/node_api.h")) ? root : undefined;
}

function buildAdvice(output: string): string {
  if (/not found: (make|g\+\+|c\+\+)|find Python|no acceptable C compiler/i.test(output))
    return "It takes a C++ compiler, make and Python 3 (Debian: apt-get install g++ make python3).";
  if (/ENOTFOUND|ECONNREFUSED|EAI_AGAIN|network/i.test(output))
    return "node-gyp could not download the headers of Node. Install Node with its headers, so that include/node/node_api.h lies beside bin/node.";
  if (/undefined reference|cannot find -ltensorflow/.test(output))
    return "The library does not have the C interface that tfjs-node calls. Is it TensorFlow 2?";
  return "The end of the output:";
}

function loadAdvice(output: string): string {
  const library = /(lib\S+\.so\S*): cannot open shared object file/.exec(output)?.[1];
  if (library) return `It needs ${library}, which is not found. Add its folder to LD_LIBRARY_PATH.`;
  if (/Illegal instruction|SIGILL/.test(output)) return "TensorFlow was built for a newer processor than this one.";
  return "The end of the output:";
}

const tail = (output: string): string => output.trim().split("\n").slice(-12).join("\n");

/** Runs a command to its end. */
function runCommand(
  command: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<{ status: number | NodeJS.Signals; output: string }> {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const take = (chunk: Buffer): void => {
      output += chunk;
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (error) => done({ status: 1, output: error.message }));
    child.on("close", (status, signal) =>
      done({ status: signal ?? status ?? 1, output: signal ? `${output}\n${signal}` : output }),
    );
  });
}
