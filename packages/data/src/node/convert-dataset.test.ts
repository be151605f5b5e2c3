import { createHash } from "node:crypto";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Affine, type LabelMap, type Size3D, scalingAffine, type Volume } from "@plseg/core";
import { dicomFile } from "@plseg/test-kit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readAnnotations } from "../annotations.js";
import { type ConversionConfig, loadConversionConfig, readConversionConfig } from "./conversion-config.js";
import { convertDataset } from "./convert-dataset.js";
import { openDataset } from "./open-dataset.js";
import { readScan } from "./read-scan.js";
import { readLabelFile, readVolumeFile, writeVolumeFile } from "./volume-files.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-convert-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const at = (...parts: string[]): string => join(root, ...parts);
const shape: Size3D = [1, 2, 4];
const affine = scalingAffine([3, 1, 1]);
const scan = (first = 0): Volume<Int16Array> => ({
  data: Int16Array.from({ length: 8 }, (_, i) => first + i - 1000),
  shape,
  affine,
});
const map = (...values: number[]): LabelMap => ({ data: Uint8Array.from(values), shape, affine });

const convert = (datasets: ConversionConfig["datasets"], config: Partial<ConversionConfig> = {}, out = at("out")) =>
  convertDataset({ config: { version: 1, datasets, ...config }, out });
const labelsOf = async (id: string): Promise<number[]> => [
  ...(await readLabelFile(at("out/labelsTr", `${id}.nii.gz`))).data,
];
const manifest = async () => readAnnotations(await readFile(at("out/annotations.json"), "utf8")).cases;

/** Two datasets whose label maps mean different things. */
async function writeTwo(): Promise<void> {
  await writeVolumeFile(at("first/p1_ct.nii.gz"), scan());
  await writeVolumeFile(at("first/p1_seg.nii.gz"), map(0, 1, 2, 3, 0, 1, 2, 3));
  await writeVolumeFile(at("second/p1_ct.nii.gz"), scan(100));
  await writeVolumeFile(at("second/p1_seg.nii.gz"), map(5, 5, 0, 0, 0, 0, 6, 0));
}

describe("merging datasets", () => {
  beforeEach(writeTwo);

  const first = { path: "first", map: { 1: "liver", 2: "kidney", 3: "kidney" } };
  const second = { path: "second", prefix: "b_", map: { 5: "spleen", 6: null } };
  const absolute = <T extends { path: string }>(entry: T): T => ({ ...entry, path: at(entry.path) });
  const classes = ["background", "liver", "spleen", "kidney"];

  test("gives every class one value, and lists what each case annotates", async () => {
    const result = await convert([first, second].map(absolute), { classes, name: "both" });
    expect(result.cases.map(({ id, annotated }) => [id, annotated])).toEqual([
      ["p1", ["liver", "kidney"]],
      ["b_p1", ["spleen"]],
    ]);
    expect(await labelsOf("p1")).toEqual([0, 1, 3, 3, 0, 1, 3, 3]);
    expect(await labelsOf("b_p1")).toEqual([2, 2, 0, 0, 0, 0, 0, 0]);
    expect(await manifest()).toEqual({ p1: { annotated: ["liver", "kidney"] }, b_p1: { annotated: ["spleen"] } });
    const { name, training } = await openDataset(at("out"));
    expect([name, training.length]).toEqual(["both", 2]);
  });

  test("counts a class made of two as annotated only where both are", async () => {
    await writeVolumeFile(at("first/p1_seg.nii.gz"), map(0, 1, 2, 2, 0, 1, 2, 2));
    await convert([absolute(first)], { classes });
    expect(await manifest()).toEqual({ p1: { annotated: ["liver"] } });
    expect(await labelsOf("p1")).toEqual([0, 1, 0, 0, 0, 1, 0, 0]);
  });

  test("believes a list of annotated classes, of a dataset or of a case", async () => {
    const listed = { ...absolute(first), annotated: ["liver", "kidney"], cases: { p1: { annotated: ["kidney"] } } };
    await convert([listed, { ...absolute(second), annotated: "all" as const, part: "test" as const }], { classes });
    expect(await manifest()).toEqual({ p1: { annotated: ["kidney"] }, b_p1: { annotated: ["spleen"] } });
    expect(await labelsOf("p1")).toEqual([0, 0, 3, 3, 0, 0, 3, 3]);
    const { test: heldOut } = await openDataset(at("out"));
    expect(heldOut.map(({ id, annotated }) => [id, annotated])).toEqual([["b_p1", [true, false, true, false]]]);
  });

  test("leaves out all that is not named, if told so", async () => {
    const named = { ...absolute(first), classes: ["background", "liver", "x", "y"], map: { x: "kidney", "*": null } };
    await convert([named], { classes });
    expect(await labelsOf("p1")).toEqual([0, 1, 3, 0, 0, 1, 3, 0]);
    await convert([{ ...absolute(first), map: { 3: "spleen", "*": null } }], { classes }, at("values"));
    expect([...(await readLabelFile(at("values/labelsTr/p1.nii.gz"))).data]).toEqual([0, 0, 0, 2, 0, 0, 0, 2]);
    const alone = await convert([{ ...named, map: { "*": null, y: "kidney" } }], {}, at("alone"));
    expect(alone.classes).toEqual(["background", "kidney"]);
  });

  test("records where each case comes from", async () => {
    await convert([absolute(first), { ...absolute(second), license: "CC BY 3.0", reference: "doi:1" }], { classes });
    const { sources, cases } = JSON.parse(await readFile(at("out/conversion.json"), "utf8"));
    expect(sources[1]).toEqual({
      ...{ path: at("second"), layout: "pairs", license: "CC BY 3.0", reference: "doi:1" },
      map: { 5: "spleen", 6: null },
    });
    const sha256 = createHash("sha256")
      .update(await readFile(at("first/p1_ct.nii.gz")))
      .digest("hex");
    expect(cases[0]).toMatchObject({ id: "p1", image: "p1_ct.nii.gz", sha256 });
    const description = JSON.parse(await readFile(at("out/dataset.json"), "utf8"));
    expect(description).toMatchObject({ licence: "CC BY 3.0", reference: "doi:1", numTraining: 2 });
  });

  test.each([
    [{ classes: undefined }, [first, second], "classes must be given where several datasets become one."],
    [
      {},
      [first, { ...second, prefix: "" }],
      "two cases are named p1. Give a dataset a prefix, such as prefix: second_.",
    ],
    [{}, [{ ...first, map: { 1: "livr" } }], '"1" becomes "livr", which is not in classes. Did you mean "liver"?'],
    [{}, [{ ...first, map: { liver: "liver" } }], 'so map must name label values, such as 1: liver, got "liver".'],
    [
      {},
      [{ ...first, classes: ["background", "lver", "b", "c"], map: {} }],
      'does not say what becomes of the class "lver"',
    ],
    [
      {},
      [{ ...first, map: { 1: "liver", "*": "liver" } }],
      '"*" must be null, which leaves out all that is not named, got "liver".',
    ],
    [{}, [{ ...first, only: ["p2"] }], 'only: ROOT/first has no case "p2". Did you mean "p1"?'],
    [{}, [{ ...first, annotated: ["spleen"] }], 'annotated lists "spleen", which no class of ROOT/first becomes.'],
    [{}, [{ ...first, leaveOut: ["p1"] }], "no case is left to convert."],
    [{ overlap: ["kidny"] }, [first], 'overlap lists "kidny", which is not in classes. Did you mean "kidney"?'],
    [{}, [{ ...first, map: { 1: "liver" } }], "label values must belong to a class, got 2 (2 voxels), 3 (2 voxels)"],
  ])("refuses what does not fit: %j %j", async (config, datasets, message) => {
    const failed = convert(datasets.map(absolute), { classes, ...config } as Partial<ConversionConfig>);
    await expect(failed).rejects.toThrow(message.replace("ROOT", root));
  });
});

describe("masks that overlap", () => {
  beforeEach(async () => {
    await writeVolumeFile(at("source/s1/ct.nii.gz"), scan());
    await writeVolumeFile(at("source/s1/segmentations/aorta.nii.gz"), map(1, 1, 1, 0, 0, 0, 0, 0));
    await writeVolumeFile(at("source/s1/segmentations/liver.nii.gz"), map(0, 0, 1, 1, 1, 0, 0, 0));
    await writeVolumeFile(at("source/s1/segmentations/tumor.nii.gz"), map(0, 0, 0, 0, 1, 1, 0, 0));
  });

  test("go to the class that comes first, and are counted", async () => {
    const { cases } = await convert([{ path: at("source") }]);
    expect(await labelsOf("s1")).toEqual([1, 1, 1, 2, 2, 3, 0, 0]);
    expect(cases[0]?.overlaps).toEqual([
      { kept: "aorta", lost: "liver", voxels: 1 },
      { kept: "liver", lost: "tumor", voxels: 1 },
    ]);
  });

  test("go to the class that overlap lists first", async () => {
    await convert([{ path: at("source") }], { overlap: ["tumor", "liver"] });
    expect(await labelsOf("s1")).toEqual([1, 1, 2, 2, 3, 3, 0, 0]);
  });

  test("do not lose voxels to a class that is left out or not annotated", async () => {
    await convert([{ path: at("source"), map: { aorta: null }, annotated: ["tumor"] }]);
    expect(await manifest()).toEqual({ s1: { annotated: ["tumor"] } });
    expect(await labelsOf("s1")).toEqual([0, 0, 0, 0, 2, 2, 0, 0]);
  });

  test("may be empty, which means absent; a missing mask means unannotated", async () => {
    await writeVolumeFile(at("source/s2/ct.nii.gz"), scan(50));
    await writeVolumeFile(at("source/s2/segmentations/liver.nii.gz"), map(0, 0, 0, 0, 0, 0, 0, 0));
    await convert([{ path: at("source") }]);
    expect((await manifest()).s2).toEqual({ annotated: ["liver"] });
    await expect(
      convert([{ path: at("source"), cases: { s2: { annotated: ["aorta"] } } }], {}, at("other")),
    ).rejects.toThrow("aorta is listed as annotated, but there is no mask aorta.nii.gz. Take it from the list.");
  });
});

describe("images and grids", () => {
  test("are copied byte by byte, or gzipped as they are; labels come to lie on their image's grid", async () => {
    const flipped: Affine = [-1, 0, 0, 3, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1];
    await writeVolumeFile(at("source/a_ct.nii.gz"), scan());
    await writeVolumeFile(at("source/a_seg.nii.gz"), { ...map(1, 2, 0, 0, 0, 0, 0, 0), affine: flipped });
    await writeVolumeFile(at("source/b_ct.nii"), scan(7));
    await convert([{ path: at("source"), classes: ["background", "x", "y"] }]);
    expect(await readFile(at("out/imagesTr/a_0000.nii.gz"))).toEqual(await readFile(at("source/a_ct.nii.gz")));
    expect(await readVolumeFile(at("out/imagesTr/b_0000.nii.gz"))).toEqual(await readVolumeFile(at("source/b_ct.nii")));
    const labels = await readLabelFile(at("out/labelsTr/a.nii.gz"));
    expect([[...labels.data], labels.affine]).toEqual([[0, 0, 2, 1, 0, 0, 0, 0], affine]);
  });

  test("may be folders of DICOM slices", async () => {
    await mkdir(at("source/p1/scan"), { recursive: true });
    for (const z of [0, 2]) {
      const slice = dicomFile({ position: `0\\0\\${z}`, pixels: [0, 1, 2, 3, 4, 5].map((i) => 10 * z + i) });
      await writeFile(at(`source/p1/scan/${z}.dcm`), slice);
    }
    const { affine: lps, data } = await readScan(at("source/p1/scan"));
    const labels = { data: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2), shape: [2, 2, 3] as const, affine: lps };
    await writeVolumeFile(at("source/p1/organs.nii.gz"), labels);
    const patterns = { layout: "pairs" as const, images: "{case}/scan", labels: "{case}/organs.nii.gz" };
    const { cases } = await convert([{ path: at("source"), ...patterns, classes: ["background", "x", "y"] }]);
    expect(cases).toEqual([
      { id: "p1", part: "training", image: "p1/scan", labeled: true, annotated: ["x", "y"], overlaps: [] },
    ]);
    expect((await readVolumeFile(at("out/imagesTr/p1_0000.nii.gz"))).data).toEqual(data);
    expect(await labelsOf("p1")).toEqual([...labels.data]);
  });

  test("are refused if they do not fit, and nothing is called a dataset", async () => {
    await writeVolumeFile(at("source/a_ct.nii.gz"), scan());
    await writeVolumeFile(at("source/a_seg.nii.gz"), {
      ...map(1, 0, 0, 0, 0, 0, 0, 0),
      affine: scalingAffine([3, 1, 2]),
    });
    const failed = convert([{ path: at("source"), classes: ["background", "x"] }]);
    await expect(failed).rejects.toThrow(
      "image and labels must lie on one grid: affines differ: the grids are up to 3.00 mm apart",
    );
    await expect(openDataset(at("out"))).rejects.toThrow("has no dataset.json");
  });

  test("may share their storage", async () => {
    await writeTwo();
    const config = { version: 1 as const, datasets: [{ path: at("first"), classes: ["background", "a", "b", "c"] }] };
    await convertDataset({ config, out: at("out"), link: true });
    expect((await stat(at("out/imagesTr/p1_0000.nii.gz"))).ino).toBe((await stat(at("first/p1_ct.nii.gz"))).ino);
  });
});

describe("a conversion that was stopped", () => {
  const config = () => ({ version: 1 as const, datasets: [{ path: at("source"), classes: ["background", "x"] }] });
  beforeEach(async () => {
    for (const [i, id] of ["a", "b", "c"].entries()) {
      await writeVolumeFile(at(`source/${id}_ct.nii.gz`), scan(i));
      await writeVolumeFile(at(`source/${id}_seg.nii.gz`), map(1, 0, i % 2, 0, 0, 0, 0, 0));
    }
  });

  test("goes on where it was, and ends as if nothing had happened", async () => {
    const controller = new AbortController();
    const onProgress = (done: number) => done === 1 && controller.abort();
    const stopped = await convertDataset({ config: config(), out: at("out"), signal: controller.signal, onProgress });
    expect([stopped.complete, stopped.cases.length]).toEqual([false, 1]);
    await expect(openDataset(at("out"))).rejects.toThrow("has no dataset.json");
    // What a process that was killed leaves behind: half a line, half a file.
    await appendFile(at("out/conversion.jsonl"), '{"id":"b","par');
    await writeFile(at("out/imagesTr/b_0000.nii.gz.tmp-123-0123abcd"), "half");
    const resumed = await convertDataset({ config: config(), out: at("out") });
    expect([resumed.complete, resumed.cases.length, resumed.resumed]).toEqual([true, 3, 1]);
    await convertDataset({ config: config(), out: at("whole") });
    for (const folder of ["", "imagesTr", "labelsTr"]) {
      expect((await readdir(at("out", folder))).sort()).toEqual((await readdir(at("whole", folder))).sort());
      for (const name of await readdir(at("whole", folder)))
        if (name.includes("."))
          expect(await readFile(at("out", folder, name))).toEqual(await readFile(at("whole", folder, name)));
    }
  });

  test("is not mixed with another one", async () => {
    const signal = AbortSignal.abort();
    await convertDataset({ config: config(), out: at("out"), signal });
    await writeVolumeFile(at("source/a_ct.nii.gz"), { ...scan(9), data: Int16Array.from({ length: 8 }, () => 3) });
    await expect(convertDataset({ config: config(), out: at("out") })).rejects.toThrow(
      `${at("out")} holds the beginning of another conversion`,
    );
  });

  test("overwrites nothing", async () => {
    await convertDataset({ config: config(), out: at("out") });
    await expect(convertDataset({ config: config(), out: at("out") })).rejects.toThrow(
      "holds a dataset already, and nothing is overwritten",
    );
    await expect(convertDataset({ config: config(), out: at("source") })).rejects.toThrow(
      `${at("source")} must be empty, it holds a_ct.nii.gz`,
    );
  });
});

describe("readConversionConfig", () => {
  const read = (text: string): ConversionConfig => readConversionConfig(text, "merge.yaml");

  test("reads YAML and JSON, numbers as keys included", async () => {
    const yaml = "version: 1\nclasses: [background, liver]\ndatasets:\n  - path: a\n    map: {1: liver, 2: null}\n";
    const expected = {
      version: 1,
      classes: ["background", "liver"],
      datasets: [{ path: "a", map: { 1: "liver", 2: null } }],
    };
    expect(read(yaml)).toEqual(expected);
    expect(read(JSON.stringify(expected))).toEqual(expected);
    await writeFile(at("merge.yaml"), yaml);
    expect((await loadConversionConfig(at("merge.yaml"))).datasets[0]?.path).toBe(at("a"));
    expect((await loadConversionConfig(at("merge.yaml"), "/elsewhere")).datasets[0]?.path).toBe("/elsewhere/a");
    await expect(loadConversionConfig(at("none.yaml"))).rejects.toThrow(`${at("none.yaml")} cannot be read.`);
  });

  test.each([
    [
      "version: 1\ndatasets: [{path: a}]\nclases: []",
      'merge.yaml: clases: there is no key "clases" here. Did you mean "classes"?',
    ],
    ["version: 1\ndatasets: [{pth: a}]", "merge.yaml: datasets.0.path is missing."],
    [
      "version: 1\ndatasets: [{path: a, anotated: all}]",
      'datasets.0.anotated: there is no key "anotated" here. Did you mean "annotated"?',
    ],
    [
      "version: 1\ndatasets: [{path: a, cases: {x: {annotate: []}}}]",
      'there is no key "annotate" here. Did you mean "annotated"? Keys: annotated, part.',
    ],
    ["version: 2\ndatasets: [{path: a}]", "merge.yaml: version must be 1, got 2."],
    ["version: 1\ndatasets: []", "merge.yaml: datasets must list a dataset, got 0."],
    ["version: 1\ndatasets: [{path: a, layout: nnunett}]", "datasets.0.layout must be one of nnunet, decathlon"],
    ["version: 1\nclasses: [liver]\ndatasets: [{path: a}]", 'merge.yaml: classes must begin with "background"'],
    [
      "version: 1\ndatasets: [{path: a, annotated: some}]",
      "datasets.0.annotated must be all, occurring, or a list of classes",
    ],
    ["just a text", "merge.yaml: the whole file must be a mapping with the keys version, name"],
    ["a: [1", "merge.yaml is not valid YAML: Flow sequence in block collection"],
    ["a: 1\na: 2", "merge.yaml is not valid YAML: Map keys must be unique at line 2"],
  ])("refuses %j", (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
