import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** The program of a Chromium to test in. */
const PLSEG_CHROMIUM = "PLSEG_CHROMIUM";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * The program of a browser: what `PLSEG_CHROMIUM` says, one of the usual names on the path, or the one that playwright-core
 * downloads.
 *
 * @throws Error if `PLSEG_CHROMIUM` names no program.
 */
export function findBrowser(env: Readonly<Record<string, string | undefined>> = process.env): string | undefined {
  const named = env[PLSEG_CHROMIUM];
  if (named) {
    if (isProgram(named)) return named;
    throw new Error(`findBrowser: ${PLSEG_CHROMIUM} must be the path of a browser's program, got ${named}.`);
  }
  const onPath = (env.PATH ?? "")
    .split(delimiter)
    .filter(Boolean)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...onPath, chromium.executablePath()].find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
