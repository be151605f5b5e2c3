import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type LabelMap, Random, scalingAffine } from "@plseg/core";
import { connectedComponents, readLabelNames } from "@plseg/data";
import { readLabelFile, readScan, readVolumeFile, writePhantomDataset, writeVolumeFile } from "@plseg/data/node";
import { drawWeights, plSegUnet } from "@plseg/models";
import { type CapturedOutput, captureOutput, dicomFile } from "@plseg/test-kit";

import { describeNetwork, NO_STEPS } from "@plseg/train";
import { NO_PROGRESS, PRESETS, type RunConfig, writeCheckpoint } from "@plseg/train/node";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkPredictions, type Prediction, predictFiles } from "./predict-files.js";
import { runPlseg } from "./program.js";

let root = "";
const at = (...parts: string[]): string => join(root, ...parts);

const { optimizer, schedule, warmup, clipNorm, averageDecay, objective, accumulate } = PRESETS.quick;

const CONFIG: Omit<RunConfig, "data"> = {
  version: 3,
  method: "pl-seg",
  preset: "quick",
  features: [2, 4],
  dropout: [0],
  augmentation: "none",
  batch: 1,
  steps: 40,
  learningRate: 0.01,
  ...{ optimizer, schedule, warmup, clipNorm, averageDecay, objective, accumulate },
  foreground: 0.5,
  plan: {
    version: 1,
    spacing: [11.1, 13.56, 14],
    patchSize: [16, 16, 16],
    intensity: { level: 40, width: 400 },
    reasons: {},
  },
  validateEvery: 20,
  validation: 0.1,
  checkpointEvery: 20,
  keepEvery: 0,
  rollbacks: 5,
  seed: 1,
  classes: ["background", "liver", "<b>spleen</b>"],
  labelValues: [0, 3, 300],
  deepSupervision: true,
  annotatedCases: { liver: 2, "<b>spleen</b>": 1 },
  trainingCases: 3,
  validationCases: [],
  unusedCases: [],
  engine: "compiled",
  device: "cpu",
};

/** Runs a command line. */
const run = (...args: string[]): Promise<CapturedOutput> => captureOutput(() => runPlseg(args));

/** Makes a dataset of phantoms one of the classes of {@link CONFIG}. */
async function keepTwoOrgans(data: string): Promise<void> {
  for (const folder of ["labelsTr", "labelsTs"])
    for (const name of await readdir(join(data, folder))) {
      const map = await readLabelFile(join(data, folder, name));
      const labels = map.data.map((label) => (label <= 2 ? label : 0)) as typeof map.data;
      await writeVolumeFile(join(data, folder, name), { ...map, data: labels }, { labels: true });
    }
  const description = JSON.parse(await readFile(join(data, "dataset.json"), "utf8"));
  const labels = { background: 0, liver: 1, "<b>spleen</b>": 2 };
  await writeFile(join(data, "dataset.json"), JSON.stringify({ ...description, labels }));
  await rm(join(data, "annotations.json"));
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-predict-"));
  await writePhantomDataset({ out: at("data"), cases: 2, testCases: 2, size: [20, 18, 24] });
  await keepTwoOrgans(at("data"));
  await mkdir(at("run"));
  await writeFile(at("run/config.json"), JSON.stringify({ ...CONFIG, data: at("data") }));
  const { layout } = describeNetwork(plSegUnet({ classes: 3, features: CONFIG.features, dropout: CONFIG.dropout }));
  const tensors = { ...layout.pack(drawWeights([...layout.parameters, ...layout.buffers], 5)) };
  await writeCheckpoint(
    at("run"),
    "last",
    { state: { step: 40, tensors, recent: NO_STEPS }, progress: NO_PROGRESS },
    layout,
  );
  const lines = Array.from({ length: 40 }, (_, i) => ({ step: i + 1, loss: 2 - i / 40, terms: {}, seconds: i / 10 }));
  const validation = { step: 40, validation: { dice: 0.75, perClass: { liver: 0.75, "<b>spleen</b>": null } } };
  await writeFile(at("run/metrics.jsonl"), [...lines, validation].map((line) => `${JSON.stringify(line)}\n`).join(""));
  await writeFile(at("run/manifest.json"), JSON.stringify({ commandLine: "plseg train --data <data>" }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("plseg predict", () => {
  test("writes label maps in the scans' own space, named as their cases", async () => {
    const args = ["--model", at("run"), "--input", at("data/imagesTs"), "--output", at("out/deep")];
    const { code, stdout, stderr } = await run("predict", ...args, "--threads", "1", "--json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout).predictions).toHaveLength(2);
    expect((await readdir(at("out/deep"))).sort()).toEqual([
      ...["case_0003.nii.gz", "case_0003.prediction.json", "case_0004.nii.gz", "case_0004.prediction.json"],
      ...["predictions.csv", "predictions.json"],
    ]);
    const image = await readVolumeFile(at("data/imagesTs/case_0003_0000.nii.gz"));
    const labels = await readLabelFile(at("out/deep/case_0003.nii.gz"));
    expect([labels.shape, labels.affine]).toEqual([image.shape, image.affine]);
    const names = await readLabelNames(await readFile(at("out/deep/case_0003.nii.gz")));
    expect(names).toEqual({ background: 0, liver: 3, "<b>spleen</b>": 300 });
    expect([...new Set(labels.data)].every((value) => CONFIG.labelValues.includes(value))).toBe(true);
    expect(new Set(labels.data).size).toBeGreaterThan(1);
  });

  test("writes the probability of each class if asked, of which the label map is the largest", async () => {
    const input = at("data/imagesTs/case_0003_0000.nii.gz");
    const { code } = await run("predict", "-m", at("run"), "-i", input, "-o", at("soft"), "--save-probabilities");
    expect(code).toBe(0);
    const folder = at("soft/case_0003_probabilities");
    expect((await readdir(folder)).sort()).toEqual(["0_background.nii.gz", "1_liver.nii.gz", "2__b_spleen_b_.nii.gz"]);
    const names = (await readdir(folder)).sort();
    const maps = await Promise.all(names.map((name) => readVolumeFile(join(folder, name))));
    const labels = await readLabelFile(at("soft/case_0003.nii.gz"));
    for (const [voxel, label] of labels.data.entries()) {
      const values = maps.map(({ data }) => data[voxel] ?? Number.NaN);
      expect(values.reduce((sum, value) => sum + value)).toBeCloseTo(1, 3); // each is rounded to 16 bits
      expect(CONFIG.labelValues[values.indexOf(Math.max(...values))]).toBe(label);
    }
  });

  test("does the same with a bundle of the run, which verifies", async () => {
    expect(await run("export", "--run", at("run"), "--out", at("bundle"))).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("2 organs"),
    });
    const verified = await run("verify", at("bundle"), "--json");
    expect([verified.code, JSON.parse(verified.stdout).passed]).toEqual([0, true]);
    const input = at("data/imagesTs/case_0003_0000.nii.gz");
    for (const model of ["run", "bundle"]) {
      const { code, stdout } = await run("predict", "-m", at(model), "-i", input, "-o", at(`${model}.nii`));
      expect([code, stdout]).toEqual([0, expect.stringMatching(/case_0003 +\d+\.\d +\d of 2/)]);
    }
    expect(await readFile(at("bundle.nii"))).toEqual(await readFile(at("run.nii")));
  });

  test("segments a folder of DICOM slices as its NIfTI twin, and folders of such folders", async () => {
    const { data, shape, affine } = await readVolumeFile(at("data/imagesTs/case_0003_0000.nii.gz"));
    const [rows, columns] = [shape[1], shape[2]];
    await mkdir(at("dicom/patient"), { recursive: true });
    for (let z = 0; z < shape[0]; z++) {
      const pixels = [...data.subarray(z * rows * columns, (z + 1) * rows * columns)].map(
        (hu) => Math.round(hu) + 1024,
      );
      const position = `0\\0\\${z * affine[10]}`;
      const pixelSpacing = `${affine[5]}\\${affine[0]}`;
      const file = dicomFile({ rows, columns, position, pixelSpacing, pixels, orientation: "-1\\0\\0\\0\\-1\\0" });
      await writeFile(at("dicom/patient", `${z}.dcm`), file);
    }
    const scan = await readScan(at("dicom/patient"));
    expect(scan.shape).toEqual(shape);
    await writeVolumeFile(at("twin.nii"), scan);
    const predict = (input: string, output: string) =>
      run("predict", "-m", at("run"), "-i", at(input), "-o", at(output));
    for (const [input, output] of [
      ["twin.nii", "twin-labels.nii.gz"],
      ["dicom/patient", "patient-labels.nii.gz"],
      ["dicom", "series"],
    ] as const)
      expect(await predict(input, output)).toMatchObject({ code: 0, stderr: "" });
    const twin = await readLabelFile(at("twin-labels.nii.gz"));
    expect(twin.affine).toEqual(scan.affine);
    expect(await readLabelFile(at("patient-labels.nii.gz"))).toEqual(twin);
    expect(await readLabelFile(at("series/patient.nii.gz"))).toEqual(twin);
  });

  test("segments a scan of another spacing on its own grid, and warns if it is much coarser", async () => {
    const image = await readVolumeFile(at("data/imagesTs/case_0003_0000.nii.gz"));
    await writeVolumeFile(at("coarse.nii"), { ...image, affine: scalingAffine([30, 20, 20]) });
    const { code, stderr } = await run(
      "predict",
      "-m",
      at("run"),
      "-i",
      at("coarse.nii"),
      "-o",
      at("coarse-labels.nii"),
    );
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^warning: .*coarse.nii: The scan's voxels are 30\.00 × /),
    ]);
    const labels = await readLabelFile(at("coarse-labels.nii"));
    expect([labels.shape, labels.affine]).toEqual([image.shape, scalingAffine([30, 20, 20])]);
  });

  test("finds out that a bundle was changed", async () => {
    await run("export", "--run", at("run"), "--out", at("changed"));
    const model = await readFile(at("changed/model.onnx"));
    model[model.length >> 1] = (model[model.length >> 1] ?? 0) ^ 1;
    await writeFile(at("changed/model.onnx"), model);
    const { code, stderr } = await run("verify", at("changed"));
    expect([code, stderr]).toEqual([1, expect.stringContaining("model.onnx must have the SHA-256")]);
  });

  test.each([
    [["nowhere", "data/imagesTs", "new"], 1, "nowhere is neither a run"],
    [["run", "nowhere", "new"], 1, "there is no file or folder"],
    [["run", "data", "new"], 1, "holds no .nii or .nii.gz file and no DICOM series"],
    [["run", "data/dataset.json", "new"], 1, "must be a .nii or .nii.gz file, or a folder"],
    [["run", "data/imagesTs", "one.nii.gz"], 2, "so the output must be a folder too"],
    [["run", "data/imagesTs/case_0003_0000.nii.gz", "data/imagesTs/case_0003_0000.nii.gz"], 2, "would be overwritten"],
    [["run", "data/imagesTs", "data/dataset.json/x"], 1, "cannot be written to"],
  ] as const)("refuses %j and leaves nothing", async ([model, input, output], expected, message) => {
    const { code, stdout, stderr } = await run("predict", "-m", at(model), "-i", at(input), "-o", at(output));
    expect([code, stdout]).toEqual([expected, ""]);
    expect(stderr).toContain(message);
    expect(await readdir(at("new")).catch(() => [])).toEqual([]);
  });

  test("leaves no file of a damaged scan", async () => {
    const scan = await readFile(at("data/imagesTs/case_0003_0000.nii.gz"));
    await writeFile(at("damaged.nii.gz"), scan.subarray(0, scan.length >> 1));
    const { code, stderr } = await run("predict", "-m", at("run"), "-i", at("damaged.nii.gz"), "-o", at("empty"));
    expect([code, stderr]).toEqual([1, expect.stringContaining("damaged.nii.gz is damaged")]);
    expect(await readdir(at("empty"))).toEqual([]);
  });

  test("says what is wrong with a run", async () => {
    await cp(at("run"), at("untrained"), { recursive: true });
    await rm(at("untrained/checkpoint-last"), { recursive: true });
    const args = ["-i", at("data/imagesTs"), "-o", at("new")];
    const untrained = await run("predict", "-m", at("untrained"), ...args);
    expect([untrained.code, untrained.stderr]).toEqual([1, expect.stringContaining("holds no checkpoint yet")]);
    await writeFile(at("untrained/config.json"), "{");
    const broken = await run("predict", "-m", at("untrained"), ...args);
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining("config.json is not valid JSON")]);
  });
});

describe("plseg predict, what it measures and clears", () => {
  const SCAN = "data/imagesTs/case_0003_0000.nii.gz";
  const predict = (output: string, ...args: string[]) =>
    run("predict", "-m", at("run"), "-i", at(SCAN), "-o", at(output), ...args);

  test("writes volume, mean and deviation of each organ, one row an organ", async () => {
    expect((await predict("measured", "--json")).code).toBe(0);
    const [image, labels] = [await readVolumeFile(at(SCAN)), await readLabelFile(at("measured/case_0003.nii.gz"))];
    const values = [...image.data].filter((_, voxel) => labels.data[voxel] === 3);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const ml = (values.length * image.affine[0] * image.affine[5] * image.affine[10]) / 1000;
    const [head, liver = "", spleen, ...rest] = (await readFile(at("measured/predictions.csv"), "utf8")).split("\n");
    expect(head).toBe("case,organ,label,voxels,milliliters,mean_hu,standard_deviation_hu");
    expect(liver.split(",").slice(0, 4)).toEqual(["case_0003", "liver", "3", String(values.length)]);
    const [first = 0, second = 0, third = 0] = liver.split(",").slice(4).map(Number);
    expect(first).toBeCloseTo(Math.abs(ml), 3);
    expect(second).toBeCloseTo(mean, 2);
    expect(third).toBeCloseTo(Math.sqrt(variance), 2);
    expect([spleen, rest]).toEqual([expect.stringMatching(/^case_0003,<b>spleen<\/b>,300,\d+,/), [""]]);
    const { predictions } = JSON.parse(await readFile(at("measured/predictions.json"), "utf8"));
    expect(predictions).toEqual([JSON.parse(await readFile(at("measured/case_0003.prediction.json"), "utf8"))]);
    expect(predictions[0].organs[0]).toMatchObject({ organ: "liver", label: 3, voxels: values.length });
  });

  test("keeps the largest part of the organs that are named, and clears what is too small", async () => {
    const noise = new Random(1);
    const shape = [20, 18, 24] as const;
    const data = Float32Array.from({ length: 20 * 18 * 24 }, () => noise.integer(500) - 250);
    await writeVolumeFile(at("noise.nii"), { data, shape, affine: scalingAffine([11, 14, 14]) });
    const predict = (output: string, ...args: string[]) =>
      run("predict", "-m", at("run"), "-i", at("noise.nii"), "-o", at(output), ...args);
    await predict("raw.nii");
    const raw = await readLabelFile(at("raw.nii"));
    const parts = (map: LabelMap) => connectedComponents(map, { connectivity: 6 });
    const voxelsOf = ({ data }: LabelMap, label: number): number => data.filter((value) => value === label).length;
    const partsOf = (map: LabelMap, label: number): number[] =>
      [...parts(map).voxels].filter((_, i) => parts(map).labels[i] === label);
    expect(partsOf(raw, 300).length).toBeGreaterThan(1);

    for (const [output, organs] of [
      ["one-spleen.nii", ["<b>spleen</b>"]],
      ["one-of-each.nii", []],
    ] as const) {
      await predict(output, "--largest-component", ...organs, "--connectivity", "6");
      const cleaned = await readLabelFile(at(output));
      expect(partsOf(cleaned, 300)).toEqual([Math.max(...partsOf(raw, 300))]);
      expect(voxelsOf(cleaned, 3)).toBe(organs.length > 0 ? voxelsOf(raw, 3) : Math.max(...partsOf(raw, 3)));
    }
    const { code, stdout } = await predict(
      "none.nii",
      "--min-volume",
      "liver=1000000",
      "--connectivity",
      "6",
      "--json",
    );
    const { organs } = JSON.parse(stdout).predictions[0];
    expect([code, organs[0]]).toMatchObject([0, { voxels: 0, milliliters: 0, meanHu: null }]);
  });

  test.each([
    [["--largest-component", "livr"], 'there is no class "livr". Did you mean "liver"?'],
    [["--largest-component", "background"], "the background cannot be cleaned"],
    [["--min-volume", "liver=x"], "It must be milliliters"],
    [["--shard", "0/3"], "It must be a part and the number of parts"],
    [["--tta", "left"], 'There is no axis "left"'],
  ])("refuses %j", async (args, message) => {
    expect(await predict("refused.nii", ...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });

  test("averages over mirrored windows", async () => {
    for (const [output, args] of [
      ["plain.nii", []],
      ["height.nii", ["--tta", "height"]],
      ["all.nii", ["--tta"]],
    ] as const)
      expect((await predict(output, ...args)).code).toBe(0);
    const maps = await Promise.all(["plain", "height", "all"].map((name) => readFile(at(`${name}.nii`))));
    expect(new Set(maps.map((bytes) => bytes.toString("base64"))).size).toBe(3);
  });

  test("draws a picture of three planes with a legend", async () => {
    await predict("drawn", "--preview");
    const { width, height, channels } = decode(await readFile(at("drawn/case_0003.png")));
    expect([channels, width > 3 * 250, height > 300]).toEqual([3, true, true]);
  });
});

describe("plseg predict, once more", () => {
  const input = ["data/imagesTr", "data/imagesTs"] as const;
  const predict = (output: string, ...args: string[]) =>
    run("predict", "-m", at("run"), "-i", ...input.map((path) => at(path)), "-o", at(output), ...args);
  const statuses = ({ stdout }: CapturedOutput): Record<string, string> =>
    Object.fromEntries(JSON.parse(stdout).predictions.map((entry: Prediction) => [entry.id, entry.status]));
  const all = (status: string) => Object.fromEntries([1, 2, 3, 4].map((number) => [`case_000${number}`, status]));
  const contents = async (folder: string): Promise<Record<string, string>> => {
    const names = (await readdir(at(folder), { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
    const files = names.map(async ({ name, parentPath }) => {
      const path = join(parentPath, name);
      return [relative(at(folder), path), (await readFile(path)).toString("base64")] as const;
    });
    return Object.fromEntries((await Promise.all(files)).sort());
  };

  test("skips what is whole and the same, and makes again what is not", async () => {
    expect(statuses(await predict("again", "--json", "--preview"))).toEqual(all("predicted"));
    const before = await contents("again");
    const { mtimeMs } = await stat(at("again/case_0001.nii.gz"));
    expect(statuses(await predict("again", "--json"))).toEqual(all("skipped"));
    expect((await stat(at("again/case_0001.nii.gz"))).mtimeMs).toBe(mtimeMs);

    await truncate(at("again/case_0001.nii.gz"), 100);
    await rm(at("again/case_0002.nii.gz"));
    await rm(at("again/case_0004.png"));
    const mended = statuses(await predict("again", "--json", "--preview"));
    expect(mended).toEqual({ ...all("predicted"), case_0003: "skipped" });
    expect(await contents("again")).toEqual(before);

    expect(statuses(await predict("again", "--json", "--overwrite"))).toEqual(all("predicted"));
    expect(statuses(await predict("again", "--json", "--overlap", "0.25"))).toEqual(all("predicted"));
    expect(statuses(await predict("again", "--json", "--overlap", "0.25", "--threads", "1"))).toEqual(all("skipped"));
  });

  test("makes again what is of another scan or model", async () => {
    const scan = at("changing/case_0001.nii.gz");
    await mkdir(at("changing"));
    await cp(at("data/imagesTr/case_0001_0000.nii.gz"), scan);
    const changing = async (model: string): Promise<string> => {
      const { stdout } = await run("predict", "-m", at(model), "-i", at("changing"), "-o", at("changed-out"), "--json");
      return JSON.parse(stdout).predictions[0].status;
    };
    expect([await changing("run"), await changing("run")]).toEqual(["predicted", "skipped"]);
    const { atime, mtime } = await stat(scan);
    const image = await readVolumeFile(scan);
    await writeVolumeFile(scan, { ...image, data: image.data.map((value) => value + 1) });
    await utimes(scan, atime, mtime);
    expect([await changing("run"), await changing("run")]).toEqual(["predicted", "skipped"]);
    await cp(at("run"), at("retrained"), { recursive: true });
    const { plan } = CONFIG;
    const retrained = { ...CONFIG, data: at("data"), plan: { ...plan, intensity: { level: 40, width: 350 } } };
    await writeFile(at("retrained/config.json"), JSON.stringify(retrained));
    expect([await changing("retrained"), await changing("retrained")]).toEqual(["predicted", "skipped"]);
  });

  test("does not replace what a person changed or something else wrote, unless told", async () => {
    await predict("edited");
    const path = at("edited/case_0002.nii.gz");
    const map = await readLabelFile(path);
    map.data[0] = 3;
    await writeVolumeFile(path, map, { labels: true });
    const edited = await readFile(path);
    await rm(at("edited/case_0003.prediction.json"));
    const kept = await predict("edited", "--json");
    expect(statuses(kept)).toEqual({ ...all("skipped"), case_0002: "failed", case_0003: "failed" });
    expect([kept.code, kept.stderr]).toEqual([
      1,
      expect.stringContaining("changed since plseg wrote it. Move it away"),
    ]);
    expect(kept.stderr).toContain("case_0003.nii.gz is there and was not written by plseg predict");
    expect(await readFile(path)).toEqual(edited);
    expect(statuses(await predict("edited", "--json", "--overwrite"))).toEqual(all("predicted"));
    expect(await readFile(path)).not.toEqual(edited);
  });

  test("does the others where one scan is damaged, and says which one in the end", async () => {
    await mkdir(at("mixed"));
    for (const part of ["imagesTr", "imagesTs"]) await cp(at(`data/${part}`), at("mixed"), { recursive: true });
    await truncate(at("mixed/case_0002_0000.nii.gz"), 500);
    const { code, stdout, stderr } = await run("predict", "-m", at("run"), "-i", at("mixed"), "-o", at("mixed-out"));
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: predict: 1 of 4 scans failed:\n {2}case_0002: .*case_0002_0000.nii.gz is damaged/),
    ]);
    expect(stdout).toMatch(/case_0002 +– +– +failed/);
    expect(stdout).toMatch(/case_0004 +\d+\.\d +\d of 2 +written/);
    const { predictions } = JSON.parse(await readFile(at("mixed-out/predictions.json"), "utf8"));
    expect(predictions.map(({ id }: Prediction) => id)).toEqual(["case_0001", "case_0003", "case_0004"]);
  });

  test("reads lists of scans, and refuses two of one name", async () => {
    const list = ["# those of today", at("data/imagesTs"), "", at("data/imagesTr/case_0001_0000.nii.gz")];
    await writeFile(at("list.txt"), list.join("\r\n"));
    const listed = await run("predict", "-m", at("run"), "-i", at("list.txt"), "-o", at("listed"), "--json");
    expect(Object.keys(statuses(listed))).toEqual(["case_0001", "case_0003", "case_0004"]);
    const twice = await run("predict", "-m", at("run"), "-i", at("list.txt"), at("data/imagesTs"), "-o", at("listed"));
    expect(twice).toMatchObject({ code: 1, stderr: expect.stringContaining('are both the case "case_0003"') });
    await writeFile(at("list.txt"), "# nothing\n");
    const nothing = await run("predict", "-m", at("run"), "-i", at("list.txt"), "-o", at("listed"));
    expect(nothing).toMatchObject({ code: 1, stderr: expect.stringContaining("names no file") });
  });

  test("stops before the next window, keeps what is done, and goes on", async () => {
    const controller = new AbortController();
    const options = { model: at("run"), input: input.map((path) => at(path)), output: at("stopped") };
    const stopped = await predictFiles({
      ...options,
      signal: controller.signal,
      onProgress: (_done, _total, id) => id === "case_0002" && controller.abort(),
    });
    expect(stopped.predictions.map(({ status }) => status)).toEqual(["predicted", "left", "left", "left"]);
    expect(() => checkPredictions(stopped)).toThrow("stopped; 3 of 4 scans are left. Run the same command again");
    expect((await readdir(at("stopped"))).filter((name) => name.endsWith(".gz"))).toEqual(["case_0001.nii.gz"]);
    const { predictions } = await predictFiles(options);
    expect(predictions.map(({ status }) => status)).toEqual(["skipped", "predicted", "predicted", "predicted"]);
  });

  /** Another process with the same command line, from source, and its exit code. */
  const start = (...args: string[]): { readonly child: ChildProcess; readonly code: Promise<unknown> } => {
    const loader = new URL("../../../scripts/typescript-in-workers.mjs", import.meta.url).href;
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const child = spawn(
      process.execPath,
      [
        ...["--conditions=@plseg/source", "--import", loader, main, "predict", "-m", at("run"), "--threads", "1"],
        ...["-i", ...input.map((path) => at(path)), ...args],
      ],
      { stdio: "ignore" },
    );
    return { child, code: once(child, "exit").then(([code]) => code) };
  };

  test("gives the same files whether shards run at once, one runs twice, one is killed, or all runs in one", async () => {
    const options = ["--overlap", "0.6", "--largest-component", "--save-probabilities"];
    expect((await predict("whole", ...options)).code).toBe(0);
    const whole = await contents("whole");
    const { "predictions.csv": _csv, "predictions.json": _json, ...files } = whole;

    const shards = ["1/2", "2/2"].map((shard) => start("-o", at("parts"), "--shard", shard, ...options));
    const killed = start("-o", at("killed"), ...options);
    const watch = setInterval(() => {
      if (existsSync(at("killed/case_0001.prediction.json"))) killed.child.kill("SIGKILL");
    }, 1);
    expect(await Promise.all(shards.map(({ code }) => code))).toEqual([0, 0]);
    await killed.code;
    clearInterval(watch);
    expect(await contents("parts")).toEqual(files);
    const twice = await predict("parts", ...options, "--shard", "2/2", "--json");
    expect(statuses(twice)).toEqual({ case_0002: "skipped", case_0004: "skipped" });
    expect(await contents("parts")).toEqual(files);
    expect(statuses(await predict("parts", ...options, "--json"))).toEqual(all("skipped"));
    expect(await contents("parts")).toEqual(whole);

    for (const name of (await readdir(at("killed"))).filter((file) => file.endsWith(".nii.gz")))
      expect((await readFile(at("killed", name))).toString("base64")).toBe(whole[name]);
    await writeFile(at("killed/case_0004.nii.gz.tmp-999999999-00ff00ff"), "what a killed process was writing");
    await writeFile(at("killed/.probabilities.tmp-999999999-00ff00ff"), "");
    expect((await predict("killed", ...options)).code).toBe(0);
    expect(await contents("killed")).toEqual(whole);
  });

  test("has nothing to do in a part without scans", async () => {
    const { code, stdout } = await predict("parts-of-nine", "--shard", "9/9");
    expect([code, stdout]).toEqual([0, "There is no scan in this part.\n"]);
  });
});

describe("plseg report", () => {
  test("writes curves, scores and configuration of a run into it, escaped", async () => {
    const { code, stdout, stderr } = await run("report", at("run"), "--pictures", "1");
    expect([code, stdout, stderr]).toEqual([0, `${at("run/report.html")}\n`, ""]);
    expect(await readdir(at("run/pictures"))).toEqual(["case_0003.png"]);
    const page = await readFile(at("run/report.html"), "utf8");
    for (const part of [
      "Training loss",
      "Validation",
      "0.750",
      "data:image/png;base64,",
      "case_0003",
      "&lt;b&gt;spleen&lt;/b&gt;",
      "plseg train --data &lt;data&gt;",
    ])
      expect(page).toContain(part);
    expect(page).not.toContain("<b>");
  });

  test("draws nothing of a dataset that has other classes", async () => {
    await cp(at("data"), at("other"), { recursive: true });
    const description = JSON.parse(await readFile(at("other/dataset.json"), "utf8"));
    const labels = { background: 0, liver: 1, stomach: 2 };
    await writeFile(at("other/dataset.json"), JSON.stringify({ ...description, labels }));
    await cp(at("run"), at("elsewhere"), { recursive: true });
    await rm(at("elsewhere/pictures"), { recursive: true, force: true });
    await writeFile(at("elsewhere/config.json"), JSON.stringify({ ...CONFIG, data: at("other") }));
    const { code, stderr } = await run("report", at("elsewhere"));
    expect([code, stderr]).toEqual([0, expect.stringContaining("must have the classes of the run")]);
    expect(await readdir(at("elsewhere/pictures")).catch(() => [])).toEqual([]);
  });

  test("does without the dataset, and says so", async () => {
    await cp(at("run"), at("moved"), { recursive: true });
    await rm(at("moved/pictures"), { recursive: true, force: true });
    await writeFile(at("moved/config.json"), JSON.stringify({ ...CONFIG, data: at("gone") }));
    const { code, stdout, stderr } = await run("report", at("moved"), "--json");
    expect([code, JSON.parse(stdout)]).toEqual([0, { report: at("moved/report.html") }]);
    expect(stderr).toMatch(/^warning: no new pictures: .*gone is not a folder/);
  });

  test("says that a folder is no run", async () => {
    const { code, stderr } = await run("report", at("data"));
    expect([code, stderr]).toEqual([1, expect.stringContaining('is no run of "plseg train"')]);
  });
});
