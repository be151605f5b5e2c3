import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError, ResourceError } from "@plseg/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { writeFileAtomic } from "./write-file-atomic.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plseg-atomic-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

describe("writeFileAtomic", () => {
  test("writes and overwrites, and makes missing folders", async () => {
    const path = join(folder, "a", "b", "file.txt");
    await writeFileAtomic(path, "one");
    await writeFileAtomic(path, Uint8Array.of(0x74, 0x77, 0x6f));
    expect(await readFile(path, "utf8")).toBe("two");
    expect(await readdir(join(folder, "a", "b"))).toEqual(["file.txt"]);
  });

  test("says that the disk is full, leaves nothing behind and the old file as it was", async () => {
    const path = join(folder, "file.txt");
    await writeFile(path, "old");
    const handle = await open(path);
    const prototype: { sync: () => Promise<void> } = Object.getPrototypeOf(handle);
    await handle.close();
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    vi.spyOn(prototype, "sync").mockRejectedValue(full);
    const failed = writeFileAtomic(path, "new");
    await expect(failed).rejects.toThrow(
      new ResourceError(`writeFileAtomic: ${path} could not be written: the disk is full. Free some space.`),
    );
    await expect(failed).rejects.toMatchObject({ code: "ERR_RESOURCE", cause: full });
    expect(await readdir(folder)).toEqual(["file.txt"]);
    expect(await readFile(path, "utf8")).toBe("old");
  });

  test("names a path that cannot be written, and leaves nothing behind", async () => {
    await writeFile(join(folder, "file"), "");
    await mkdir(join(folder, "taken", "inside"), { recursive: true });
    const below = writeFileAtomic(join(folder, "file", "x.txt"), "new");
    await expect(below).rejects.toThrow(DataError);
    await expect(below).rejects.toThrow("a part of the path is a file, not a folder");
    await expect(writeFileAtomic(join(folder, "taken"), "new")).rejects.toThrow("there is a folder of that name");
    expect((await readdir(folder)).sort()).toEqual(["file", "taken"]);
  });
});
