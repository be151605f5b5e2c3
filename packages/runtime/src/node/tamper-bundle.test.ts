import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError, Random } from "@plseg/core";
import { drawWeights, listWeights, plSegUnet, storedShape, writeSafetensors } from "@plseg/models";
import "@plseg/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportModel } from "../export-model.js";
import { verifyBundle } from "./verify-bundle.js";
import { writeBundle } from "./write-bundle.js";

/** Changed bits of each file. `PLSEG_TAMPER=5000 npx vitest run packages/runtime/src/node/tamper-bundle.test.ts` tries more. */
const BITS = Number(process.env.PLSEG_TAMPER ?? 40);

const FILES = [
  ...["bundle.json", "model.onnx", "weights.safetensors"],
  ...["check/image.nii.gz", "check/labels.nii.gz", "check/answer.json"],
];

let root = "";
let folder = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-tamper-"));
  folder = join(root, "bundle");
  const network = plSegUnet({ classes: 2, features: [2, 4], deepSupervision: false });
  const specs = listWeights(network, [1, 8, 8, 8, 1]);
  const weights = drawWeights(specs, 1);
  const tensors = specs.map(({ name, shape }) => {
    return [name, { dtype: "F32", shape: storedShape(shape), data: weights.get(name) ?? new Float32Array(0) }] as const;
  });
  await writeBundle(join(root, "sound"), {
    manifest: {
      classes: [
        { name: "background", color: [0, 0, 0], labelValue: 0 },
        { name: "liver", color: [200, 90, 60], labelValue: 4 },
      ],
      spacing: [3, 3, 3],
      orientation: "RAS",
      intensity: { level: 40, width: 400 },
      patchSize: [8, 8, 8],
      network: { kind: "plSegUnet", features: [2, 4], dropout: [0], inChannels: 1, deepSupervision: false },
      provenance: { method: "pl-seg", annotatedCases: { liver: 2 }, trainingCases: 2, plseg: "0.1.0" },
    },
    model: exportModel({ network, weights, patchSize: [8, 8, 8] }),
    weights: writeSafetensors(new Map(tensors)),
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Verifies a copy of the sound bundle after a change to it. */
async function verifyAfter(change: (path: (name: string) => string) => Promise<void>): Promise<unknown> {
  await rm(folder, { recursive: true, force: true });
  await cp(join(root, "sound"), folder, { recursive: true });
  await change((name) => join(folder, name));
  return verifyBundle(folder);
}

describe("a bundle that was tampered with", () => {
  test("passes as long as nothing was changed", async () => {
    expect(await verifyAfter(async () => {})).toMatchObject({ passed: true, files: FILES.length - 1 });
  });

  test.each(FILES)("is refused whichever bit of %s is changed", async (name) => {
    const sound = await readFile(join(root, "sound", name));
    const random = Random.of(name);
    for (let k = 0; k < BITS; k++) {
      const at = random.integer(sound.length);
      const bytes = Uint8Array.from(sound);
      bytes[at] = (bytes[at] as number) ^ (1 << random.integer(8));
      const what = `byte ${at}: ${sound[at]} to ${bytes[at]}`;
      await expect(
        verifyAfter((path) => writeFile(path(name), bytes)),
        what,
      ).rejects.toThrow(DataError);
    }
  });

  test.each(FILES)("is refused if %s is cut short, longer, empty, missing, a link or a folder", async (name) => {
    const bytes = await readFile(join(root, "sound", name));
    const refused = (change: Parameters<typeof verifyAfter>[0]): Promise<void> =>
      expect(verifyAfter(change)).rejects.toThrow(DataError);
    await refused((path) => writeFile(path(name), bytes.subarray(0, bytes.length - 3)));
    await refused((path) => writeFile(path(name), Buffer.concat([bytes, Buffer.from("x")])));
    await refused((path) => writeFile(path(name), ""));
    await refused((path) => rm(path(name)));
    await refused(async (path) => {
      await rm(path(name));
      await symlink(join(root, "sound", name), path(name));
    });
    await refused(async (path) => {
      await rm(path(name));
      await mkdir(path(name));
    });
  });

  test("is refused if any two of its files have changed places", async () => {
    for (const [i, one] of FILES.entries())
      for (const other of FILES.slice(i + 1))
        await expect(
          verifyAfter(async (path) => {
            await rename(path(one), path("aside"));
            await rename(path(other), path(one));
            await rename(path("aside"), path(other));
          }),
          `${one} and ${other}`,
        ).rejects.toThrow(DataError);
  });

  test.each(["extra.txt", "check/extra.nii.gz", "more/a.json"])("is refused if it holds %s", async (name) => {
    const added = verifyAfter(async (path) => {
      await mkdir(path("more"));
      await writeFile(path(name), "x");
    });
    await expect(added).rejects.toThrow(`holds files that bundle.json does not list: ${name}.`);
  });

  test("reads no file outside of its folder", async () => {
    await writeFile(join(root, "secret"), "x");
    const escaped = verifyAfter(async (path) => {
      const manifest = JSON.parse(await readFile(path("bundle.json"), "utf8"));
      manifest.files["../secret"] = { sha256: "0".repeat(64), bytes: 1 };
      await writeFile(path("bundle.json"), JSON.stringify(manifest));
    });
    await expect(escaped).rejects.toThrow("a file must have a relative path inside the bundle");
  });

  test("is refused if its version is of the future", async () => {
    const newer = verifyAfter(async (path) => {
      const text = await readFile(path("bundle.json"), "utf8");
      await writeFile(path("bundle.json"), text.replace('"formatVersion": 1', '"formatVersion": 2'));
    });
    await expect(newer).rejects.toThrow("formatVersion must be 1, got 2. Update plseg if the bundle is newer.");
  });
});
