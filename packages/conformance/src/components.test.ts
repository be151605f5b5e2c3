import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LabelMap, Random, type Size3D, sizeOf } from "@plseg/core";
import { connectedComponents, makePhantom } from "@plseg/data";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pythonWith } from "./python.js";

const python = pythonWith(["numpy", "scipy"], "python3-scipy");

const random = (shape: Size3D, classes: number, seed: number): Pick<LabelMap, "data" | "shape"> => {
  const draw = new Random(seed);
  return { data: Uint8Array.from({ length: sizeOf(shape) }, () => draw.integer(classes)), shape };
};

const MAPS = [
  ...[2, 3, 5].map((classes) => random([9, 14, 17], classes, classes)),
  makePhantom({ size: 32, classes: 16, seed: "components" }).labels,
].flatMap((map) => ([6, 26] as const).map((connectivity) => ({ map, connectivity })));

describe.skipIf(!python)("connectedComponents", () => {
  let root = "";
  let answers: readonly (readonly number[])[] = [];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "plseg-components-"));
    const file = join(root, "maps.json");
    const entries = MAPS.map(({ map: { data, shape }, connectivity }) => ({ labels: [...data], shape, connectivity }));
    await writeFile(file, JSON.stringify(entries));
    answers = python?.("./components.py", file) as typeof answers;
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test.each([...MAPS.keys()])("agrees with SciPy's ndimage.label, label by label, map %i", (index) => {
    const { map, connectivity } = MAPS[index] as (typeof MAPS)[number];
    const image = new Array<number>(map.data.length).fill(0);
    const { labels, eachRun } = connectedComponents(map, { connectivity });
    eachRun((component, start, end) => image.fill(component + 1, start, end));
    expect(image).toEqual(answers[index]);
    expect(labels.length).toBe(answers[index]?.reduce((most, number) => Math.max(most, number)));
  });
});
