import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Runs a script beside this file that prints one JSON document. */
export type PythonScript = (script: string, ...args: readonly string[]) => unknown;

/**
 * A Python that has these modules: `python3` or Debian's `/usr/bin/python3`. Without one, says so on stderr, so that
 * tests that are skipped for it do not go unnoticed.
 */
export function pythonWith(modules: readonly string[], packages: string): PythonScript | undefined {
  for (const python of ["python3", "/usr/bin/python3"])
    try {
      execFileSync(python, ["-c", `import ${modules.join(", ")}`], { stdio: "ignore" });
      return (script, ...args) => {
        const path = fileURLToPath(new URL(script, import.meta.url));
        return JSON.parse(execFileSync(python, [path, ...args], { encoding: "utf8", maxBuffer: 2 ** 26 }));
      };
    } catch {
      // It is not there, or lacks a module.
    }
  process.stderr.write(`Skipped: no Python with ${modules.join(", ")} (Debian: apt-get install ${packages}).\n`);
  return undefined;
}
