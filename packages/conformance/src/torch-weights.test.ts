import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DataError } from "@plseg/core";
import {
  float32Of,
  importReferenceUnet,
  readTorchWeights,
  referenceUnetState,
  type SafetensorsTensor,
} from "@plseg/models";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pythonWith } from "./python.js";

/** What `torch-weights.py` says of each tensor. */
type Expected = Readonly<Record<string, { readonly shape: readonly number[]; readonly values: readonly string[] }>>;

const COMMITTED = fileURLToPath(new URL("__golden__", import.meta.url));

const python = pythonWith(["torch"], "python3-torch");

let fresh = "";
beforeAll(async () => {
  fresh = await mkdtemp(join(tmpdir(), "plseg-torch-"));
});
afterAll(() => rm(fresh, { recursive: true, force: true }));

const read = async (...path: string[]): Promise<Uint8Array> => readFile(join(...path));

const numbers = (name: string, tensor: SafetensorsTensor): number[] =>
  /^(I|U|B)[^F]/.test(tensor.dtype)
    ? Array.from(tensor.data as ArrayLike<number | bigint>, Number)
    : Array.from(tensor.dtype === "F64" ? (tensor.data as Float64Array) : float32Of(name, tensor));

/** Every tensor of a file has the shape and exactly the values that PyTorch has. */
function expectTensors(tensors: ReadonlyMap<string, SafetensorsTensor>, expected: Expected): void {
  expect([...tensors.keys()]).toEqual(Object.keys(expected));
  for (const [name, { shape, values }] of Object.entries(expected)) {
    const tensor = tensors.get(name) as SafetensorsTensor;
    expect(tensor.shape, name).toEqual(shape);
    expect(numbers(name, tensor), name).toEqual(values.map((value) => Number(value.replace("inf", "Infinity"))));
  }
}

describe("readTorchWeights", () => {
  test.each(["torch-zip.pth", "torch-legacy.pth"])("reads %s, as PyTorch 1.13 wrote it", async (file) => {
    const expected = JSON.parse(await readFile(join(COMMITTED, "torch-weights.json"), "utf8")) as Expected;
    expect(Object.keys(expected).length).toBeGreaterThan(10);
    expectTensors(readTorchWeights(await read(COMMITTED, file)), expected);
  });

  test("refuses a pickle that would run a command, by the name of what it calls, and does not run it", async () => {
    const bytes = await read(COMMITTED, "torch-evil.pth");
    expect(() => readTorchWeights(bytes)).toThrow(DataError);
    expect(() => readTorchWeights(bytes)).toThrow(
      'the file wants to use "posix.system", which is not needed for weights',
    );
    expect(existsSync("plseg-ran-a-command")).toBe(false);
  });

  test.skipIf(!python)("reads what the PyTorch of this machine writes, and imports its network", async () => {
    const config = {
      classes: 5,
      features: [2, 4, 4, 8],
      inChannels: 1,
      deepSupervision: true,
      upsample: "deconv",
    } as const;
    const state = referenceUnetState(config);
    const shapes = Object.fromEntries([
      ...state.map(({ name, shape }) => [name, shape]),
      ["in_conv.conv_conv.1.num_batches_tracked", []],
    ]);
    const path = join(fresh, "net.pth");
    await writeFile(join(fresh, "state.json"), JSON.stringify({ path, shapes }));
    const expected = python?.("__golden__/torch-weights.py", fresh, join(fresh, "state.json")) as Expected;
    for (const file of ["torch-zip.pth", "torch-legacy.pth"])
      expectTensors(readTorchWeights(await read(fresh, file)), expected);

    const imported = importReferenceUnet(readTorchWeights(await read(path)));
    expect(imported.config).toEqual(config);
    for (const [k, { ours }] of state.entries())
      if ("weight" in ours && !ours.weight.endsWith("running_mean"))
        for (const [i, value] of imported.weights.get(ours.weight)?.entries() ?? [[-1, 0] as const])
          expect(value).toBeCloseTo(Math.sin(i + k), 6);
  });
});
