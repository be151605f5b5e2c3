import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** What a file imports as it loads: not types, and not what it imports later. */
function imports(file: URL): string[] {
  const source = readFileSync(file, "utf8");
  return [...source.matchAll(/^import (?!type )(?:[^;]*? from )?"([^"]+)";$/gm)].map(([, name = ""]) => name);
}

test("plseg loads little before it knows its command, so that --help is there at once", () => {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: URL): void => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    for (const name of imports(file))
      if (name.startsWith(".")) visit(new URL(name.replace(/\.js$/, ".ts"), file));
      else if (!name.startsWith("node:")) packages.add(name);
  };
  visit(new URL("main.ts", import.meta.url));
  expect(seen.size).toBeGreaterThan(10);
  expect([...packages].sort()).toEqual([
    "@commander-js/extra-typings",
    "@plseg/core",
    "@plseg/metrics",
    "@plseg/train/names",
  ]);
});
