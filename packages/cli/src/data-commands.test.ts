import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LAYOUT_NAMES, readLabelFile, writePhantomDataset, writeVolumeFile } from "@plseg/data/node";
import { type CapturedOutput, captureOutput } from "@plseg/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LAYOUTS } from "./layout-names.js";
import { runPlseg } from "./program.js";

let root = "";
const at = (...parts: string[]): string => join(root, ...parts);
const run = (...args: string[]): Promise<CapturedOutput> => captureOutput(() => runPlseg(args));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-data-"));
  await writePhantomDataset({ out: at("full"), cases: 2, testCases: 1, size: 16, variety: 0, seed: 1 });
  // The same as plain pairs, in which a liver is 10 and a spleen 20.
  for (const id of ["case_0001", "case_0002"]) {
    const labels = await readLabelFile(at("full/labelsTr", `${id}.nii.gz`));
    const data = labels.data.map((index) => [0, 10, 20][index] ?? 0);
    await writeVolumeFile(at("pairs", `${id}_seg.nii.gz`), { ...labels, data }, { labels: true });
    const image = await readFile(at("full/imagesTr", `${id}_0000.nii.gz`));
    await writeFile(at("pairs", `${id}_ct.nii.gz`), image);
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

test("--layout takes every layout that the library knows", () => expect(LAYOUTS).toEqual(LAYOUT_NAMES));

describe("plseg data inspect", () => {
  test("writes a page with a picture of each case, problems and states", async () => {
    const { code, stdout } = await run("data", "inspect", at("pairs"), "--report", at("pairs.html"));
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining("layout       pairs of image and label map, 2 training cases"),
    ]);
    expect(stdout).toMatch(/1 +label_10 +10 +2 +0 +0\n/);
    const page = await readFile(at("pairs.html"), "utf8");
    expect(page.match(/src="data:image\/png;base64,iVBOR/g)).toHaveLength(4);
    expect(page).toContain("<figcaption>case_0001: label_10, label_20</figcaption>");
    for (const title of ["Problems", "Classes", "Scans", "Pictures", "What is labeled"])
      expect(page).toContain(`<h2>${title}</h2>`);
    expect(page).not.toMatch(/https?:|url\(/);
  });

  test("is told layout, classes and patterns", async () => {
    const names = "background,liver,spleen";
    const strange = await run("data", "inspect", at("pairs"), "--classes", names, "--json");
    expect([strange.code, JSON.parse(strange.stdout).problems[0].message]).toEqual([
      1,
      expect.stringContaining("label values must belong to a class, got 10 ("),
    ]);
    const wrong = await run("data", "inspect", at("pairs"), "--layout", "flare");
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("is not in the layout flare")]);
    const usage = await run("data", "inspect", at("pairs"), "--layout", "flair");
    expect([usage.code, usage.stderr]).toEqual([2, expect.stringContaining("Allowed choices are nnunet, decathlon")]);
  });
});

describe("plseg data convert", () => {
  test("merges datasets by a file", async () => {
    const config = [
      "version: 1",
      "classes: [background, spleen, liver]",
      "datasets:",
      "  - {path: pairs, map: {10: liver, 20: spleen}, cases: {case_0002: {annotated: [liver]}}}",
      "  - {path: full, prefix: full_, only: [case_0001], map: {left_kidney: null, right_kidney: null, stomach: null, aorta: null}}",
    ];
    await writeFile(at("merge.yaml"), config.join("\n"));
    const { code, stdout, stderr } = await run("data", "convert", "--config", at("merge.yaml"), "--out", at("merged"));
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("merged: 3 training and 0 held-out cases\n");
    expect(stdout).toMatch(/1 +spleen +2\n2 +liver +3\n/);
    const inspected = await run("data", "inspect", at("merged"), "--json");
    const { cases, problems } = JSON.parse(inspected.stdout);
    expect(cases[1].classes.map(({ state }: { state: string }) => state)).toEqual(["unannotated", "present"]);
    expect(problems.map(({ severity }: { severity: string }) => severity)).toEqual(["error"]); // the same scan twice
    const again = await run("data", "convert", at("."), "--config", at("merge.yaml"), "--out", at("merged"));
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("nothing is overwritten")]);
  });

  test("converts one folder", async () => {
    const args = ["data", "convert", at("full"), "--out", at("copy"), "--json"];
    const { code, stdout } = await run(...args);
    const { complete, cases, classes } = JSON.parse(stdout);
    expect([code, complete, cases.length, classes.length]).toEqual([0, true, 3, 7]);
  });

  test("calls it bad usage if it is not clear what is meant", async () => {
    const none = await run("data", "convert", "--out", at("x"));
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringContaining("give the folder of a dataset, or a file with --config"),
    ]);
    const both = await run("data", "convert", "--out", at("x"), "--config", "m.yaml", "--layout", "bids");
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("--layout cannot be given with --config")]);
  });
});

describe("plseg data mask", () => {
  test("prints the hash of what is kept, and how often", async () => {
    const { code, stdout } = await run("data", "mask", at("full"), "--out", at("masked"), "--keep", "3", "--seed", "5");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /masked: at most 3 of 6 classes annotated in 2 cases, seed 5\nsha256 of the mask table: [0-9a-f]{64}\n/,
    );
    const again = await run("data", "mask", at("full"), "--out", at("again"), "--keep", "3", "--seed", "5", "--json");
    const { sha256, kept } = JSON.parse(again.stdout);
    expect(stdout).toContain(sha256);
    expect(Object.values(kept)).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

describe("plseg data export-nnunet", () => {
  test("warns where no case is complete", async () => {
    await writePhantomDataset({ out: at("partial"), cases: 2, size: 16, annotated: 2 });
    const { code, stdout, stderr } = await run("data", "export-nnunet", at("partial"), "--out", at("Dataset501_Part"));
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining("warning: in no training case is every class annotated"),
    ]);
    expect(stdout).toMatch(
      /2 training cases, in 0 of them every class is annotated\nignored: \d\d\.\d % of the training voxels, label 7\n/,
    );
    const full = await run("data", "export-nnunet", at("full"), "--out", at("Dataset502_Full"), "--json");
    expect([full.stderr, JSON.parse(full.stdout).ignored]).toEqual(["", 0]);
  });
});
