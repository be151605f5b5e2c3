import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scalingAffine } from "@plseg/core";
import { readLabelNames } from "@plseg/data";
import { readLabelFile, readScan, readVolumeFile, writePhantomDataset, writeVolumeFile } from "@plseg/data/node";
import { drawWeights, plSegUnet } from "@plseg/models";
import { type CapturedOutput, captureOutput, dicomFile } from "@plseg/test-kit";
import { describeNetwork } from "@plseg/train";
import { NO_PROGRESS, PRESETS, type RunConfig, writeCheckpoint } from "@plseg/train/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
  await writeCheckpoint(at("run"), "last", { state: { step: 40, tensors }, progress: NO_PROGRESS }, layout);
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
    expect((await readdir(at("out/deep"))).sort()).toEqual(["case_0003.nii.gz", "case_0004.nii.gz"]);
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
      expect(values.reduce((sum, value) => sum + value)).toBeCloseTo(1, 4);
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
