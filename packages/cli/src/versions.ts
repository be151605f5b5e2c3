import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);

/** What a run, a report and `plseg doctor` name. */
const PACKAGES = [
  "@plseg/cli",
  "@plseg/core",
  "@plseg/data",
  "@plseg/metrics",
  "@plseg/models",
  "@plseg/runtime",
  "@plseg/train",
  "@tensorflow/tfjs-core",
  "onnxruntime-node",
] as const;

/** Version of an installed package. @throws Error if it is not installed. */
export function packageVersion(name: string): string {
  const { version } = JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8"));
  return version;
}

/** Version of a package that may be installed in the working folder; `undefined` if it is not. */
export function installedVersion(name: string): string | undefined {
  try {
    const path = createRequire(join(process.cwd(), "package.json")).resolve(`${name}/package.json`);
    return JSON.parse(readFileSync(path, "utf8")).version;
  } catch {
    return undefined;
  }
}

/** Versions of Node and of the packages that results depend on, by name. */
export function versions(): Record<string, string> {
  return { node: process.versions.node, ...Object.fromEntries(PACKAGES.map((name) => [name, packageVersion(name)])) };
}

/** The command line of this process, as one may type it again. */
export function commandLine(args: readonly string[] = process.argv.slice(2)): string {
  const quoted = args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`));
  return ["plseg", ...quoted].join(" ");
}
