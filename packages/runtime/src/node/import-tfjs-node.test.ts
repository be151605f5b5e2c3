import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import util from "node:util";
import { ResourceError } from "@plseg/core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { importTfjsNode, restoreUtil } from "./import-tfjs-node.js";

const mutable = util as unknown as Record<string, unknown>;
const own = { isNullOrUndefined: mutable.isNullOrUndefined, isArray: mutable.isArray };

afterEach(() => {
  Object.assign(mutable, own);
  vi.restoreAllMocks();
});

describe("restoreUtil", () => {
  test("gives back what Node 23 took away", () => {
    const bare: Record<string, unknown> = {};
    restoreUtil(bare);
    const { isNullOrUndefined, isArray } = bare as Record<string, (value: unknown) => boolean>;
    expect([undefined, null, 0, ""].map((value) => isNullOrUndefined?.(value))).toEqual([true, true, false, false]);
    expect([[], {}].map((value) => isArray?.(value))).toEqual([true, false]);
  });

  test("leaves alone what is there", () => {
    const isArray = (): boolean => true;
    const bare: Record<string, unknown> = { isArray };
    restoreUtil(bare);
    expect(bare.isArray).toBe(isArray);
  });
});

/** A working folder in which the package is installed, with this source. */
async function installed(source: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "plseg-tfjs-node-"));
  const folder = join(root, "node_modules/@tensorflow/tfjs-node");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "name": "@tensorflow/tfjs-node", "main": "index.js" }');
  await writeFile(join(folder, "index.js"), source);
  vi.spyOn(process, "cwd").mockReturnValue(root);
  return root;
}

describe("importTfjsNode", () => {
  test("loads it from the working folder, on a Node without what it calls", async () => {
    delete mutable.isNullOrUndefined;
    delete mutable.isArray;
    // as tfjs-node does: taken from util when it is called
    const root = await installed(
      'const util = require("util"); globalThis.seen = util.isNullOrUndefined(null) && util.isArray([]);',
    );
    await importTfjsNode("@tensorflow/tfjs-node");
    expect((globalThis as { seen?: boolean }).seen).toBe(true);
    await rm(root, { recursive: true });
  });

  test("says why it does not load", async () => {
    const root = await installed('throw new Error("libtensorflow.so.2: cannot open shared object file\\nmore");');
    const loaded = importTfjsNode("@tensorflow/tfjs-node");
    await expect(loaded).rejects.toThrow(
      new ResourceError(
        "createNodeEngine: the package @tensorflow/tfjs-node is installed but does not load here: libtensorflow.so.2: cannot open shared object file. Install it with `npm install @tensorflow/tfjs-node`, or use the engine compiled. `plseg doctor` explains how to get its native library.",
      ),
    );
    await rm(root, { recursive: true });
  });

  test("says that it is not installed", async () => {
    await expect(importTfjsNode("@tensorflow/tfjs-node-gpu")).rejects.toThrow(
      "the package @tensorflow/tfjs-node-gpu is not installed. Install it with `npm install @tensorflow/tfjs-node-gpu`",
    );
  });
});
