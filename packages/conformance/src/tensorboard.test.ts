import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEventFile } from "@plseg/cli";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pythonWith } from "./python.js";

const python = pythonWith(["tensorboard"], "python3-pip; python3 -m pip install tensorboard");

describe.skipIf(!python)("openEventFile", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "plseg-tensorboard-"));
  });
  afterAll(() => rm(root, { recursive: true }));

  test("is read by TensorBoard, without the steps that a killed sitting did after its last checkpoint", async () => {
    const killed = await openEventFile(root, 1);
    for (const step of [1, 2, 3, 4]) await killed.scalars(step, { "train/loss": step / 4, "dice/Übergang": 0.5 });
    const png = Uint8Array.of(137, 80, 78, 71);
    await killed.image(2, "validation/case_0001", { png, width: 30, height: 20 });
    await killed.image(4, "validation/case_0001", { png, width: 30, height: 20 });
    await killed.flush();
    const resumed = await openEventFile(root, 3); // the checkpoint had two steps
    for (const step of [3, 4, 5]) await resumed.scalars(step, { "train/loss": 10 + step });
    await resumed.scalars(4, { "train/loss": 24 }); // rolled back to step 3
    await resumed.flush();
    expect(python?.("peers/tensorboard-events.py", root)).toEqual({
      scalars: {
        "train/loss": [
          [1, 0.25],
          [2, 0.5],
          [3, 13],
          [4, 24],
        ],
        "dice/Übergang": [
          [1, 0.5],
          [2, 0.5],
        ],
      },
      images: { "validation/case_0001": [[2, 30, 20, "89504e47"]] },
    });
  });
});
