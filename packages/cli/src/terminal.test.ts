import { afterEach, describe, expect, test, vi } from "vitest";
import { duration, endProgress, paint, progressBar, progressLine, table } from "./terminal.js";

/** A stream that keeps what is written. */
function stream(isTTY: boolean): { stream: NodeJS.WriteStream; written: string[] } {
  const written: string[] = [];
  const write = (text: string): boolean => written.push(text) > 0;
  return { stream: { isTTY, columns: 80, write } as unknown as NodeJS.WriteStream, written };
}

describe("table", () => {
  test("aligns columns, numbers to the right", () => {
    const rows = [
      ["organ", "dice", "state"],
      ["liver", "0.95", "present"],
      ["left_kidney", "–", "absent"],
      ["spleen", "12.5", ""],
    ];
    expect(table(rows)).toBe(
      ["organ        dice  state", "liver        0.95  present", "left_kidney     –  absent", "spleen       12.5"].join(
        "\n",
      ),
    );
  });
});

describe("duration", () => {
  test.each([
    [0, "0:00"],
    [65.4, "1:05"],
    [7389, "2:03:09"],
  ])("shows %d seconds as %s", (seconds, text) => expect(duration(seconds)).toBe(text));
});

describe("progressBar", () => {
  afterEach(endProgress);

  test("is silent without a terminal", () => {
    const { stream: pipe, written } = stream(false);
    const bar = progressBar("predict", pipe);
    bar(1, 2);
    bar(2, 2);
    expect(written).toEqual([]);
  });

  test("shows part, rate, time since and time left", () => {
    const line = progressLine({ label: "predict", done: 6, total: 12, note: "case_0001", seconds: 30 });
    expect(line).toBe(
      `predict ${"█".repeat(12)}${"░".repeat(12)}  50 %  6/12  5.0 s each  0:30 elapsed  0:30 left  case_0001`,
    );
    expect(progressLine({ label: "a", done: 2, total: 2, note: "", seconds: 1 })).toMatch(
      /100 % {2}2\/2 {2}2\.0\/s {2}0:01 elapsed$/,
    );
  });

  test("ends its line when it is full, or when it is told to", () => {
    const { stream: terminal, written } = stream(true);
    const bar = progressBar("predict", terminal);
    bar(1, 3);
    bar(2, 3);
    expect(written).toHaveLength(1); // too soon after the first
    endProgress();
    endProgress();
    expect(written.slice(1)).toEqual(["\n"]);
    bar(3, 3);
    expect(written.at(-1)).toBe("\n");
    for (const text of written) expect(text.length).toBeLessThan(90);
  });
});

describe("paint", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("colors on a terminal, unless NO_COLOR is set", () => {
    vi.stubEnv("TERM", "xterm");
    vi.stubEnv("NO_COLOR", "");
    expect(paint("red", "x", stream(true).stream)).toBe("\u001b[31mx\u001b[39m");
    expect(paint("red", "x", stream(false).stream)).toBe("x");
    vi.stubEnv("NO_COLOR", "1");
    expect(paint("red", "x", stream(true).stream)).toBe("x");
  });
});
