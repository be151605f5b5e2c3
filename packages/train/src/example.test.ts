import "@plseg/test-kit";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as dataNode from "@plseg/data/node";
import * as runtimeNode from "@plseg/runtime/node";
import { runReadmeExample } from "@plseg/test-kit";
import { describe, expect, test } from "vitest";
import {
  methods,
  OBJECTIVE_DEFAULTS,
  OPTIMIZER_DEFAULTS,
  PL_SEG_OBJECTIVE_DEFAULTS,
  SCHEDULE_DEFAULTS,
} from "./index.js";
import { METHOD_NAMES } from "./names.js";
import * as trainNode from "./node/index.js";

const README = new URL("../README.md", import.meta.url);

/** Rows of the table under a heading that starts like this: the text of each cell. */
function tableAfter(heading: string): string[][] {
  const [, rest = ""] = readFileSync(README, "utf8").split(`\n| ${heading}`);
  const [table = ""] = `| ${heading}${rest}`.split("\n\n");
  return table.split("\n").map((row) => row.replace(/^\| | \|$/g, "").split(" | "));
}

const unquoted = (cell = ""): string => cell.replaceAll("`", "");

describe("the README of @plseg/train", () => {
  test("has an example that runs", async () => {
    const folder = await mkdtemp(join(tmpdir(), "plseg-train-"));
    try {
      const modules = {
        "@plseg/data/node": dataNode,
        "@plseg/runtime/node": runtimeNode,
        "@plseg/train/node": trainNode,
        "./my-folders.js": { folder },
      };
      const { half, whole } = await runReadmeExample(README, modules, ["half", "whole"]);
      expect([half, whole]).toMatchObject([{ step: 2 }, { step: 4 }]);
      const files = tableAfter("file |")
        .slice(2)
        .map(([name]) => unquoted(name).replace("/", ""));
      const written = await readdir(join(folder, "run"));
      expect(files.filter((name) => name !== "checkpoint-best").sort()).toEqual(written.sort());
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("lists every preset with its settings", () => {
    const [header = [], , ...rows] = tableAfter("setting |");
    const presets = Object.entries(trainNode.PRESETS);
    expect(
      header
        .map(unquoted)
        .slice(1, 1 + presets.length)
        .sort(),
    ).toEqual(presets.map(([name]) => name).sort());
    for (const [name, settings] of presets) {
      const column = header.map(unquoted).indexOf(name);
      const listed = rows.map((row) => [unquoted(row[0]), JSON.parse(unquoted(row[column]))]);
      expect(Object.keys(settings).sort(), name).toEqual(listed.map(([setting]) => setting).sort());
      expect(trainNode.checkSettings(Object.fromEntries(listed), README.pathname), name).toEqual(settings);
    }
  });

  test("lists every method", () => {
    expect(
      tableAfter("method |")
        .slice(2)
        .map(([name]) => unquoted(name)),
    ).toEqual(Object.keys(methods));
    expect(METHOD_NAMES).toEqual(Object.keys(methods));
  });

  test("tells the defaults as they are", () => {
    const valuesOf = (heading: string): Record<string, unknown> =>
      Object.fromEntries(
        tableAfter(heading)
          .slice(2)
          .map(([name, value]) => [unquoted(name), JSON.parse(unquoted(value))]),
      );
    expect(valuesOf("option of `plSegObjective` |")).toEqual(PL_SEG_OBJECTIVE_DEFAULTS);
    expect(valuesOf("option of `objective` |")).toEqual(OBJECTIVE_DEFAULTS);
    const schedules = tableAfter("schedule |").slice(2);
    const options = schedules.map(([name, , defaults]) => [
      unquoted(name),
      defaults === "—" ? {} : JSON.parse(unquoted(defaults)),
    ]);
    expect(Object.fromEntries(options)).toEqual(SCHEDULE_DEFAULTS);
  });

  test("tells the defaults of every optimizer", () => {
    const [header = [], , ...rows] = tableAfter("option | `adam`");
    for (const [name, defaults] of Object.entries(OPTIMIZER_DEFAULTS)) {
      const column = header.map(unquoted).indexOf(name);
      const listed = rows.flatMap((row) => (row[column] !== "—" ? [[unquoted(row[0]), Number(row[column])]] : []));
      expect(Object.fromEntries(listed), name).toEqual(defaults);
    }
  });

  test("has ways to keep cases aside that the settings take", () => {
    for (const [validation = ""] of tableAfter("validation |").slice(2))
      trainNode.checkSettings({ validation: JSON.parse(unquoted(validation)) }, README.pathname);
  });
});
