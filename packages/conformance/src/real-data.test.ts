import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spacingOf } from "@plseg/core";
import { gridMismatch, toCanonical, writeAnnotations } from "@plseg/data";
import {
  inspectDataset,
  loadCase,
  openDataset,
  readLabelFile,
  readVolumeFile,
  writeVolumeFile,
} from "@plseg/data/node";
import { sharedPath } from "@plseg/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ORGANS = [
  ...["liver", "spleen", "left_kidney", "right_kidney", "pancreas", "gallbladder", "stomach", "duodenum", "aorta"],
  ...["inferior_vena_cava", "right_adrenal_gland", "left_adrenal_gland", "urinary_bladder"],
];

/** What README.md of the shared data says may be trusted. */
const ANNOTATED: Readonly<Record<string, readonly string[]>> = {
  ts_example: ORGANS,
  lidc0001: ORGANS.slice(0, 4),
  lidc0004: ORGANS.slice(0, 4),
  lidc0005: ["liver", "right_kidney"],
};

const UNLABELED = ["lidc0002", "lidc0003", "lidc0314", "cort_liver"];

const path = (name: string): string => sharedPath("data", "ct3mm", `${name}.nii.gz`);

describe("the real CT of the shared data", () => {
  test.each([...Object.keys(ANNOTATED).map((id) => `${id}_ct`), ...UNLABELED.map((id) => `${id}_unlabelled_ct`)])(
    "%s reads as Hounsfield units at 3 mm, RAS",
    async (name) => {
      const { data, affine } = await readVolumeFile(path(name));
      expect(data.reduce((a, b) => Math.min(a, b))).toBeGreaterThanOrEqual(-1024);
      expect(data.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(2000);
      for (const mm of spacingOf(affine)) expect(mm).toBeCloseTo(3, 3);
      expect(affine[0]).toBeGreaterThan(0);
      expect(affine[5]).toBeGreaterThan(0);
      expect(affine[10]).toBeGreaterThan(0);
    },
  );

  test("a scan and a label map that are stored in different directions lie on one grid once they are turned", async () => {
    const image = await readVolumeFile(sharedPath("data", "native", "totalseg_512_ct.nii.gz"));
    const labels = await readLabelFile(sharedPath("data", "native", "totalseg_512_seg.nii.gz"));
    expect(gridMismatch(image, labels)).toBeDefined();
    expect(gridMismatch(toCanonical(image).volume, toCanonical(labels).volume)).toBeUndefined();
  });

  test.each(Object.keys(ANNOTATED))("image and labels of %s line up", async (id) => {
    const image = await readVolumeFile(path(`${id}_ct`));
    const labels = await readLabelFile(path(`${id}_seg`));
    expect(gridMismatch(image, labels)).toBeUndefined();
    let [sum, count] = [0, 0];
    for (const [i, label] of labels.data.entries()) {
      if (label !== 1) continue;
      sum += image.data[i] ?? Number.NaN;
      count++;
    }
    expect(count).toBeGreaterThan(10_000);
    // Liver has 40 to 150 HU, with and without contrast.
    expect(sum / count).toBeGreaterThan(20);
    expect(sum / count).toBeLessThan(170);
  });

  test("native scans keep their grid, and a label map of other axes is told apart", async () => {
    const image = await readVolumeFile(sharedPath("data", "native", "totalseg_512_ct.nii.gz"));
    const labels = await readLabelFile(sharedPath("data", "native", "totalseg_512_seg.nii.gz"));
    expect(image.shape).toEqual([20, 512, 512]);
    expect(gridMismatch(image, labels)).toMatch(/^affines differ/);
  });
});

describe("a partially labeled dataset of real CT", () => {
  let root = "";

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "plseg-real-"));
    await mkdir(join(root, "imagesTr"));
    await mkdir(join(root, "labelsTr"));
    for (const id of Object.keys(ANNOTATED)) {
      await cp(path(`${id}_ct`), join(root, "imagesTr", `${id}_0000.nii.gz`));
      await cp(path(`${id}_seg`), join(root, "labelsTr", `${id}.nii.gz`));
    }
    for (const id of UNLABELED) await cp(path(`${id}_unlabelled_ct`), join(root, "imagesTr", `${id}_0000.nii.gz`));
    const labels = Object.fromEntries(["background", ...ORGANS].map((name, i) => [name, i]));
    const description = { channel_names: { "0": "CT" }, labels, numTraining: 4, file_ending: ".nii.gz" };
    await writeFile(join(root, "dataset.json"), JSON.stringify(description));
    const cases = Object.fromEntries(Object.entries(ANNOTATED).map(([id, annotated]) => [id, { annotated }]));
    const manifest = writeAnnotations({ version: 1, classes: ["background", ...ORGANS], cases });
    await writeFile(join(root, "annotations.json"), manifest);
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  test("opens with eight cases, of which four know some organs", async () => {
    const { training } = await openDataset(root);
    const known = training.map(({ id, annotated }) => [id, annotated.filter(Boolean).length - 1]);
    expect(Object.fromEntries(known)).toEqual({
      ...{ ts_example: 13, lidc0001: 4, lidc0004: 4, lidc0005: 2 },
      ...{ lidc0002: 0, lidc0003: 0, lidc0314: 0, cort_liver: 0 },
    });
  });

  test("inspects without an error, and finds the labels that may not be trusted", async () => {
    const { cases, problems } = await inspectDataset(root);
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    const lidc5 = cases.find(({ id }) => id === "lidc0005");
    expect(lidc5?.classes.slice(0, 4).map(({ state }) => state)).toEqual([
      ...["present", "unannotated", "unannotated", "present"],
    ]);
    expect(problems.map(({ file }) => file)).toContain("labelsTr/lidc0005.nii.gz");
  });

  test("loads a case with its unannotated organs as background, and writes it back unchanged", async () => {
    const dataset = await openDataset(root);
    const entry = dataset.training.find(({ id }) => id === "lidc0005");
    if (!entry) throw new Error("lidc0005 is missing");
    const { image, labels } = await loadCase(dataset, entry);
    if (!labels) throw new Error("lidc0005 has no labels");
    expect([...new Set(labels.data)].sort()).toEqual([0, 1, 4]);
    await writeVolumeFile(join(root, "copy.nii.gz"), image);
    await writeVolumeFile(join(root, "copy-labels.nii.gz"), labels, { labels: true });
    expect(await readVolumeFile(join(root, "copy.nii.gz"))).toEqual(image);
    expect(await readLabelFile(join(root, "copy-labels.nii.gz"))).toEqual(labels);
  });
});
