import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { splitCases } from "./split-cases.js";
import type { ValidationSplit } from "./train-settings.js";

const ids = Array.from({ length: 11 }, (_, i) => `case_${i}`);
const split = (validation: ValidationSplit, validateEvery = 1, seed = 4) =>
  splitCases(ids, { validation, validateEvery, seed });

let folder = "";
let file = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plseg-split-"));
  file = join(folder, "splits_final.json");
  const splits = [
    { train: ["case_1", "case_2"], val: ["case_3"] },
    { train: ["case_1"], val: ["case_1"] },
    { train: ["case_1"], val: ["case_99"] },
    { train: [], val: ["case_1"] },
  ];
  await writeFile(file, JSON.stringify(splits));
});
afterAll(() => rm(folder, { recursive: true }));

describe("splitCases", () => {
  test("draws a share by the seed, never all, and none if nobody validates", async () => {
    const { training, validation, unused } = await split(0.3);
    expect([training.length, validation.length, unused.length]).toEqual([8, 3, 0]);
    expect([...training, ...validation].sort()).toEqual([...ids].sort());
    expect(await split(0.3)).toEqual({ training, validation, unused });
    expect((await split(0.3, 1, 5)).validation).not.toEqual(validation);
    expect((await split(1)).training).toHaveLength(1);
    expect((await split(0.3, 0)).validation).toEqual([]);
  });

  test("deals cases into folds, each in one of them, whether anybody validates or not", async () => {
    const folds = await Promise.all([0, 1, 2].map((fold) => split({ folds: 3, fold }, 0)));
    expect(folds.map(({ validation }) => validation.length)).toEqual([4, 4, 3]);
    expect(folds.flatMap(({ validation }) => validation).sort()).toEqual([...ids].sort());
    for (const { training, validation } of folds) expect(training.filter((id) => validation.includes(id))).toEqual([]);
  });

  test("does as nnU-Net's file and as lists say", async () => {
    const unused = ids.filter((id) => !["case_1", "case_2", "case_3"].includes(id));
    expect(await split({ file, fold: 0 })).toEqual({ training: ["case_1", "case_2"], validation: ["case_3"], unused });
    const { training, validation } = await split({ cases: ["case_7", "case_7"] });
    expect([training.length, validation]).toEqual([10, ["case_7"]]);
  });

  test("says what is wrong", async () => {
    const wrong: [ValidationSplit, string][] = [
      [{ folds: 3, fold: 3 }, "got fold 3 of 3 folds. The first fold is 0."],
      [{ folds: 12, fold: 0 }, "folds at most the 11 labeled cases"],
      [{ file, fold: 1 }, "split 1 has case_1 in both train and val."],
      [{ file, fold: 2 }, '2.val: the dataset has no labeled training case "case_99". Did you mean "case_9"?'],
      [{ file, fold: 3 }, "split 3 has nothing to learn from."],
      [{ file, fold: 9 }, "has 4 splits, 0 to 3, got fold 9."],
      [{ file: join(folder, "none.json"), fold: 0 }, "none.json cannot be read."],
      [{ cases: ids }, "at least one labeled case must be left to learn from, got all 11 for validation."],
    ];
    for (const [validation, message] of wrong) await expect(split(validation)).rejects.toThrow(message);
    await writeFile(join(folder, "odd.json"), '[{ "train": [] }]');
    await expect(split({ file: join(folder, "odd.json"), fold: 0 })).rejects.toThrow("odd.json: 0.val: expected");
  });
});
