import { readFileSync } from "node:fs";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { runReadmeExample } from "@plseg/test-kit";
import { describe, expect, test, vi } from "vitest";
import * as cli from "./index.js";

const README = new URL("../README.md", import.meta.url);
const text = readFileSync(README, "utf8");

/** Command lines in the shell examples of a README, without `plseg`. */
const examplesOf = (readme: string): string[] =>
  [...readme.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = ""]) =>
    block.split("\n").flatMap((line) => (line.startsWith("plseg ") ? [line.slice("plseg ".length)] : [])),
  );

const examples = examplesOf(text);
const quickStart = examplesOf(readFileSync(new URL("../../../README.md", import.meta.url), "utf8"));
const onDatasets = examplesOf(readFileSync(new URL("../../../docs/datasets.md", import.meta.url), "utf8"));

/** Command lines in the table, such as `phantom --out DIR --cases N`. */
const table = [...text.matchAll(/^\| `plseg ([^`]+)`/gm)].map(([, line = ""]) => line);

/** The program with every action replaced by nothing, so that only its parsing is left. */
function parsing(command: CommandUnknownOpts): CommandUnknownOpts {
  command.configureOutput({ writeErr: () => undefined });
  if (command.commands.length === 0) command.action(() => undefined);
  for (const inner of command.commands) parsing(inner);
  return command;
}

describe("docs/datasets.md", () => {
  test.each(onDatasets)("shows a command line that parses: plseg %s", async (line) => {
    await expect(parsing(cli.plseg()).parseAsync(line.split(" "), { from: "user" })).resolves.toBeDefined();
  });
});

describe("the README of the workspace", () => {
  test.each(quickStart)("shows a command line that parses: plseg %s", async (line) => {
    await expect(parsing(cli.plseg()).parseAsync(line.split(" "), { from: "user" })).resolves.toBeDefined();
  });
});

describe("the README of @plseg/cli", () => {
  test.each(examples)("shows a command line that parses: plseg %s", async (line) => {
    await expect(parsing(cli.plseg()).parseAsync(line.split(" "), { from: "user" })).resolves.toBeDefined();
  });

  test.each(table)("lists a command that exists: plseg %s", async (line) => {
    const args = line.replace("--cases N", "--cases 1").replace("--keep K --seed S", "--keep 1 --seed 1").split(" ");
    await expect(parsing(cli.plseg()).parseAsync(args, { from: "user" })).resolves.toBeDefined();
  });

  test("lists every command", () => {
    const leaves = (command: CommandUnknownOpts, path: string): string[] =>
      command.commands.length === 0
        ? [path]
        : command.commands.flatMap((inner) => leaves(inner, `${path} ${inner.name()}`));
    for (const path of leaves(cli.plseg(), "plseg")) expect(text).toContain(`| \`${path} `.replace(/ $/, ""));
  });

  test("has an example in code that works", async () => {
    const printed: string[] = [];
    const write = vi.spyOn(process.stdout, "write").mockImplementation((line) => printed.push(String(line)) > 0);
    const { exitCode } = await runReadmeExample(README, { "@plseg/cli": cli }, ["exitCode"]);
    write.mockRestore();
    expect([exitCode, JSON.parse(printed.join("")).ok]).toEqual([0, true]);
  });
});
