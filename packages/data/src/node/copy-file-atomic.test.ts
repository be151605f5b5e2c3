import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { copyFileAtomic } from "./copy-file-atomic.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plseg-copy-"));
  await writeFile(join(folder, "from"), "content");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("copyFileAtomic", () => {
  test.each([false, true])("copies into folders that it makes, hard link: %s", async (hardLink) => {
    const to = join(folder, "a", "b", "to");
    await copyFileAtomic(join(folder, "from"), to, hardLink);
    expect(await readFile(to, "utf8")).toBe("content");
    expect((await stat(to)).ino === (await stat(join(folder, "from"))).ino).toBe(hardLink);
    expect(await readdir(join(folder, "a", "b"))).toEqual(["to"]);
  });

  test("names a path that cannot be written, and leaves nothing behind", async () => {
    await expect(copyFileAtomic(join(folder, "from"), join(folder, "from", "x"))).rejects.toThrow(
      `copyFileAtomic: ${join(folder, "from", "x")} could not be written: a part of the path is a file, not a folder.`,
    );
    await expect(copyFileAtomic(join(folder, "none"), join(folder, "x"))).rejects.toThrow("could not be written");
    expect(await readdir(folder)).toEqual(["from"]);
  });
});
