import { readFile } from "node:fs/promises";
import { ConfigError, DataError, suggest } from "@plseg/core";
import { readAnnotations } from "../annotations.js";
import { detectLayout } from "./detect-layout.js";
import { LAYOUTS } from "./layouts/index.js";
import type { LayoutName, LayoutOptions, SourceCase, SourceDataset } from "./layouts/layout.js";

/** Options of {@link openSource}. */
export interface OpenSourceOptions extends LayoutOptions {
  /** The layout, if it cannot be told from the files. */
  readonly layout?: LayoutName;
  /** Class names, background first, in the order of their values, where nothing in the folder names them. */
  readonly classes?: readonly string[];
  /** An `annotations.json` that says what is annotated, case by case, instead of what the layout says. */
  readonly annotations?: string;
}

/**
 * Opens a dataset in any known layout: classes, cases, what each annotates, and everything wrong with the files' names.
 * Voxels are not read.
 *
 * @throws DataError if the layout cannot be told, or there is no dataset in it; ConfigError if an option does not fit.
 */
export async function openSource(dir: string, options: OpenSourceOptions = {}): Promise<SourceDataset> {
  const layout = options.layout ?? (await detectLayout(dir)).layout;
  const found: SourceDataset = { layout, ...(await LAYOUTS[layout].scan(dir, options)) };
  const named = options.classes === undefined ? found : { ...found, classes: nameClasses(options.classes) };
  return options.annotations === undefined ? named : annotatedBy(named, options.annotations);
}

/** Classes 1, 2, … of names, of which the first is the background. */
function nameClasses(names: readonly string[]) {
  if (names[0] !== "background" || names.length < 2)
    throw new ConfigError(
      `openSource: classes must be "background" and then at least one class, in the order of their values, got ${names.join(", ")}.`,
    );
  return names.slice(1).map((name, index) => ({ name, value: index + 1 }));
}

async function annotatedBy(source: SourceDataset, file: string): Promise<SourceDataset> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new DataError(`openSource: ${file} cannot be read.`, { cause });
  });
  const manifest = readAnnotations(text, file);
  const classes = source.classes ?? nameClasses(manifest.classes);
  const names = classes.map(({ name }) => name);
  const stranger = manifest.classes.find((name) => name !== "background" && !names.includes(name));
  if (stranger !== undefined)
    throw new DataError(
      `openSource: ${file}: classes: ${source.root} has no class "${stranger}".${suggest(stranger, names)} Classes: ${names.join(", ")}.`,
    );
  const ids = source.cases.map(({ id }) => id);
  const missing = Object.keys(manifest.cases).find((id) => !ids.includes(id));
  if (missing !== undefined)
    throw new DataError(
      `openSource: ${file}: cases.${missing}: ${source.root} has no such case.${suggest(missing, ids)}`,
    );
  const cases = source.cases.map(
    (entry): SourceCase => ({ ...entry, annotated: manifest.cases[entry.id]?.annotated ?? [] }),
  );
  return { ...source, classes, cases };
}
