import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBrowser } from "./find-browser.js";

let folder: string;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plseg-find-browser-"));
  program = join(folder, "google-chrome");
  await writeFile(program, "");
  await writeFile(join(folder, "chromium"), ""); // no program
  await chmod(program, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("findBrowser", () => {
  test("finds a program by its usual name on the path", () => {
    expect(findBrowser({ PATH: `${join(folder, "missing")}:${folder}` })).toBe(program);
  });

  test("takes the one that PLSEG_CHROMIUM names, and refuses what is no program", () => {
    expect(findBrowser({ PATH: "", PLSEG_CHROMIUM: program })).toBe(program);
    const none = join(folder, "chromium");
    expect(() => findBrowser({ PATH: folder, PLSEG_CHROMIUM: none })).toThrow(
      `findBrowser: PLSEG_CHROMIUM must be the path of a browser's program, got ${none}.`,
    );
  });
});
