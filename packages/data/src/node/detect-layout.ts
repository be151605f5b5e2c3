import { resolve } from "node:path";
import { DataError } from "@plseg/core";
import { namesIn } from "./layouts/folder.js";
import { LAYOUTS } from "./layouts/index.js";
import type { LayoutName } from "./layouts/layout.js";

/** A layout, and what in the folder speaks for it. */
export interface DetectedLayout {
  /** As `--layout` takes it. */
  readonly layout: LayoutName;
  /** What was seen, in words. */
  readonly evidence: string;
}

/**
 * Finds out how a dataset is arranged, from names of files and folders and `dataset.json`. Nothing else is read.
 *
 * @throws DataError if no layout fits, or several do: says what was seen, and how to name the layout.
 */
export async function detectLayout(dir: string): Promise<DetectedLayout> {
  const root = resolve(dir);
  const names = await namesIn(root);
  if (!names) throw new DataError(`detectLayout: ${root} is not a folder that can be read.`);
  const found: DetectedLayout[] = [];
  for (const { name, detect } of Object.values(LAYOUTS)) {
    const evidence = await detect(root);
    if (evidence !== undefined) found.push({ layout: name, evidence });
  }
  const [only, ...others] = found;
  if (only && others.length === 0) return only;
  if (only) {
    const list = found.map(({ layout, evidence }) => `  --layout ${layout}   ${evidence}`);
    throw new DataError(`detectLayout: ${root} may be in several layouts. Say which it is:\n${list.join("\n")}`);
  }
  const seen =
    names.length === 0 ? "it is empty" : `it holds ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`;
  const known = Object.values(LAYOUTS).map(({ name, pattern }) => `${name}:\n${pattern.replaceAll(/^/gm, "  ")}`);
  throw new DataError(
    `detectLayout: ${root} is in no layout that is known: ${seen}. If it is one of these, name it with --layout to be told what is wrong:\n${known.join("\n")}`,
  );
}
