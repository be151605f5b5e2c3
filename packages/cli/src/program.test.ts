import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLabelFile, writeVolumeFile } from "@plseg/data/node";
import { type CapturedOutput, captureOutput } from "@plseg/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { plseg, runPlseg } from "./program.js";

let root = "";
const at = (...parts: string[]): string => join(root, ...parts);

/** Runs a command line. */
const run = (...args: string[]): Promise<CapturedOutput> => captureOutput(() => runPlseg(args));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-cli-"));
  const made = await run(
    ...["phantom", "--out", at("data"), "--cases", "3", "--test-cases", "2", "--size", "20", "--annotated", "2"],
  );
  expect(made.stderr).toBe("");
  expect(made.code).toBe(0);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("plseg", () => {
  test.each([
    [["phantm"], "error: unknown command 'phantm'\n(Did you mean phantom?)\n"],
    [["phantom", "--out", "x", "--cases", "1", "--sized", "9"], "unknown option '--sized'\n(Did you mean --size?)"],
    [["phantom", "--out", "x"], "required option '-n, --cases <count>' not specified"],
    [["phantom", "--out", "x", "--cases", "2.5"], "It must be a whole number of at least 1."],
    [["phantom", "--out", "x", "--cases", "1", "--classes", "7"], "Allowed choices are 6, 16."],
    [
      ["phantom", "--out", "x", "--cases", "1", "--spacing", "3,1"],
      "It must be one number in mm, or three: depth,height,width",
    ],
    [["phantom", "--out", "x", "--cases", "1", "--variety", "2"], "It must be a number from 0 to 1."],
    [["predict", "--model", "m", "--input", "i", "--output", "o", "--overlap", "1"], "of at least 0 and below 1."],
    [["evaluate", "-p", "a", "-r", "b", "--metrics", "dicee"], 'There is no metric "dicee". Did you mean "dice"?'],
    [["data", "inspect"], "missing required argument 'dir'"],
    [["doctor", "--device", "tpu"], "Allowed choices are cpu, cuda, webgpu."],
  ])("calls %j bad usage", async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
  });

  test("ends the help of every command with an example of itself", async () => {
    const commands = [plseg(), ...plseg().commands, ...plseg().commands.flatMap((command) => command.commands)];
    for (const command of commands) {
      if (command.name() === "help") continue;
      let help = "";
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      expect(help).toMatch(/\nExample:\n {2}plseg /);
      if (command.parent) expect(help.split("Example:")[1]).toContain(` ${command.name()} `.trimEnd());
    }
  });

  test("prints its version", async () => {
    expect(await run("--version")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test("says in one line what failed, and with --debug where", async () => {
    const plain = await run("data", "inspect", at("nowhere"));
    expect(plain.code).toBe(1);
    expect(plain.stderr).toMatch(/^error: .* is not a folder that can be read/);
    expect(plain.stderr).not.toContain("    at ");
    const debug = await run("--debug", "data", "inspect", at("nowhere"));
    expect(debug.stderr).toContain("    at ");
  });
});

describe("plseg phantom", () => {
  test("says how often each organ is labeled", async () => {
    const { code, stdout } = await run("phantom", "--out", at("more"), "--cases", "2", "--size", "16", "--json");
    const { organs, cases } = JSON.parse(stdout);
    expect([code, cases]).toEqual([0, 2]);
    expect(organs).toContainEqual({ name: "liver", annotatedCases: 2 });
  });

  test("fails and writes nothing where it must not write", async () => {
    const before = await readdir(at("data"));
    const { code, stderr } = await run("phantom", "--out", at("data"), "--cases", "1");
    expect([code, stderr]).toEqual([1, expect.stringContaining("must be empty")]);
    expect(await readdir(at("data"))).toEqual(before);
    await writeFile(at("file"), "");
    const below = await run("phantom", "--out", at("file", "data"), "--cases", "1", "--size", "16");
    expect([below.code, below.stderr]).toEqual([1, expect.stringContaining("is not a folder")]);
  });
});

describe("plseg data inspect", () => {
  test("shows the three states of every organ in every case", async () => {
    const { code, stdout } = await run("data", "inspect", at("data"));
    expect(code).toBe(0);
    expect(stdout).toContain("3 training cases, 2 test cases");
    expect(stdout).toMatch(/case_0001 {2}training {2}20 × 20 × 20 .* [●·] {2}[●·]/);
    expect(stdout).toMatch(/case_0004 {2}test .*● {2}● {2}● {2}● {2}● {2}●\n/);
    expect(stdout).toContain("● present   ○ annotated, and absent   · unannotated");
    expect(stdout).toContain("no problems found");
  });

  test("lists problems and fails", async () => {
    await cp(at("data"), at("broken"), { recursive: true });
    await writeFile(at("broken", "imagesTr", "case_0001_0000.nii.gz"), "no scan");
    const { code, stdout, stderr } = await run("data", "inspect", at("broken"), "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout).problems[0]).toMatchObject({
      file: "imagesTr/case_0001_0000.nii.gz",
      severity: "error",
    });
    expect(stderr).toContain("has a problem that keeps it from being used.");
  });
});

describe("plseg evaluate", () => {
  test("scores each organ only where it is annotated", async () => {
    const { code, stdout } = await run("evaluate", "-p", at("data/labelsTr_full"), "-r", at("data/labelsTr"), "--json");
    expect(code).toBe(0);
    const evaluation = JSON.parse(stdout);
    expect(evaluation.annotations).toBe(at("data/annotations.json"));
    expect(evaluation.cases).toHaveLength(3);
    expect(evaluation.summary.foreground.dice.mean).toBe(1);
    for (const { present, absent, unannotated } of Object.values<Record<string, number>>(evaluation.states))
      expect([present, absent, unannotated]).toEqual([1, 0, 2]);
  });

  test("takes every class for annotated where the truth is whole", async () => {
    const { stdout } = await run("evaluate", "-p", at("data/labelsTr"), "-r", at("data/labelsTr_full"), "--json");
    const evaluation = JSON.parse(stdout);
    expect(evaluation.annotations).toBeNull();
    // each organ is labeled in one case of three: Dice 1 there, 0 in the other two
    expect(evaluation.summary.foreground.dice.mean).toBeCloseTo(1 / 3, 3);
  });

  test("prints a table, warns of what has no reference, and writes a report", async () => {
    await cp(at("data/labelsTs"), at("predictions"), { recursive: true });
    await cp(at("predictions/case_0004.nii.gz"), at("predictions/stranger.nii.gz"));
    const args = ["evaluate", "-p", at("predictions"), "-r", at("data/labelsTs"), "-m", "dice,assd"];
    const { code, stdout, stderr } = await run(...args, "--report", at("reports/evaluation.html"));
    expect(code).toBe(0);
    expect(stderr).toContain(`warning: ${at("predictions/stranger.nii.gz")} has no reference and was left out`);
    expect(stdout).toMatch(/class +present +absent +unannotated +dice +95 % +assd +95 %\nliver +2 +0 +0 +1\.000/);
    const page = await readFile(at("reports/evaluation.html"), "utf8");
    expect(page).toContain("Mean Dice");
    expect(page).toContain("case_0004");
  });

  test("shows scan, reference and prediction in the report, the reference only where it is annotated", async () => {
    await cp(at("data/labelsTr_full"), at("pictured"), { recursive: true });
    await cp(at("data/labelsTs/case_0004.nii.gz"), at("pictured/case_0004.nii.gz"));
    const args = ["evaluate", "-p", at("pictured"), "-r", at("data/labelsTr"), "--json"];
    const images = ["--images", at("data/imagesTr"), at("data/imagesTs/case_0004_0000.nii.gz")];
    const { code } = await run(...args, "--report", at("reports/pictures.html"), ...images);
    expect(code).toBe(0);
    const page = await readFile(at("reports/pictures.html"), "utf8");
    const captions = [...page.matchAll(/<figcaption>(.*?)<\/figcaption>/g)].map(([, caption]) => caption);
    expect(captions).toHaveLength(4);
    expect(captions[0]).toMatch(/^case_0001: scan, reference \(only \w+, \w+ annotated\), prediction$/);
    expect(captions[3]).toBe("case_0004: scan, prediction; there is no reference");
    expect(page.match(/src="data:image\/png;base64,iVBOR/g)).toHaveLength(4);

    const alone = await run(...args, ...images);
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("Name its file with --report.")]);
    const strange = await run(...args, "--report", at("reports/none.html"), "--images", at("loose-scan.nii.gz"));
    expect([strange.code, strange.stderr]).toEqual([1, expect.stringContaining("there is no file or folder")]);
    await cp(at("data/imagesTs/case_0005_0000.nii.gz"), at("other_0000.nii.gz"));
    const other = await run(...args, "--report", at("reports/none.html"), "--images", at("other_0000.nii.gz"));
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("has a prediction in")]);
    expect(await readdir(at("reports"))).not.toContain("none.html");
  });

  test("compares two folders of predictions, organ by organ", async () => {
    await cp(at("data/labelsTs"), at("mine"), { recursive: true });
    await cp(at("data/labelsTs"), at("theirs"), { recursive: true });
    const path = at("theirs/case_0004.nii.gz");
    const map = await readLabelFile(path);
    await writeVolumeFile(path, { ...map, data: map.data.map((value) => (value === 1 ? 0 : value)) }, { labels: true });
    const args = [
      "evaluate",
      "-p",
      at("mine"),
      "--compare",
      at("theirs"),
      "-r",
      at("data/labelsTs"),
      "-m",
      "dice,hd95",
    ];
    const { code, stdout } = await run(...args, "--report", at("reports/difference.html"));
    expect(code).toBe(0);
    expect(stdout).toContain("mine less theirs, 2 cases");
    expect(stdout).toMatch(/\nliver +\+0\.500 +0\.000 to \+1\.000 +2 +1 +0 +1\.000 +1\.000\n/);
    const page = await readFile(at("reports/difference.html"), "utf8");
    expect(page).toContain("<h2>Difference: mine − theirs</h2>");
    expect(page).toContain("<title>case_0004, liver: +1.000</title>");

    const { comparison, compared } = JSON.parse((await run(...args, "--json")).stdout);
    expect(comparison).toMatchObject({ names: ["mine", "theirs"], cases: ["case_0004", "case_0005"] });
    expect(comparison.classes.liver.dice).toMatchObject({ pairs: 2, better: 1, worse: 0, p: 1 });
    expect(comparison.classes.liver.hd95).toMatchObject({ pairs: 1, unpaired: 1, better: 0, worse: 0 });
    expect(compared.summary.classes.liver.dice.mean).toBeCloseTo(0.5, 3);
  });

  test("names the references that have no prediction", async () => {
    await cp(at("data/labelsTs"), at("some"), { recursive: true });
    await rm(at("some/case_0005.nii.gz"));
    const { code, stderr } = await run("evaluate", "-p", at("some"), "-r", at("data/labelsTs"));
    expect([code, stderr]).toEqual([1, expect.stringContaining("of the case case_0005. Files are paired by name.")]);
    const none = await run("evaluate", "-p", at("none"), "-r", at("data/labelsTs"));
    expect([none.code, none.stderr]).toEqual([1, `error: predictions: there is no file or folder ${at("none")}.\n`]);
  });

  test("compares two files, with classes named on the command line", async () => {
    await mkdir(at("loose"));
    await cp(at("data/labelsTs/case_0004.nii.gz"), at("loose/reference.nii.gz"));
    const files = ["-p", at("data/labelsTs/case_0004.nii.gz"), "-r", at("loose/reference.nii.gz")];
    const unknown = await run("evaluate", ...files);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("Name them with --classes")]);
    const names = "background,liver,spleen,left_kidney,right_kidney,stomach,aorta";
    const { code, stdout } = await run("evaluate", ...files, "--classes", names, "--json");
    expect([code, JSON.parse(stdout).summary.foreground.dice.mean]).toEqual([0, 1]);
  });

  test("refuses values that are no class, and another grid", async () => {
    await cp(at("data/labelsTs"), at("odd"), { recursive: true });
    const map = await readLabelFile(at("odd/case_0004.nii.gz"));
    map.data.fill(77, 0, 1);
    await writeVolumeFile(at("odd/case_0004.nii.gz"), map, { labels: true });
    const value = await run("evaluate", "-p", at("odd"), "-r", at("data/labelsTs"));
    expect(value.stderr).toContain(
      "case_0004.nii.gz holds the value 77, which is no class. Classes: 0 background, 1 liver",
    );
    await writeVolumeFile(at("odd/case_0004.nii.gz"), { ...map, data: map.data.slice(400), shape: [19, 20, 20] });
    const shape = await run("evaluate", "-p", at("odd"), "-r", at("data/labelsTs"));
    expect([shape.code, shape.stderr]).toEqual([1, expect.stringContaining('the case "case_0004"')]);
  });

  test("tells a class of the manifest that does not exist", async () => {
    const manifest = { version: 1, classes: ["background", "livr"], cases: { case_0004: { annotated: ["livr"] } } };
    await writeFile(at("wrong.json"), JSON.stringify(manifest));
    const args = ["-p", at("data/labelsTs"), "-r", at("data/labelsTs"), "--annotations", at("wrong.json")];
    const { code, stderr } = await run("evaluate", ...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining('names the class "livr". Did you mean "liver"?')]);
  });
});

describe("plseg doctor", () => {
  test("checks ONNX Runtime's CPU provider against TensorFlow.js", async () => {
    const { code, stdout } = await run("doctor", "--json");
    const { engines, ok, versions, machine } = JSON.parse(stdout);
    expect([code, ok, machine.node]).toEqual([0, true, process.versions.node]);
    const compiled = engines.find(({ engine }: { engine: string }) => engine === "compiled (cpu)");
    expect(compiled.status).toBe("pass");
    expect(compiled.difference).toBeLessThan(1e-5);
    expect(versions["onnxruntime-node"]).toMatch(/^\d/);
  });

  test("says how to get what is missing", async () => {
    const { stdout } = await run("doctor");
    expect(stdout).toMatch(/compiled \(cpu\) +pass/);
    expect(stdout).toContain("npm install @tensorflow/tfjs-node-gpu");
    expect(stdout).toContain("plseg doctor --link-libtensorflow DIR");
  });

  test("builds nothing against a folder that is not TensorFlow's", async () => {
    const { code, stdout, stderr } = await run("doctor", "--link-libtensorflow", at("data"));
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("lacks libtensorflow_cc.so.2 or libtensorflow.so.2");
  });
});
