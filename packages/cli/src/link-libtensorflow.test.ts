import { mkdir, mkdtemp, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DataError, ResourceError } from "@plseg/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findLibtensorflow, type LinkOptions, linkLibtensorflow } from "./link-libtensorflow.js";

let root = "";
const at = (...parts: string[]): string => join(root, ...parts);
const touch = async (path: string, content = ""): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-link-"));
  // as Python's package has it, and as the C archive has it
  for (const library of [
    "wheel/libtensorflow_cc.so.2",
    "archive/lib/libtensorflow.so.2.9.1",
    "archive/lib/libtensorflow.so",
  ])
    await touch(at(library));
  for (const framework of ["wheel/libtensorflow_framework.so.2", "archive/lib/libtensorflow_framework.so.2"])
    await touch(at(framework));
  for (const folder of ["wheel", "archive"])
    for (const header of ["c_api.h", "eager/c_api.h"]) await touch(at(folder, "include/tensorflow/c", header));
  const version = "#define TF_MAJOR_VERSION 2\n#define TF_MINOR_VERSION 21\n#define TF_PATCH_VERSION 0\n";
  await touch(at("wheel/include/tensorflow/core/public/release_version.h"), version);
  await touch(at("tfjs-node/binding.gyp"));
  await touch(at("tfjs-node/package.json"), "{}");
  await touch(at("tfjs-node/deps/lib/libtensorflow.so"), "an older one");
  await touch(at("tfjs-node/node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp"));
});
afterAll(() => rm(root, { recursive: true }));

describe("findLibtensorflow", () => {
  test("knows Python's package and the C archive", () => {
    expect(findLibtensorflow(at("wheel"))).toEqual({
      library: at("wheel/libtensorflow_cc.so.2"),
      framework: at("wheel/libtensorflow_framework.so.2"),
      headers: at("wheel/include"),
      version: "2.21.0",
    });
    expect(findLibtensorflow(at("archive"))).toMatchObject({
      library: at("archive/lib/libtensorflow.so"),
      version: undefined,
    });
  });

  test("says what a folder lacks", () => {
    expect(() => findLibtensorflow(at("tfjs-node"))).toThrow(DataError);
    expect(() => findLibtensorflow(at("tfjs-node"))).toThrow(
      "tfjs-node lacks libtensorflow_cc.so.2 or libtensorflow.so.2, libtensorflow_framework.so.2, include/tensorflow/c/c_api.h, include/tensorflow/c/eager/c_api.h. Give the folder of Python's package",
    );
  });
});

describe.skipIf(process.platform !== "linux")("linkLibtensorflow", () => {
  type Execute = NonNullable<LinkOptions["execute"]>;

  /** Links with builders that give these answers in turn; their output is what a compiler or loader would say. */
  async function linked(
    ...answers: Awaited<ReturnType<Execute>>[]
  ): Promise<{ calls: Parameters<Execute>[]; steps: string[] }> {
    const calls: Parameters<Execute>[] = [];
    const steps: string[] = [];
    await linkLibtensorflow({
      folder: at("wheel"),
      target: at("tfjs-node"),
      onStep: (step) => void steps.push(step),
      execute: async (...call) => {
        calls.push(call);
        return answers.shift() ?? { status: 0, output: "2.21.0\n" };
      },
    });
    return { calls, steps };
  }

  test("puts links where the build looks, and tells the addon where the library is", async () => {
    const { calls, steps } = await linked();
    expect(await readlink(at("tfjs-node/deps/lib/libtensorflow.so"))).toBe(at("wheel/libtensorflow_cc.so.2"));
    expect(await readlink(at("tfjs-node/deps/lib/libtensorflow_framework.so"))).toBe(
      at("wheel/libtensorflow_framework.so.2"),
    );
    expect(await readlink(at("tfjs-node/deps/include"))).toBe(at("wheel/include"));
    const [build, load] = calls;
    expect(build?.[1].slice(0, 3)).toEqual([
      at("tfjs-node/node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp"),
      "install",
      "--build-from-source",
    ]);
    expect(build?.[2].env.LDFLAGS).toContain(`-Wl,-rpath,${at("wheel")}`);
    expect(load?.[1].at(-1)).toBe(at("tfjs-node"));
    expect(steps.at(0)).toBe(`found TensorFlow 2.21.0: ${at("wheel/libtensorflow_cc.so.2")}`);
    expect(steps.at(-1)).toBe("TensorFlow.js runs on TensorFlow 2.21.0");
  });

  test.each([
    ["make: not found: make", "It takes a C++ compiler, make and Python 3"],
    ["getaddrinfo ENOTFOUND nodejs.org", "node-gyp could not download the headers of Node."],
    ["undefined reference to `TFE_NewContext'", "The library does not have the C interface that tfjs-node calls"],
  ])("explains a build that ends with %j", async (output, advice) => {
    const built = linked({ status: 1, output });
    await expect(built).rejects.toThrow(ResourceError);
    await expect(built).rejects.toThrow(`the addon did not build. ${advice}`);
  });

  test.each([
    ["libcudart.so.12: cannot open shared object file", "It needs libcudart.so.12, which is not found."],
    ["\nSIGILL", "TensorFlow was built for a newer processor than this one."],
  ])("explains an addon that does not load: %j", async (output, advice) => {
    const loaded = linked({ status: 0, output: "" }, { status: 1, output });
    await expect(loaded).rejects.toThrow(`the addon was built but does not load. ${advice}`);
  });

  test("says where tfjs-node is not", async () => {
    const here = linkLibtensorflow({ folder: at("wheel") });
    await expect(here).rejects.toThrow("npm install @tensorflow/tfjs-node --ignore-scripts");
    const wrong = linkLibtensorflow({ folder: at("wheel"), target: at("archive") });
    await expect(wrong).rejects.toThrow("is not a package of tfjs-node: it has no binding.gyp");
  });
});
