import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const example = readme.match(/```ts\n([\s\S]*?)```/)?.[1] ?? "";

/** Runs a module in a process of its own, so that no other test has registered gradients there. */
function run(code: string): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code], { cwd: folder });
}

describe("tf-gradients", () => {
  test("gives plain Node the gradients that the README's example asks for", async () => {
    const { stdout } = await run(example);
    expect(stdout).toContain("[ 2, 4, 6 ]");
  });

  test("is what makes the difference", async () => {
    await expect(run(example.replace('import "@plseg/tf-gradients";', ""))).rejects.toThrow(
      "Cannot compute gradient: gradient function not found for Square",
    );
  });
});
