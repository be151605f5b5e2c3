import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Affine, DataError } from "@plseg/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readAnnotations, writeAnnotations } from "../annotations.js";
import { inspectDataset } from "./inspect-dataset.js";
import { loadCase } from "./load-case.js";
import { openDataset } from "./open-dataset.js";
import { readLabelFile, readVolumeFile, writeVolumeFile } from "./volume-files.js";
import { writePhantomDataset } from "./write-phantom-dataset.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-dataset-"));
  await writePhantomDataset({ out: root, cases: 3, testCases: 1, size: 20, annotated: 2, seed: 1 });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const at = (...parts: string[]): string => join(root, ...parts);
const labels1 = () => at("labelsTr", "case_0001.nii.gz");
const image1 = () => at("imagesTr", "case_0001_0000.nii.gz");

async function editJson(file: string, edit: (content: Record<string, unknown>) => void): Promise<void> {
  const content = JSON.parse(await readFile(at(file), "utf8"));
  edit(content);
  await writeFile(at(file), JSON.stringify(content));
}

/** The errors and warnings of a dataset, as `file: field: message`. */
async function problems(): Promise<string[]> {
  return (await inspectDataset(root)).problems.map(({ file, field, message }) => `${file}: ${field}: ${message}`);
}

describe("writePhantomDataset", () => {
  test("writes nnU-Net's layout with partial labels, the whole truth and a manifest", async () => {
    expect((await readdir(root)).sort()).toEqual([
      ...["annotations.json", "dataset.json", "imagesTr", "imagesTs", "labelsTr", "labelsTr_full", "labelsTs"],
    ]);
    const { cases, classes } = readAnnotations(await readFile(at("annotations.json"), "utf8"));
    const { annotated = [] } = cases.case_0001 ?? {};
    const kept = annotated.map((name) => classes.indexOf(name));
    const part = await readLabelFile(labels1());
    const full = await readLabelFile(at("labelsTr_full", "case_0001.nii.gz"));
    expect(kept).toHaveLength(2);
    expect(part.data).toEqual(full.data.map((label) => (kept.includes(label) ? label : 0)));
    expect(new Set(full.data).size).toBeGreaterThan(new Set(part.data).size);
  });

  test("refuses a folder that holds files, and more annotated organs than there are", async () => {
    await expect(writePhantomDataset({ out: root, cases: 1 })).rejects.toThrow(`${root} must be empty, it holds`);
    const out = at("new");
    await expect(writePhantomDataset({ out, cases: 1, annotated: 7 })).rejects.toThrow("from 1 to 6, got 7");
    await expect(readdir(out)).rejects.toThrow();
  });

  test("says when it cannot write", async () => {
    const out = at("dataset.json", "inside");
    await expect(writePhantomDataset({ out, cases: 1, size: 16 })).rejects.toThrow("is not a folder");
  });
});

describe("openDataset", () => {
  test("lists classes and cases with what is annotated in each", async () => {
    const dataset = await openDataset(root);
    expect(dataset.classes.foreground).toEqual(["liver", "spleen", "left_kidney", "right_kidney", "stomach", "aorta"]);
    expect(dataset.labelValues).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(dataset.training.map(({ id }) => id)).toEqual(["case_0001", "case_0002", "case_0003"]);
    for (const { annotated } of dataset.training) expect(annotated.filter(Boolean)).toHaveLength(3);
    expect(dataset.test.map(({ id, annotated }) => [id, annotated.every(Boolean)])).toEqual([["case_0004", true]]);
    expect(dataset.annotations).toBe("manifest");
  });

  test("takes every class as annotated where there is no manifest, and no class where there are no labels", async () => {
    await rm(at("annotations.json"));
    await rm(labels1());
    const { training, annotations } = await openDataset(root);
    expect(annotations).toBe("assumed");
    expect(training.map(({ annotated }) => annotated.filter(Boolean).length)).toEqual([1, 7, 7]);
    expect((await problems()).join("\n")).toContain("every class is taken as annotated in every labeled case");
  });

  test("says what a dataset looks like when there is none", async () => {
    for (const path of [at("nowhere"), at("imagesTr")]) {
      const failed = openDataset(path);
      await expect(failed).rejects.toThrow(DataError);
      await expect(failed).rejects.toThrow("imagesTr/CASE_0000.nii.gz   labelsTr/CASE.nii.gz");
    }
  });

  test.each([
    [
      "a region-based label",
      (d: Record<string, unknown>) => {
        d.labels = { background: 0, all: [1, 2] };
      },
      /labels\.all: must be one whole number/,
    ],
    [
      "no background",
      (d: Record<string, unknown>) => {
        d.labels = { liver: 1 };
      },
      /must have "background": 0/,
    ],
    [
      "a value twice",
      (d: Record<string, unknown>) => {
        d.labels = { background: 0, a: 1, b: 1 };
      },
      /got 1 twice/,
    ],
    [
      "two channels",
      (d: Record<string, unknown>) => {
        d.channel_names = { 0: "CT", 1: "PET" };
      },
      /one channel is expected, got 2/,
    ],
    [
      "another ending",
      (d: Record<string, unknown>) => {
        d.file_ending = ".mha";
      },
      /file_ending/,
    ],
  ])("refuses dataset.json with %s", async (_, edit, message) => {
    await editJson("dataset.json", edit);
    await expect(openDataset(root)).rejects.toThrow(message);
  });

  test("refuses a case of the manifest that does not exist", async () => {
    await editJson("annotations.json", (content) => {
      content.cases = { ...(content.cases as object), case_0009: { annotated: ["liver"] } };
    });
    await expect(openDataset(root)).rejects.toThrow(
      `openDataset: ${root}: annotations.json: cases.case_0009: there is no image of the case "case_0009" in imagesTr or imagesTs. Did you mean "case_000`,
    );
  });

  test("refuses a class of the manifest that does not exist", async () => {
    await editJson("annotations.json", (content) => {
      content.classes = (content.classes as string[]).map((name) => (name === "spleen" ? "splen" : name));
      content.cases = {};
    });
    await expect(openDataset(root)).rejects.toThrow('"splen" is not a label of dataset.json. Did you mean "spleen"?');
  });
});

describe("loadCase", () => {
  const first = async () => {
    const dataset = await openDataset(root);
    const [entry] = dataset.training;
    if (!entry) throw new Error("there is no case");
    return { dataset, entry };
  };

  test("gives class indices for the values on disk", async () => {
    await editJson("dataset.json", (content) => {
      content.labels = {
        background: 0,
        liver: 10,
        spleen: 20,
        left_kidney: 30,
        right_kidney: 40,
        stomach: 50,
        aorta: 300,
      };
    });
    const before = await readLabelFile(labels1());
    const onDisk = [0, 10, 20, 30, 40, 50, 300];
    const data = Uint16Array.from(before.data, (index) => onDisk[index] ?? 0);
    await writeVolumeFile(labels1(), { ...before, data }, { labels: true });
    const { dataset, entry } = await first();
    expect((await loadCase(dataset, entry)).labels).toEqual(before);
  });

  test("names values that belong to no class, with their number and file", async () => {
    const map = await readLabelFile(labels1());
    map.data.fill(77, 0, 3);
    await writeVolumeFile(labels1(), map);
    const { dataset, entry } = await first();
    await expect(loadCase(dataset, entry)).rejects.toThrow(
      `loadCase: ${labels1()}: label values must belong to a class of dataset.json, got 77 (3 voxels). Classes: 0 background, 1 liver`,
    );
  });

  test("refuses labels of another shape or place than the image", async () => {
    const map = await readLabelFile(labels1());
    const { dataset, entry } = await first();
    await writeVolumeFile(labels1(), { data: map.data.slice(0, 19 * 400), shape: [19, 20, 20], affine: map.affine });
    await expect(loadCase(dataset, entry)).rejects.toThrow("shapes differ, [20, 20, 20] and [19, 20, 20]");
    const affine = map.affine.map((value, i) => (i === 3 ? value + 30 : value)) as unknown as Affine;
    await writeVolumeFile(labels1(), { ...map, affine });
    await expect(loadCase(dataset, entry)).rejects.toThrow("affines differ: the grids are up to 30.0 mm apart");
  });

  test("makes labels of unannotated classes background, which inspection reports", async () => {
    await copyFile(at("labelsTr_full", "case_0001.nii.gz"), labels1());
    const { dataset, entry } = await first();
    const { labels } = await loadCase(dataset, entry);
    expect([...new Set(labels?.data)].every((index) => entry.annotated[index])).toBe(true);
    const reported = (await problems()).filter((line) => line.includes("they count as background"));
    expect(reported).toHaveLength(4);
  });

  test("names a file that is missing or damaged", async () => {
    const { dataset, entry } = await first();
    await writeFile(image1(), (await readFile(image1())).subarray(0, 900));
    await expect(loadCase(dataset, entry)).rejects.toThrow(`${image1()} is damaged`);
    await rm(image1());
    await expect(loadCase(dataset, entry)).rejects.toThrow(`${image1()} cannot be read: there is no such file.`);
  });
});

describe("inspectDataset", () => {
  test("counts voxels and tells the three states apart", async () => {
    const aorta = 6;
    await editJson("annotations.json", (content) => {
      content.cases = { ...(content.cases as object), case_0001: { annotated: ["liver", "aorta"] } };
    });
    const full = await readLabelFile(at("labelsTr_full", "case_0001.nii.gz"));
    const data = full.data.map((label) => (label === 1 ? label : 0));
    await writeVolumeFile(labels1(), { ...full, data });
    const progress: number[] = [];
    const report = await inspectDataset(root, { onProgress: (done) => progress.push(done) });
    const [one] = report.cases;
    expect(one?.classes.map(({ state }) => state)).toEqual([
      ...["present", "unannotated", "unannotated", "unannotated", "unannotated", "absent"],
    ]);
    expect(one?.classes[0]?.voxels).toBe(data.filter((label) => label === 1).length);
    expect(one?.classes[aorta - 1]?.voxels).toBe(0);
    expect(one?.shape).toEqual([20, 20, 20]);
    expect(report.cases.map(({ part }) => part)).toEqual(["training", "training", "training", "test"]);
    expect(report.problems).toEqual([]);
    expect(progress).toEqual([1, 2, 3, 4]);
  });

  test("finds every problem, not only the first", async () => {
    await copyFile(image1(), at("imagesTr", "case_0002_0000.nii.gz"));
    await rm(at("imagesTr", "case_0003_0000.nii.gz"));
    await writeFile(at("imagesTr", "case_0005.nii.gz"), "");
    await writeFile(image1(), "no scan");
    await writeFile(at("labelsTr", "notes.txt"), "");
    const map = await readLabelFile(labels1());
    map.data.fill(9, 0, 5);
    await writeVolumeFile(labels1(), map);
    await editJson("dataset.json", (content) => {
      content.numTraining = 12;
    });
    const found = (await problems()).join("\n");
    for (const part of [
      "labelsTr/case_0003.nii.gz: file: it has no image: imagesTr/case_0003_0000.nii.gz is missing",
      "imagesTr/case_0005.nii.gz: name: files here must be named CASE_0000.nii.gz, got case_0005.nii.gz",
      "labelsTr/notes.txt: name: files here must be named CASE.nii.gz",
      "imagesTr/case_0001_0000.nii.gz: file: readNifti: imagesTr/case_0001_0000.nii.gz: a NIfTI header has 348 bytes",
      "got 9 (5 voxels)",
      "dataset.json: numTraining: it is 12, but labelsTr has 3 label files",
      'annotations.json: cases.case_0003: there is no image of the case "case_0003"',
    ])
      expect(found).toContain(part);
    await expect(openDataset(root)).rejects.toThrow(/and \d more: see "plseg data inspect"/);
  });

  test("finds images that are the same file, and grids that differ", async () => {
    await copyFile(image1(), at("imagesTr", "case_0002_0000.nii.gz"));
    const map = await readLabelFile(labels1());
    await writeVolumeFile(labels1(), { data: map.data.slice(0, 4000), shape: [10, 20, 20], affine: map.affine });
    const found = (await problems()).join("\n");
    expect(found).toContain(
      "imagesTr/case_0002_0000.nii.gz: file: it is the same file as imagesTr/case_0001_0000.nii.gz",
    );
    expect(found).toContain(
      "labelsTr/case_0001.nii.gz: grid: it does not lie on the grid of imagesTr/case_0001_0000.nii.gz",
    );
  });

  test("believes nothing of a manifest that cannot be read", async () => {
    await writeFile(at("annotations.json"), "{");
    const { cases, problems: found } = await inspectDataset(root);
    expect(found[0]).toMatchObject({ file: "annotations.json", severity: "error" });
    expect(cases[0]?.classes.every(({ state }) => state === "unannotated")).toBe(true);
  });
});

describe("writeVolumeFile", () => {
  test("compresses by the name, and leaves nothing behind when it fails", async () => {
    const volume = await readVolumeFile(image1());
    await writeVolumeFile(at("plain.nii"), volume);
    await writeVolumeFile(at("packed.nii.gz"), volume);
    expect((await readFile(at("plain.nii"))).length).toBe(352 + 4 * 8000);
    expect([...(await readFile(at("packed.nii.gz"))).subarray(0, 2)]).toEqual([0x1f, 0x8b]);
    await expect(writeVolumeFile(at("imagesTr"), volume)).rejects.toThrow("there is a folder of that name");
    expect((await readdir(root)).filter((name) => name.includes(".tmp-"))).toEqual([]);
  });

  test("round-trips a manifest", async () => {
    const manifest = readAnnotations(await readFile(at("annotations.json"), "utf8"));
    expect(writeAnnotations(manifest)).toBe(await readFile(at("annotations.json"), "utf8"));
  });
});
