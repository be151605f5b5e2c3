import { describe, expect, test } from "vitest";
import { smooth, thin, ticks } from "./charts.js";
import { escapeHtml } from "./html.js";
import { renderReport } from "./render-report.js";
import type { ReportData } from "./report-data.js";

const EVIL = `<script>alert("1")</script>'&`;

const picture = { caption: EVIL, png: Uint8Array.of(1, 2, 3) };

const scores = (name: string, dice: number) => ({
  name,
  summary: {
    classes: {
      liver: { dice: { mean: dice, interval: [dice - 0.1, dice + 0.05] as const, cases: 4 } },
      [EVIL]: { dice: { mean: null, interval: null, cases: 0 } },
    },
    foreground: { dice: { mean: dice } },
  },
});

const FULL: ReportData = {
  title: `Demo ${EVIL}`,
  summary: `Summary ${EVIL}`,
  figures: [{ label: `Dice ${EVIL}`, value: `0.9 ${EVIL}`, note: EVIL }],
  scores: [scores("pl-seg", 0.9), scores(`unet ${EVIL}`, 0.5)],
  annotatedCases: { liver: 3 },
  loss: [{ name: EVIL, points: Array.from({ length: 5000 }, (_, i) => [i, 2 * Math.exp(-i / 1000)] as const) }],
  validation: [
    {
      name: EVIL,
      points: [
        [100, 0.3],
        [200, 0.6],
      ],
    },
  ],
  annotations: {
    classes: ["liver", EVIL],
    cases: [
      { id: EVIL, states: ["present", "unannotated"] },
      { id: "case_0002", states: ["absent", "annotated"] },
    ],
  },
  learningRate: [
    {
      name: EVIL,
      points: [
        [1, 0.1],
        [2, 0.05],
      ],
    },
  ],
  organs: [{ name: EVIL, points: [[100, 0.3]] }],
  worst: [{ id: EVIL, dice: 0.125, perClass: { liver: 0.125, [EVIL]: null }, picture }],
  tables: [{ title: `Wrong ${EVIL}`, head: ["Step", EVIL], rows: [["7", EVIL]] }],
  pictures: [picture],
  classes: ["background", "liver", EVIL],
  configuration: { method: EVIL, patchSize: [32, 32, 32], intensity: { level: 40, width: 400 } },
  versions: { node: EVIL },
  commandLine: `plseg demo ${EVIL}`,
  made: new Date("2026-01-02T03:04:05Z"),
};

/** Tags that are opened and never closed, or closed and never opened, in order. */
function unbalanced(page: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  const VOID = ["meta", "img", "br"];
  for (const [, close, name = "", selfClosing] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:"[^"]*"|[^>"])*?(\/?)>/g)) {
    if (selfClosing || VOID.includes(name)) continue;
    if (!close) open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}

describe("renderReport", () => {
  const page = renderReport(FULL);

  test("is one page that loads nothing and runs nothing", () => {
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page.match(/(?:src|href)="(?!data:)[^"]*"/g)).toBeNull();
    expect(page).not.toMatch(/url\(|@import|<link|<script|http/);
    expect(page).toContain('src="data:image/png;base64,AQID"');
  });

  test("escapes every text", () => {
    expect(page).not.toContain("<script");
    expect(page).not.toContain(`'&`);
    expect(page.split(escapeHtml(EVIL)).length).toBeGreaterThan(20);
  });

  test("closes every tag", () => expect(unbalanced(page)).toEqual([]));

  test("has a section for everything that is given, and none for what is not", () => {
    const titles = (text: string): string[] => [...text.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, title = ""]) => title);
    expect(titles(page)).toEqual([
      "Dice per organ",
      `Wrong ${escapeHtml(EVIL)}`,
      "Worst cases",
      "Pictures",
      "Training loss",
      "Validation",
      "Learning rate",
      "What is labeled",
      "How this was made",
    ]);
    const empty = renderReport({ title: "Empty", summary: "Nothing yet." });
    expect(titles(empty)).toEqual([]);
    expect(unbalanced(empty)).toEqual([]);
  });

  test("shows the scores of both methods side by side", () => {
    expect(page).toContain("<title>pl-seg, liver: 0.900</title>");
    expect(page).toContain('<td class="number">0.500<br><span class="quiet">0.400–0.550, 4 cases</span></td>');
    expect(page).toContain("labeled in 3");
    expect(page).toContain('<td class="present" title="labeled, and present"><span aria-hidden="true">●</span>');
  });

  test("shows the worst cases with what each organ scored", () => {
    expect(page).toContain(`<th scope="row">${escapeHtml(EVIL)}</th><td class="number">0.125</td>`);
    expect(page).toContain('<td class="number">–</td>');
  });

  test("is read anew only while more is to come", () => {
    expect(page).not.toContain("refresh");
    const running = renderReport({ ...FULL, running: true });
    expect(running).toContain('<meta http-equiv="refresh" content="60">');
    expect(unbalanced(running)).toEqual([]);
  });

  test("can be read without seeing: tables with headings, pictures with words", () => {
    const tables = page.match(/<table/g) ?? [];
    expect(page.match(/role="region" aria-label="[^"]+" tabindex="0"><table/g)).toHaveLength(tables.length);
    expect(page.match(/<th(?=[ >])/g)).toHaveLength((page.match(/<th scope="(?:col|row)"/g) ?? []).length);
    expect(page.match(/<img(?! alt="[^"]+")/g)).toBeNull();
    expect(page.match(/<svg(?![^>]*role="img" aria-label="[^"]+")/g)).toBeNull();
  });

  test("stays small however long the curves are", () => expect(page.length).toBeLessThan(120_000));
});

describe("ticks", () => {
  test.each([
    [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0, 600, [0, 200, 400, 600]],
    [-0.4, 2.1, [0, 0.5, 1, 1.5, 2]],
  ])("from %d to %d are round", (low, high, expected) => expect(ticks(low, high)).toEqual(expected));
});

describe("smooth", () => {
  test("averages over neighbors", () => {
    expect(
      smooth(
        [
          [1, 0],
          [2, 3],
          [3, 6],
          [4, 3],
        ],
        3,
      ).map(([, y]) => y),
    ).toEqual([1.5, 3, 4, 4.5]);
  });
});

describe("thin", () => {
  test("keeps first and last", () => {
    expect(thin([0, 1, 2, 3, 4, 5, 6], 3)).toEqual([0, 3, 6]);
    expect(thin([1, 2], 3)).toEqual([1, 2]);
  });
});
