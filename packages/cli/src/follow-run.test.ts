import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writePhantomDataset } from "@plseg/data/node";
import { type CapturedOutput, captureOutput } from "@plseg/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runPlseg } from "./program.js";

let root = "";
const at = (...parts: string[]): string => join(root, ...parts);
const run = (...args: string[]): Promise<CapturedOutput> => captureOutput(() => runPlseg(args));
const train = (name: string, ...args: string[]): Promise<CapturedOutput> =>
  run(
    "train",
    "--data",
    at("data"),
    "--out",
    at(name),
    "--config",
    at("s.json"),
    "--workers",
    "0",
    "--threads",
    "1",
    ...args,
  );

const SETTINGS = {
  ...{ features: [2, 4], dropout: [0, 0], patchSize: [16, 16, 16], batch: 1 },
  ...{ steps: 4, validateEvery: 2, checkpointEvery: 2, validation: 0.5 },
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-follow-"));
  await writePhantomDataset({ out: at("data"), cases: 4, size: 20, classes: 6, annotated: 2, seed: 1 });
  await writeFile(at("s.json"), JSON.stringify(SETTINGS));
});
afterAll(() => rm(root, { recursive: true }));

describe("followRun", () => {
  test("leaves pictures, events, and a report with the worst cases", async () => {
    const { code, stderr } = await train("seen");
    expect(code).toBe(0);
    expect(stderr).toMatch(/step 2: validation Dice [\d.]+\n/);
    expect(stderr).not.toContain("warning");
    const { validationCases } = JSON.parse(await readFile(at("seen/config.json"), "utf8"));
    const pictures = await readdir(at("seen/pictures/validation"));
    expect(pictures.sort()).toEqual(validationCases.map((id: string) => `${id}.png`).sort());
    const [file = "", ...none] = await readdir(at("seen/tensorboard"));
    expect(none).toEqual([]);
    const events = await readFile(at("seen/tensorboard", file), "latin1");
    const tags = ["train/loss", "train/gradient_norm", "terms/supervised", "validation/dice", "dice/spleen"];
    const missing = [...tags, ...validationCases.map((id: string) => `validation/${id}`)].filter(
      (tag) => !events.includes(tag),
    );
    expect(missing).toEqual([]);

    const page = await readFile(at("seen/report.html"), "utf8");
    expect(page).toContain("<h2>Worst cases</h2>");
    expect(page).toContain("<h2>Learning rate</h2>");
    for (const id of validationCases) {
      expect(page).toContain(`alt="${id} at the last validation`);
      expect(page).toContain(`${id} (validation)`);
    }
    expect(page).not.toContain('http-equiv="refresh"');
  });

  test("refreshes the report while it trains, and begins new events where it goes on", async () => {
    const steps = { ...SETTINGS, steps: 6 };
    await writeFile(at("s.json"), JSON.stringify(steps));
    const { trainRun } = await import("@plseg/train/node");
    const { followRun } = await import("./follow-run.js");
    const { loadSettings } = await import("./load-settings.js");
    const { createNodeEngine } = await import("@plseg/runtime/node");
    const follower = followRun({ out: at("broken"), label: "train", tensorboard: true, pictures: false });
    const killed = new Error("killed");
    const options = {
      ...{
        data: at("data"),
        out: at("broken"),
        method: "pl-seg",
        preset: "quick",
        engineName: "compiled",
        device: "cpu",
      },
      ...{ workers: 0, engine: await createNodeEngine({ threads: 1 }) },
      settings: await loadSettings("quick", at("s.json"), {}),
    };
    const die = async (record: Parameters<typeof follower.onStep>[0], total: number): Promise<void> => {
      await follower.onStep(record, total);
      if (record.step === 3) throw killed;
    };
    const { stderr } = await captureOutput(async () => {
      await expect(trainRun({ ...options, ...follower, onStep: die })).rejects.toThrow(killed);
      return 0;
    });
    expect(stderr).toContain("step 3/6");
    const page = await readFile(at("broken/report.html"), "utf8");
    expect(page).toContain('<meta http-equiv="refresh" content="60">');
    expect(page).toContain("Training stands at step 2 of 6.");
    expect(await readdir(at("broken"))).not.toContain("pictures");

    expect(await train("broken", "--resume", "--no-pictures")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("6/6"),
    });
    expect(await readdir(at("broken/tensorboard"))).toHaveLength(2);
    expect(await readFile(at("broken/report.html"), "utf8")).toContain("Training is complete: 6 steps.");
  });

  test("goes on training when something cannot be shown, and leaves out what is not wanted", async () => {
    await mkdir(at("blocked"));
    await writeFile(at("blocked/tensorboard"), "a file where the folder should be");
    const { code, stderr } = await train("blocked", "--no-pictures", "--steps", "2");
    expect(code).toBe(0);
    expect(stderr.match(/warning: no TensorBoard events from here on: /g)).toHaveLength(1);
    expect((await train("plain", "--no-tensorboard", "--no-pictures", "--steps", "2")).code).toBe(0);
    expect(await readdir(at("plain"))).not.toEqual(expect.arrayContaining(["tensorboard"]));
    expect(await readdir(at("plain"))).not.toEqual(expect.arrayContaining(["pictures"]));
  });

  test("plseg report compares runs and shows what went wrong in one", async () => {
    await cp(at("seen"), at("other"), { recursive: true });
    const config = JSON.parse(await readFile(at("other/config.json"), "utf8"));
    await writeFile(at("other/config.json"), JSON.stringify({ ...config, batch: 3 }));
    const compared = await run("report", at("seen"), at("other"), "--out", at("compared.html"));
    expect(compared).toMatchObject({ code: 0, stdout: `${at("compared.html")}\n` });
    const page = await readFile(at("compared.html"), "utf8");
    expect(page).toContain("<h2>Settings that differ</h2>");
    expect(page).toContain('<th scope="row">batch</th><td>1</td><td>3</td>');
    expect(page.match(/<title>other<\/title><\/path>/g)).toHaveLength(4); // loss twice, Dice, learning rate

    // the other run is a copy, so that nothing differs
    expect(page).toContain("<h2>Difference: seen − other</h2>");
    expect(page).toContain("in 2 cases");
    expect(page).not.toContain("1 better");

    const nameless = await run("report", at("seen"), at("other"));
    expect(nameless).toMatchObject({ code: 2, stderr: expect.stringContaining("Name its file with --out.") });
    const needless = await run("report", at("seen"), "--out", at("one.html"));
    expect(needless).toMatchObject({ code: 2, stderr: expect.stringContaining("--out is for comparing several runs") });

    await mkdir(at("other/incidents"));
    const incident = { step: 3, reason: "the loss is NaN", rolledBackTo: 2 };
    await writeFile(at("other/incidents/step-000003-1.json"), JSON.stringify(incident));
    await writeFile(at("other/incidents/step-000004-1.json"), "{");
    expect((await run("report", at("other"), "--pictures", "0")).code).toBe(0);
    const report = await readFile(at("other/report.html"), "utf8");
    expect(report).toContain("<h2>What went wrong</h2>");
    expect(report).toContain("<td>the loss is NaN</td><td>step 2</td>");
  });
});
