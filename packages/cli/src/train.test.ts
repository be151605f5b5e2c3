import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writePhantomDataset } from "@plseg/data/node";
import { createNodeEngine } from "@plseg/runtime/node";
import { type CapturedOutput, captureOutput } from "@plseg/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runPlseg } from "./program.js";
import { runDemo } from "./run-demo.js";

let root = "";
const at = (...parts: string[]): string => join(root, ...parts);

const run = (...args: string[]): Promise<CapturedOutput> => captureOutput(() => runPlseg(args));

const SMALL = { features: [2, 4], patchSize: [16, 16, 16], batch: 1, steps: 4, checkpointEvery: 2 };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-train-"));
  await writePhantomDataset({ out: at("data"), cases: 2, testCases: 1, size: 20, classes: 6, annotated: 2, seed: 1 });
  await writeFile(at("small.json"), JSON.stringify(SMALL));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("plseg train", () => {
  test("trains, and what it leaves predicts, exports, verifies and reports", async () => {
    const trained = await run(
      "train",
      "--data",
      at("data"),
      "--out",
      at("run"),
      "--config",
      at("small.json"),
      "--json",
    );
    expect(trained.stderr.trim().split("\n")).toEqual(
      [1, 2, 3, 4].map((step) => expect.stringContaining(`step ${step}/4`)),
    );
    expect(trained.code).toBe(0);
    expect(JSON.parse(trained.stdout)).toMatchObject({ run: at("run"), step: 4, steps: 4, loss: expect.any(Number) });
    const { seen } = JSON.parse(trained.stdout);
    const organs = ["liver", "spleen", "left_kidney", "right_kidney", "stomach", "aorta"];
    expect(Object.keys(seen).every((name) => organs.includes(name))).toBe(true);
    expect(await readFile(at("run", "report.html"), "utf8")).toContain("How often each organ was seen");
    expect((await readdir(at("run"))).sort()).toEqual(
      [
        "checkpoint-last",
        "checkpoint-previous",
        "config.json",
        "manifest.json",
        "metrics.jsonl",
        "report.html",
        "tensorboard",
      ].sort(),
    );
    const manifest = JSON.parse(await readFile(at("run", "manifest.json"), "utf8"));
    expect(manifest).toMatchObject({ seed: 1, versions: { node: process.versions.node } });

    const predicted = await run(
      ...["predict", "--model", at("run"), "--input", at("data", "imagesTs"), "--output", at("predictions")],
    );
    expect(predicted.code).toBe(0);
    expect(await readdir(at("predictions"))).toContain("case_0003.nii.gz");
    expect((await run("export", "--run", at("run"), "--out", at("bundle"))).code).toBe(0);
    const verified = await run("verify", at("bundle"), "--device", "all");
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/cpu.*pass.*cuda.*webgpu/s) });
  });

  test("goes on with what a bundle knows, at the bundle's spacing, patch and window", async () => {
    const begun = ["train", "--data", at("data"), "--out", at("tuned"), "--from", at("bundle"), "--steps", "2"];
    expect(await run(...begun, "--batch", "1")).toMatchObject({ code: 0 });
    const [config, first] = await Promise.all(
      ["tuned", "run"].map(async (name) => JSON.parse(await readFile(at(name, "config.json"), "utf8"))),
    );
    expect(config).toMatchObject({
      features: [2, 4],
      classes: first.classes,
      from: { path: at("bundle"), distillation: 1 },
    });
    const { reasons: _, ...plan } = first.plan;
    expect(config.plan).toMatchObject(plan);
  });

  test("trains by a plan that data plan made and a person edited", async () => {
    const planned = await run("data", "plan", at("data"), "--out", at("plan.json"), "--spacing", "30,25,25");
    expect(planned).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("multiples of 8") });
    const plan = JSON.parse(await readFile(at("plan.json"), "utf8"));
    expect(plan).toMatchObject({ spacing: [30, 25, 25], reasons: { spacing: "as asked for" } });
    const { fingerprint } = JSON.parse((await run("data", "plan", at("data"), "--json")).stdout);
    expect(fingerprint.cases).toHaveLength(2);

    const { patchSize: _, ...small } = SMALL;
    await writeFile(at("no-patch.json"), JSON.stringify({ ...small, steps: 1 }));
    await writeFile(at("plan.json"), JSON.stringify({ ...plan, patchSize: [8, 16, 8], intensity: "lung" }));
    const train = ["train", "--data", at("data"), "--out", at("planned"), "--config", at("no-patch.json")];
    const trained = await run(...train, "--plan", at("plan.json"), "--workers", "0", "--cache", at("cache"));
    expect(trained).toMatchObject({ code: 0, stdout: expect.stringMatching(/waited for data: [\d.]+ % of/) });
    const config = JSON.parse(await readFile(at("planned", "config.json"), "utf8"));
    expect(config.plan).toMatchObject({
      spacing: [30, 25, 25],
      patchSize: [8, 16, 8],
      intensity: { level: -600, width: 1500 },
    });
    expect(await readdir(at("cache"))).toEqual(["30x25x25mm"]);

    await writeFile(at("plan.json"), JSON.stringify({ ...plan, spacings: 3 }));
    expect(await run(...train.slice(0, 3), "--out", at("no"), "--plan", at("plan.json"))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('plan.json: there is no key "spacings". Did you mean "spacing"?'),
    });
  });

  test("flags go before the file, and the file before the preset", async () => {
    const printed = await run(
      ...["train", "--data", "d", "--out", "o", "--config", at("small.json"), "--steps", "9", "--print-config"],
    );
    expect(JSON.parse(printed.stdout)).toMatchObject({ steps: 9, features: [2, 4], learningRate: 0.01 });
  });

  test("takes the YAML of the README", async () => {
    const [, settings = ""] =
      /```yaml\n([^`]*)```/.exec(await readFile(new URL("../README.md", import.meta.url), "utf8")) ?? [];
    await writeFile(at("readme.yaml"), settings);
    const { code, stdout } = await run(
      "train",
      "--data",
      "d",
      "--out",
      "o",
      "--config",
      at("readme.yaml"),
      "--print-config",
    );
    expect({ code, settings: JSON.parse(stdout) }).toMatchObject({ code: 0, settings: { clipNorm: 12 } });
  });

  test("takes YAML, and what --print-config prints", async () => {
    const print = async (...args: string[]): Promise<unknown> => {
      const { code, stdout, stderr } = await run("train", "--data", "d", "--out", "o", "--print-config", ...args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return JSON.parse(stdout);
    };
    await writeFile(at("splits_final.json"), "[]");
    await writeFile(
      at("settings.yaml"),
      `# fold 2 of nnU-Net's splits
steps: { epochs: 20 }
optimizer: { name: sgd, weightDecay: 3e-5 }
schedule: cosine
validation: { file: splits_final.json, fold: 2 }
`,
    );
    const printed = await print("--preset", "paper", "--config", at("settings.yaml"));
    expect(printed).toMatchObject({
      steps: { epochs: 20 },
      optimizer: { name: "sgd", momentum: 0.99, weightDecay: 3e-5 },
      schedule: { name: "cosine", minLearningRate: 0 },
      validation: { file: at("splits_final.json"), fold: 2 },
      patchSize: [96, 128, 128],
    });
    await writeFile(at("printed.json"), JSON.stringify(printed));
    expect(await print("--config", at("printed.json"))).toEqual(printed);
    await writeFile(at("odd.yaml"), "steps: [1\nbatch: 2");
    const odd = await run("train", "--data", "d", "--out", "o", "--config", at("odd.yaml"));
    expect(odd).toMatchObject({ code: 2, stderr: expect.stringContaining("odd.yaml is not YAML:") });
  });

  test.each([
    ['{ "stepz": 5 }', /small-wrong.json: there is no setting "stepz". Did you mean "steps"\?/],
    ['{ "steps": 2.5 }', /small-wrong.json: steps: expected a whole number of at least 1, got 2.5/],
    ["{", /small-wrong.json is not JSON/],
  ])("says what is wrong with a configuration %s", async (text, message) => {
    await writeFile(at("small-wrong.json"), text);
    const { code, stderr } = await run(
      "train",
      "--data",
      at("data"),
      "--out",
      at("no"),
      "--config",
      at("small-wrong.json"),
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(await readdir(root)).not.toContain("no");
  });

  test("says what is wrong with a patch, and with a dataset that is not there", async () => {
    const bad = await run("train", "--data", at("data"), "--out", at("no"), "--patch", "16,16");
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining("depth,height,width") });
    const lost = await run("train", "--data", at("nowhere"), "--out", at("no"));
    expect(lost).toMatchObject({ code: 1, stderr: expect.stringContaining(at("nowhere")) });
    expect(await readdir(root)).not.toContain("no");
  });

  test("refuses a patch that does not fit into memory before it writes anything", async () => {
    const { code, stderr } = await run("train", "--data", at("data"), "--out", at("no"), "--patch", "512,512,512");
    expect(stderr).toMatch(/needs about [\d.]+ GB of memory, and [\d.]+ GB are free/);
    expect(code).toBe(1);
    expect(await readdir(root)).not.toContain("no");
  });
});

describe("runDemo", () => {
  test("goes the whole road with both methods", async () => {
    const stages: string[] = [];
    const { dice, report, bundle } = await runDemo({
      out: at("demo"),
      engine: await createNodeEngine({ threads: 1 }),
      settings: { features: [2, 4], steps: 2 },
      onStage: (text) => stages.push(text),
    });
    expect(Object.keys(dice)).toEqual(["pl-seg", "unet"]);
    expect(stages.filter((text) => text.startsWith("training"))).toHaveLength(2);
    expect(await readFile(report, "utf8")).toContain("case_0025: scan, truth, prediction by pl-seg");
    expect(await readdir(bundle)).toEqual(expect.arrayContaining(["bundle.json", "model.onnx", "check"]));
  });
});
