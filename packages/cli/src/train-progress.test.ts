import { afterEach, describe, expect, test, vi } from "vitest";
import { endProgress } from "./terminal.js";
import { trainProgress } from "./train-progress.js";

/** A stream that keeps what is written, and a clock that is set by hand. */
function setUp(isTTY: boolean, steps: number, done = 0) {
  const written: string[] = [];
  const write = (text: string): boolean => written.push(text) > 0;
  const stream = { isTTY, columns: 200, write } as unknown as NodeJS.WriteStream;
  let time = 0;
  const progress = trainProgress({ label: "train", steps, done, batch: 2, stream, now: () => time });
  const step = (at: number, loss = 1): void => {
    time += 500;
    progress.step({ step: at, loss, learningRate: 0.0123 });
  };
  const wait = (milliseconds: number): void => {
    time += milliseconds;
  };
  return { progress, step, written, wait };
}

describe("trainProgress", () => {
  afterEach(() => {
    endProgress();
    vi.restoreAllMocks();
  });

  test("shows smoothed loss, Dice, learning rate, images per second and time left on a terminal", () => {
    const { progress, step, written, wait } = setUp(true, 4);
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    step(1, 3);
    expect(written.at(-1)).toContain("train ███░░░░░░░░░  25 %  1/4  loss 3.0000  lr 0.012  4.00 images/s  0:02 left");
    progress.segmented(1, 3, "case_0007");
    wait(1000);
    progress.validation(1, 0.75);
    expect(process.stderr.write).toHaveBeenLastCalledWith("step 1: validation Dice 0.7500\n");
    for (const at of [2, 3, 4]) step(at, 1);
    // the mean of 3, 1, 1, 1; the validation does not slow the images down
    expect(written.at(-2)).toContain("100 %  4/4  loss 1.5000  Dice 0.750  lr 0.012  4.00 images/s");
    expect(written.at(-1)).toBe("\n");
    expect(progress.imagesPerSecond()).toBe(4);
  });

  test("counts the time left of this sitting, validations included", () => {
    const { step, written, progress, wait } = setUp(false, 100, 50);
    step(51);
    wait(500);
    progress.validation(51, null);
    step(52);
    for (let at = 53; at <= 55; at++) step(at);
    // 5 steps and a validation in 3 s: 45 steps take 27 s
    expect(written.at(-1)).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:]+Z {2}step 55\/100 \(55 %\) {2}loss 1\.0000 {2}Dice – .* 0:27 left\n$/,
    );
  });

  test("writes a line at every twentieth of the training, at validations and after long silence to a log file", () => {
    const { progress, step, written, wait } = setUp(false, 1000);
    for (let at = 1; at <= 120; at++) step(at);
    expect(written.map((line) => /step (\d+)/.exec(line)?.[1])).toEqual(["1", "50", "100"]);
    progress.checkpoint(120);
    progress.validation(120, 0.5);
    wait(301_000);
    step(121);
    progress.segmented(1, 9, "case_1");
    wait(301_000);
    progress.segmented(2, 9, "case_2");
    expect(written.slice(3)).toEqual([
      expect.stringMatching(/Z {2}step 120: validation Dice 0\.5000\n$/),
      expect.stringMatching(/Z {2}step 121\/1000 .* saved 120\n$/),
      expect.stringMatching(/Z {2}step 121: validated 2 of 9 cases\n$/),
    ]);
  });
});
