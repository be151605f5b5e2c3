import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as data from "./index.js";
import * as node from "./node/index.js";

test("the README's example runs", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [, code = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const body = code.replace(/^import .*$/gm, "");
  expect(body).toContain("sampler.sample(0)");
  const names = [...code.matchAll(/^import \{ (.*) \} from/gm)].flatMap(([, list = ""]) => list.split(", "));
  const exports: Readonly<Record<string, unknown>> = { ...data, ...node };
  for (const name of names) expect(exports[name], name).toBeTypeOf("function");
  const folder = await mkdtemp(join(tmpdir(), "plseg-readme-"));
  try {
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
    const run = new AsyncFunction(
      ...names,
      "folder",
      `${body}; return { problems, dataset, image, labels, annotated };`,
    );
    const result = await run(...names.map((name) => exports[name]), folder);
    expect(result.problems).toEqual([]);
    expect(result.dataset.training).toHaveLength(3);
    expect([result.image, result.labels, result.annotated].map((array) => array.length)).toEqual([
      ...[2 * 16 * 24 * 24, 2 * 16 * 24 * 24, 2 * 7],
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
