import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { maskDataset, maskTable } from "./mask-dataset.js";
import { openDataset } from "./open-dataset.js";
import { readLabelFile } from "./volume-files.js";
import { writePhantomDataset } from "./write-phantom-dataset.js";

/** Of 3 of 6 classes in 4 cases with seed 7: a seed must choose the same annotations for ever. */
const HASH = "f368080796a6d4b68be0a0cc16ab19e7b8cd860f82c85627942dc35b5e44f5d8";

let root = "";
const at = (...parts: string[]): string => join(root, ...parts);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-mask-"));
  await writePhantomDataset({ out: at("full"), cases: 4, testCases: 1, size: 16, seed: 1 });
  await writePhantomDataset({ out: at("partial"), cases: 4, size: 16, annotated: 3, seed: 1 });
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("maskTable", () => {
  const manifest = {
    ...{ version: 1 as const, classes: ["background", "liver", "spleen"] },
    cases: { case_10: { annotated: ["spleen", "liver"] }, case_1: { annotated: ["spleen"] }, Case: { annotated: [] } },
  };

  test("has a line per case, in the order of names, with classes in the order of the dataset", () => {
    expect(maskTable(manifest)).toBe("Case\t\ncase_1\tspleen\ncase_10\tliver,spleen\n");
  });
});

describe("maskDataset", () => {
  test("keeps as many classes as asked, each equally often, and hides the rest", async () => {
    const { manifest, sha256, kept } = await maskDataset({ dir: at("full"), out: at("two"), keep: 3, seed: 7 });
    expect(kept).toEqual({ liver: 2, spleen: 2, left_kidney: 2, right_kidney: 2, stomach: 2, aorta: 2 });
    expect(sha256).toBe(HASH);
    expect(sha256).toBe(createHash("sha256").update(maskTable(manifest)).digest("hex"));
    expect((await readdir(at("two"))).sort()).toEqual([
      ...["annotations.json", "dataset.json", "imagesTr", "imagesTs", "labelsTr", "labelsTr_full", "labelsTs"],
    ]);
    const { training, test: heldOut, classes } = await openDataset(at("two"));
    expect(heldOut.map(({ annotated }) => annotated.every(Boolean))).toEqual([true]);
    for (const { id, annotated, labels = "", image } of training) {
      const full = await readLabelFile(at("full/labelsTr", `${id}.nii.gz`));
      expect(manifest.cases[id]?.annotated).toEqual(classes.foreground.filter((_, i) => annotated[i + 1]));
      expect((await readLabelFile(labels)).data).toEqual(full.data.map((index) => (annotated[index] ? index : 0)));
      expect(await readLabelFile(at("two/labelsTr_full", `${id}.nii.gz`))).toEqual(full);
      expect(await readFile(image)).toEqual(await readFile(at("full/imagesTr", `${id}_0000.nii.gz`)));
    }
  });

  test("depends on the seed, not on the labels", async () => {
    const again = await maskDataset({ dir: at("full"), out: at("again"), keep: 3, seed: 7 });
    expect(again.sha256).toBe(HASH);
    const other = await maskDataset({ dir: at("full"), out: at("other"), keep: 3, seed: 8 });
    expect(other.sha256).not.toBe(again.sha256);
  });

  test("keeps only what was annotated", async () => {
    const before = await openDataset(at("partial"));
    const { manifest } = await maskDataset({ dir: at("partial"), out: at("fewer"), keep: 2, seed: 0 });
    for (const { id, annotated } of before.training) {
      const names = manifest.cases[id]?.annotated ?? [];
      expect(names).toHaveLength(2);
      for (const name of names) expect(annotated[before.classes.indexOf(name)]).toBe(true);
    }
  });

  test("refuses a folder that holds files, and more classes than there are", async () => {
    const options = { dir: at("full"), keep: 3, seed: 0 };
    await expect(maskDataset({ ...options, out: at("partial") })).rejects.toThrow(
      "must be empty, it holds annotations.json",
    );
    await expect(maskDataset({ ...options, out: at("none"), keep: 7 })).rejects.toThrow("from 1 to 6, got 7");
    expect(await readdir(root)).not.toContain("none");
  });
});
