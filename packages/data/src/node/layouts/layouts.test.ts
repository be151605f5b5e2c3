import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { LabelMap, Volume } from "@plseg/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makePhantom } from "../../phantom/make-phantom.js";
import type { ConversionDataset } from "../conversion-config.js";
import { convertDataset } from "../convert-dataset.js";
import { detectLayout } from "../detect-layout.js";
import { inspectDataset } from "../inspect-dataset.js";
import { loadCase } from "../load-case.js";
import { openDataset } from "../open-dataset.js";
import { openSource } from "../open-source.js";
import { writeVolumeFile } from "../volume-files.js";
import { LAYOUTS } from "./index.js";
import { LAYOUT_NAMES, type LayoutName, type LayoutOptions } from "./layout.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-layouts-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const ORGANS = ["liver", "spleen", "left_kidney", "right_kidney", "stomach", "aorta"];
const phantoms = [1, 2, 3].map((seed) => makePhantom({ size: 16, classes: 6, variety: 0, seed }));

const scan = (i: number): Volume<Int16Array> => {
  const { image } = phantoms[i % 3] as (typeof phantoms)[0];
  return { ...image, data: Int16Array.from(image.data, Math.round) };
};

/** The labels of a phantom, of which only some are left; `values` stand for them on disk. */
function labels(i: number, keep: readonly string[] = ORGANS, values: readonly number[] = [1, 2, 3, 4, 5, 6]): LabelMap {
  const { labels: map } = phantoms[i % 3] as (typeof phantoms)[0];
  const data = map.data.map((index) => (keep.includes(ORGANS[index - 1] ?? "") ? (values[index - 1] ?? 0) : 0));
  return { ...map, data };
}

/** A mask of one organ; empty if it is not named. */
const mask = (i: number, organ: string): LabelMap => labels(i, [organ], [1, 1, 1, 1, 1, 1]);

const write = (path: string, volume: Volume<Int16Array> | LabelMap): Promise<void> =>
  writeVolumeFile(join(root, path), volume);

async function writeText(path: string, content: unknown): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), typeof content === "string" ? content : JSON.stringify(content));
}

const numbered = Object.fromEntries(["background", ...ORGANS].map((name, index) => [String(index), name]));

/** A small dataset of a layout: how it is written, what is known of it, and how it may be broken. */
interface Fake {
  readonly layout: LayoutName;
  readonly build: () => Promise<void>;
  /** What has to be said to convert it. */
  readonly settings?: Omit<ConversionDataset, "path">;
  /** What detection says it saw. */
  readonly evidence: string;
  /** Cases with part and what counts as annotated. */
  readonly cases: readonly (readonly [id: string, part: string, annotated: readonly string[] | "all" | "occurring"])[];
  /** After conversion: annotated classes of the training cases. */
  readonly converted: Readonly<Record<string, readonly string[]>>;
  /** What is broken, how, and the exact problem. */
  readonly broken: readonly (readonly [what: string, breakIt: () => Promise<void>, problem: string])[];
  readonly options?: LayoutOptions;
}

const remove = (path: string) => () => rm(join(root, path));
const move = (from: string, to: string) => async () => {
  await mkdir(dirname(join(root, to)), { recursive: true });
  await rename(join(root, from), join(root, to));
};

const FAKES: readonly Fake[] = [
  {
    layout: "nnunet",
    build: async () => {
      const names = Object.fromEntries(["background", ...ORGANS].map((name, index) => [name, index]));
      await writeText("dataset.json", {
        channel_names: { 0: "CT" },
        labels: names,
        numTraining: 1,
        file_ending: ".nii.gz",
      });
      await write("imagesTr/a_0000.nii.gz", scan(0));
      await write("labelsTr/a.nii.gz", labels(0));
      await write("imagesTr/b_0000.nii.gz", scan(1));
      await write("imagesTs/c_0000.nii.gz", scan(2));
    },
    evidence: "dataset.json with channel_names",
    cases: [
      ["a", "training", "all"],
      ["b", "training", []],
      ["c", "test", []],
    ],
    converted: { a: ORGANS, b: [] },
    broken: [
      [
        "no channel",
        move("imagesTr/b_0000.nii.gz", "imagesTr/b.nii.gz"),
        "imagesTr/b.nii.gz: name: files here must be named CASE_0000.nii.gz, got b.nii.gz",
      ],
      [
        "no image",
        remove("imagesTr/a_0000.nii.gz"),
        "labelsTr/a.nii.gz: file: it has no image: imagesTr/a_0000.nii.gz is missing",
      ],
    ],
  },
  {
    layout: "decathlon",
    build: async () => {
      const training = [{ image: "./imagesTr/liver_1.nii.gz", label: "./labelsTr/liver_1.nii.gz" }];
      await writeText("dataset.json", {
        name: "Liver",
        modality: { 0: "CT" },
        labels: numbered,
        training,
        test: ["./imagesTs/liver_2.nii.gz"],
      });
      await write("imagesTr/liver_1.nii.gz", scan(0));
      await write("labelsTr/liver_1.nii.gz", labels(0));
      await write("imagesTs/liver_2.nii.gz", scan(1));
      await writeText("imagesTr/._liver_1.nii.gz", "left by a Mac");
    },
    evidence: "dataset.json with a list of 1 training cases",
    cases: [
      ["liver_1", "training", "all"],
      ["liver_2", "test", []],
    ],
    converted: { liver_1: ORGANS },
    broken: [
      [
        "a listed file missing",
        remove("labelsTr/liver_1.nii.gz"),
        "dataset.json: training[0].label: it lists ./labelsTr/liver_1.nii.gz, which is not there",
      ],
      [
        "a file not listed",
        () => write("imagesTr/liver_9.nii.gz", scan(2)),
        "imagesTr/liver_9.nii.gz: file: dataset.json does not list it, so it is left out",
      ],
    ],
  },
  {
    layout: "pls4mis",
    build: async () => {
      await writeText("dataset.json", { name: "WORD", labels: numbered, training: [] });
      for (const [i, id] of ["word_0001", "word_0002"].entries()) {
        await write(`imagesTr/${id}.nii.gz`, scan(i));
        await write(`labelsTr/${id}.nii.gz`, labels(i));
        await write(`labelsTr_2/${id}.nii.gz`, labels(i, ORGANS.slice(2 * i, 2 * i + 2)));
      }
      await write("imagesVal/word_0003.nii.gz", scan(2));
      await write("labelsVal/word_0003.nii.gz", labels(2));
    },
    options: { budget: 2 },
    settings: { budget: 2 },
    evidence: "imagesTr, imagesVal, labelsTr_2: images and label maps of the same names",
    cases: [
      ["word_0001", "training", "occurring"],
      ["word_0002", "training", "occurring"],
      ["word_0003", "validation", "all"],
    ],
    converted: { word_0001: ["liver", "spleen"], word_0002: ["left_kidney", "right_kidney"] },
    broken: [
      [
        "a label map without image",
        remove("imagesTr/word_0002.nii.gz"),
        "labelsTr_2/word_0002.nii.gz: file: it has no image: imagesTr/word_0002.nii.gz is missing",
      ],
      [
        "more classes than the budget",
        () => write("labelsTr_2/word_0001.nii.gz", labels(0, ORGANS.slice(0, 3))),
        "labelsTr_2/word_0001.nii.gz: labels: 3 classes occur, but at most 2 are annotated per case in this folder",
      ],
      [
        "an image without label map",
        remove("labelsTr_2/word_0002.nii.gz"),
        "labelsTr_2: file: 1 image of imagesTr without label map, such as word_0002.nii.gz: nothing is annotated there",
      ],
    ],
  },
  {
    layout: "flare",
    build: async () => {
      await write("imagesTr/FLARE23_0001_0000.nii.gz", scan(0));
      // Liver is 1, spleen 3, left kidney 13, right kidney 2, stomach 11, aorta 5.
      await write("labelsTr/FLARE23_0001.nii.gz", labels(0, ["liver", "aorta"], [1, 3, 13, 2, 11, 5]));
      await write("imagesTr/FLARE23_0002_0000.nii.gz", scan(1));
    },
    evidence: "2 images of FLARE in imagesTr, no dataset.json",
    cases: [
      ["FLARE23_0001", "training", "occurring"],
      ["FLARE23_0002", "training", []],
    ],
    converted: { FLARE23_0001: ["liver", "aorta"], FLARE23_0002: [] },
    broken: [
      [
        "no channel",
        move("imagesTr/FLARE23_0002_0000.nii.gz", "imagesTr/FLARE23_0002.nii.gz"),
        "imagesTr/FLARE23_0002.nii.gz: name: images must be named CASE_0000.nii.gz, got FLARE23_0002.nii.gz",
      ],
      [
        "no image",
        remove("imagesTr/FLARE23_0001_0000.nii.gz"),
        "labelsTr/FLARE23_0001.nii.gz: file: it has no image: there is no FLARE23_0001_0000.nii.gz",
      ],
      [
        "a value beyond 14",
        () => write("labelsTr/FLARE23_0001.nii.gz", labels(0, ["liver"], [15])),
        "label values must belong to a class, got 15 (",
      ],
    ],
  },
  {
    layout: "totalsegmentator",
    build: async () => {
      await writeText("meta.csv", "image_id;age;split\ns0001;70;train\ns0002;60;test\n");
      for (const [i, id] of ["s0001", "s0002"].entries()) {
        await write(`${id}/ct.nii.gz`, scan(i));
        await write(`${id}/segmentations/liver.nii.gz`, mask(i, "liver"));
      }
      await write("s0001/segmentations/spleen.nii.gz", mask(0, "none: an empty mask"));
    },
    evidence: "2 folders with masks in segmentations/, such as s0001",
    cases: [
      ["s0001", "training", ["liver", "spleen"]],
      ["s0002", "test", ["liver"]],
    ],
    converted: { s0001: ["liver", "spleen"] },
    broken: [
      ["no scan", remove("s0001/ct.nii.gz"), "s0001: file: it has no scan: s0001/ct.nii.gz is missing"],
      [
        "a stranger among the masks",
        () => writeText("s0001/segmentations/notes.txt", "x"),
        "s0001/segmentations/notes.txt: name: files here must be named ORGAN.nii.gz, got notes.txt",
      ],
      [
        "a label map as mask",
        () => write("s0001/segmentations/liver.nii.gz", labels(0, ["liver", "spleen"])),
        "a mask must hold 0 and one other value, got 1, 2",
      ],
    ],
  },
  {
    layout: "abdomenatlas",
    build: async () => {
      await write("BDMAP_00000001/ct.nii.gz", scan(0));
      await write("BDMAP_00000001/segmentations/liver.nii.gz", mask(0, "liver"));
      await write("BDMAP_00000001/segmentations/aorta.nii.gz", mask(0, "aorta"));
      await write("BDMAP_00000001/segmentations/gall_bladder.nii.gz", mask(0, "none: an empty mask"));
      await write("BDMAP_00000002/ct.nii.gz", scan(1));
      // Liver is 5, spleen 8, left kidney 3, right kidney 4, stomach 9, aorta 1.
      await write("BDMAP_00000002/combined_labels.nii.gz", labels(1, ["liver", "stomach"], [5, 8, 3, 4, 9, 1]));
    },
    evidence: "2 folders with combined_labels.nii.gz or named BDMAP_…, such as BDMAP_00000001",
    cases: [
      ["BDMAP_00000001", "training", ["aorta", "gall_bladder", "liver"]],
      ["BDMAP_00000002", "training", "occurring"],
    ],
    converted: { BDMAP_00000001: ["aorta", "gall_bladder", "liver"], BDMAP_00000002: ["liver", "stomach"] },
    broken: [
      [
        "no scan",
        remove("BDMAP_00000002/ct.nii.gz"),
        "BDMAP_00000002: file: it has no scan: BDMAP_00000002/ct.nii.gz is missing",
      ],
      [
        "a value that is no class",
        () => write("BDMAP_00000002/combined_labels.nii.gz", labels(1, ["liver"], [99])),
        "label values must belong to a class, got 99 (",
      ],
    ],
  },
  {
    layout: "bids",
    build: async () => {
      await write("sub-01/ct/sub-01_ct.nii.gz", scan(0));
      await write("sub-02/ct/sub-02_ct.nii.gz", scan(1));
      await write("sub-03/ct/sub-03_ct.nii.gz", scan(2));
      const table = (organs: readonly string[]): string =>
        ["index\tname\tcolor", ...organs.map((name) => `${ORGANS.indexOf(name) + 1}\t${name}\t#aa0000`), ""].join("\n");
      await writeText("derivatives/manual/dseg.tsv", table(ORGANS));
      await write("derivatives/manual/sub-01/ct/sub-01_desc-manual_dseg.nii.gz", labels(0));
      await write("derivatives/manual/sub-02/ct/sub-02_dseg.nii.gz", labels(1, ["liver"]));
      await writeText("derivatives/manual/sub-02/ct/sub-02_dseg.tsv", table(["liver", "spleen"]));
    },
    evidence: "2 maps named sub-…_dseg.nii.gz",
    cases: [
      ["sub-01", "training", ORGANS],
      ["sub-02", "training", ["liver", "spleen"]],
      ["sub-03", "training", []],
    ],
    converted: { "sub-01": ORGANS, "sub-02": ["liver", "spleen"], "sub-03": [] },
    broken: [
      [
        "no scan",
        remove("sub-01/ct/sub-01_ct.nii.gz"),
        "derivatives/manual/sub-01/ct/sub-01_desc-manual_dseg.nii.gz: file: it has no image: there is no sub-01_ct.nii.gz",
      ],
      [
        "tables that disagree",
        () => writeText("derivatives/manual/sub-02/ct/sub-02_dseg.tsv", "index\tname\n2\tliver\n"),
        "contradicts",
      ],
    ],
  },
  {
    layout: "pairs",
    build: async () => {
      await write("one_ct.nii.gz", scan(0));
      await write("one_seg.nii.gz", labels(0, ["liver", "aorta"]));
      await write("two_ct.nii.gz", scan(1));
    },
    settings: { classes: ["background", ...ORGANS] },
    evidence: "images such as {case}_ct.nii.gz, label maps such as {case}_seg.nii.gz",
    cases: [
      ["one", "training", "occurring"],
      ["two", "training", []],
    ],
    converted: { one: ["liver", "aorta"], two: [] },
    broken: [
      [
        "a label map without image",
        remove("one_ct.nii.gz"),
        "one_seg.nii.gz: file: it has no image: one_ct.nii.gz is missing",
      ],
      [
        "another suffix",
        move("two_ct.nii.gz", "two_scan_final.nii.gz"),
        "two_scan_final.nii.gz: name: it is neither {case}_ct.nii.gz nor {case}_seg.nii.gz, so it is left out",
      ],
    ],
  },
];

describe.each(FAKES)(
  "the layout $layout",
  ({ layout, build, options, settings, evidence, cases, converted, broken }) => {
    beforeEach(build);

    test("is detected by what is in the folder", async () => {
      expect(await detectLayout(root)).toEqual({ layout, evidence });
    });

    test("lists cases, their parts and what is annotated", async () => {
      const source = await openSource(root, options);
      expect(source.cases.map(({ id, part, annotated }) => [id, part, annotated])).toEqual(cases);
      expect(source.problems.filter(({ severity }) => severity === "error")).toEqual([]);
    });

    test("is converted to a dataset that can be trained on, voxel by voxel the same", async () => {
      const out = join(root, "converted");
      await convertDataset({ config: { version: 1, datasets: [{ path: root, layout, ...settings }] }, out });
      const dataset = await openDataset(out);
      const known = dataset.training.map(({ id, annotated }) => [
        id,
        dataset.classes.names.filter((_, i) => i > 0 && annotated[i]),
      ]);
      expect(Object.fromEntries(known)).toEqual(
        Object.fromEntries(
          Object.entries(converted).map(([id, names]) => [
            id,
            dataset.classes.foreground.filter((name) => names.includes(name)),
          ]),
        ),
      );
      const source = await openSource(root, { layout, ...options });
      for (const entry of [...dataset.training, ...dataset.test]) {
        const origin = source.cases.find(({ id }) => id === entry.id);
        expect(await readFile(entry.image)).toEqual(await readFile(origin?.image ?? ""));
        if (entry.labels === undefined) continue;
        const { labels: map } = await loadCase(dataset, entry);
        const present = [...new Set(map?.data)]
          .filter((index) => index > 0)
          .map((index) => dataset.classes.names[index] as string);
        for (const organ of present) {
          const i = source.cases.findIndex(({ id }) => id === entry.id);
          const truth = phantoms[i % 3]?.labels.data.map((index) => Number(ORGANS[index - 1] === organ));
          expect(map?.data.map((index) => Number(dataset.classes.names[index] === organ))).toEqual(truth);
        }
        expect(present.length).toBeGreaterThan(0);
      }
      expect((await inspectDataset(out)).problems.filter(({ severity }) => severity === "error")).toEqual([]);
    });

    test.each(broken)("names what is wrong: %s", async (_, breakIt, problem) => {
      await breakIt();
      const { problems } = await inspectDataset(root, { layout, ...options });
      expect(problems.map(({ file, field, message }) => `${file}: ${field}: ${message}`).join("\n")).toContain(problem);
    });
  },
);

describe("every layout", () => {
  test("has a fake, a title and a pattern", () => {
    expect(FAKES.map(({ layout }) => layout)).toEqual(LAYOUT_NAMES);
    for (const name of LAYOUT_NAMES) expect(LAYOUTS[name].name).toBe(name);
  });

  test.each(LAYOUT_NAMES.filter((name) => name !== "nnunet"))("says how %s looks where there is none", async (name) => {
    await expect(openSource(root, { layout: name })).rejects.toThrow(
      `openSource: ${root} is not in the layout ${name}: `,
    );
  });
});

describe("detectLayout", () => {
  test("says what was seen and how each layout looks, where none fits", async () => {
    await writeText("scan.dcm", "");
    const failed = detectLayout(root);
    await expect(failed).rejects.toThrow(`detectLayout: ${root} is in no layout that is known: it holds scan.dcm.`);
    for (const { pattern } of Object.values(LAYOUTS))
      await expect(failed).rejects.toThrow(pattern.split("\n")[0] as string);
  });

  test("lists the layouts that fit, and how to name one", async () => {
    await write("a_ct.nii.gz", scan(0));
    await write("a_seg.nii.gz", labels(0));
    await write("s1/ct.nii.gz", scan(0));
    await write("s1/segmentations/liver.nii.gz", mask(0, "liver"));
    await expect(detectLayout(root)).rejects.toThrow(
      [
        `detectLayout: ${root} may be in several layouts. Say which it is:`,
        "  --layout totalsegmentator   1 folder with masks in segmentations/, such as s1",
        "  --layout pairs   images such as {case}_ct.nii.gz, label maps such as {case}_seg.nii.gz",
      ].join("\n"),
    );
  });
});

describe("PLS4MIS's budgets", () => {
  beforeEach(async () => {
    await write("imagesTr/a.nii.gz", scan(0));
    await write("labelsTr_2/a.nii.gz", labels(0, ["liver"]));
    await write("labelsTr_4/a.nii.gz", labels(0, ["liver", "spleen"]));
  });

  test("must be chosen where there are several and no complete labels", async () => {
    await expect(openSource(root)).rejects.toThrow(
      `openSource: ${root} has no labelsTr, but labelsTr_2, labelsTr_4. Choose one with --budget 2.`,
    );
    const { cases } = await openSource(root, { budget: 4 });
    expect(cases.map(({ labels: path, most }) => [path, most])).toEqual([[join(root, "labelsTr_4/a.nii.gz"), 4]]);
  });

  test("must exist", async () => {
    await expect(openSource(root, { budget: 3 })).rejects.toThrow(`${root} has no labelsTr_3. Budgets there: 2, 4.`);
  });
});

describe("pairs", () => {
  test("are found in two folders, and with patterns of one's own", async () => {
    await write("scans/a.nii.gz", scan(0));
    await write("masks/a.nii.gz", labels(0));
    expect((await detectLayout(root)).evidence).toBe(
      "images such as scans/{case}.nii.gz, label maps such as masks/{case}.nii.gz",
    );
    const own = { layout: "pairs" as const, images: "scans/{case}.nii.gz", labels: "masks/{case}.nii.gz" };
    expect((await openSource(root, own)).cases.map(({ id }) => id)).toEqual(["a"]);
    await expect(openSource(root, { ...own, images: "scans/*.nii.gz" })).rejects.toThrow(
      'openSource: images must have {case} once, where the case\'s name stands, such as "{case}_ct.nii.gz", got "scans/*.nii.gz".',
    );
  });

  test("may have images without a suffix", async () => {
    await write("a.nii.gz", scan(0));
    await write("a_mask.nii.gz", labels(0));
    expect((await openSource(root)).cases.map(({ id, labels: path }) => [id, path])).toEqual([
      ["a", join(root, "a_mask.nii.gz")],
    ]);
  });
});

test("nnU-Net v1's lists name images without their channel", async () => {
  const training = [{ image: "./imagesTr/a.nii.gz", label: "./labelsTr/a.nii.gz" }];
  await writeText("dataset.json", { modality: { 0: "CT" }, labels: numbered, training, test: [] });
  await write("imagesTr/a_0000.nii.gz", scan(0));
  await write("labelsTr/a.nii.gz", labels(0));
  const { layout, cases, problems } = await openSource(root);
  expect([layout, problems]).toEqual(["decathlon", []]);
  expect(cases.map(({ id, image }) => [id, image])).toEqual([["a", join(root, "imagesTr/a_0000.nii.gz")]]);
});

test("label maps that nothing names have their values as names, until they are named", async () => {
  await write("a_ct.nii.gz", scan(0));
  await write("a_seg.nii.gz", labels(0, ["liver", "aorta"], [7, 0, 0, 0, 0, 9]));
  expect((await inspectDataset(root)).classes).toEqual(["background", "label_7", "label_9"]);
  const named = await inspectDataset(root, { classes: ["background", ...ORGANS] });
  expect(named.problems.map(({ message }) => message).join()).toContain("label values must belong to a class, got 7 (");
  const config = { version: 1 as const, datasets: [{ path: root }] };
  await expect(convertDataset({ config, out: join(root, "out") })).rejects.toThrow(
    `nothing in ${root} names its classes`,
  );
});
