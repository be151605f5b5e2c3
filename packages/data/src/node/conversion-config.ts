import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError, suggest } from "@plseg/core";
import * as v from "valibot";
import { parse } from "yaml";
import { LAYOUT_NAMES } from "./layouts/layout.js";

const name = v.pipe(v.string("must be a text"), v.nonEmpty("must not be empty"));
const names = v.array(name, "must be a list of names");
const classes = v.pipe(
  names,
  v.check(([first]) => first === "background", 'must begin with "background"'),
  v.minLength(2, "must name a class besides the background"),
);
const annotated = v.union([v.picklist(["all", "occurring"]), names], "must be all, occurring, or a list of classes");
const part = v.picklist(["training", "test"], "must be training or test");

const caseEntries = { annotated: v.optional(names), part: v.optional(part) };

const datasetEntries = {
  path: name,
  layout: v.optional(v.picklist(LAYOUT_NAMES, `must be one of ${LAYOUT_NAMES.join(", ")}`)),
  budget: v.optional(
    v.pipe(
      v.number("must be a whole number"),
      v.integer("must be a whole number"),
      v.minValue(1, "must be at least 1"),
    ),
  ),
  images: v.optional(name),
  labels: v.optional(name),
  classes: v.optional(classes),
  annotations: v.optional(name),
  map: v.optional(v.record(name, v.nullable(name))),
  annotated: v.optional(annotated),
  cases: v.optional(v.record(name, v.strictObject(caseEntries))),
  only: v.optional(names),
  leaveOut: v.optional(names),
  prefix: v.optional(v.pipe(v.string(), v.regex(/^[\w.-]*$/, "may hold letters, digits, _, - and ."))),
  part: v.optional(part),
  license: v.optional(name),
  reference: v.optional(name),
};

const configEntries = {
  version: v.literal(1, "must be 1"),
  name: v.optional(name),
  description: v.optional(name),
  classes: v.optional(classes),
  overlap: v.optional(names),
  datasets: v.pipe(v.array(v.strictObject(datasetEntries), "must be a list"), v.minLength(1, "must list a dataset")),
};

const schema: v.GenericSchema<unknown, ConversionConfig> = v.strictObject(configEntries);

/** One of the datasets to merge. */
export interface ConversionDataset {
  /** Its folder, from the folder that the configuration is relative to. */
  readonly path: string;
  /** Its layout, if that cannot be told from the files. */
  readonly layout?: (typeof LAYOUT_NAMES)[number] | undefined;
  /** PLS4MIS: which of `labelsTr_2` and so on. */
  readonly budget?: number | undefined;
  /** Pairs: `{case}_ct.nii.gz`, for example. */
  readonly images?: string | undefined;
  /** Pairs: `{case}_seg.nii.gz`, for example. */
  readonly labels?: string | undefined;
  /** Its classes, background first, where nothing in the folder names them. */
  readonly classes?: readonly string[] | undefined;
  /** An `annotations.json` in its terms. */
  readonly annotations?: string | undefined;
  /** What each of its classes, by name or by value, is called in the result; `null` leaves it out, `"*": null` all others. */
  readonly map?: Readonly<Record<string, string | null>> | undefined;
  /** What is annotated in its labeled cases, in the result's classes, instead of what the layout says. */
  readonly annotated?: "all" | "occurring" | readonly string[] | undefined;
  /** The same for single cases. */
  readonly cases?:
    | Readonly<
        Record<
          string,
          { readonly annotated?: readonly string[] | undefined; readonly part?: "training" | "test" | undefined }
        >
      >
    | undefined;
  /** The cases to take. */
  readonly only?: readonly string[] | undefined;
  /** The cases not to take. */
  readonly leaveOut?: readonly string[] | undefined;
  /** Put before the names of its cases. */
  readonly prefix?: string | undefined;
  /** Where its cases go. */
  readonly part?: "training" | "test" | undefined;
  /** Written into the result. */
  readonly license?: string | undefined;
  /** Written into the result. */
  readonly reference?: string | undefined;
}

/** How datasets become one. */
export interface ConversionConfig {
  /** Of the file format. */
  readonly version: 1;
  /** Of the result. */
  readonly name?: string | undefined;
  /** Of the result, for its `dataset.json`. */
  readonly description?: string | undefined;
  /** Of the result, background first. May be missing if there is one dataset. */
  readonly classes?: readonly string[] | undefined;
  /** Where masks overlap, the class that is listed first keeps the voxel; classes that are not listed follow in their order. */
  readonly overlap?: readonly string[] | undefined;
  /** At least one. */
  readonly datasets: readonly ConversionDataset[];
}

/** Keys by the place of an object in the file. */
function keysAt(path: readonly unknown[]): readonly string[] {
  if (path.length === 0) return Object.keys(configEntries);
  return Object.keys(path.includes("cases") ? caseEntries : datasetEntries);
}

/**
 * Reads a conversion's configuration from YAML, of which JSON is a part.
 *
 * @param file - What messages call it.
 * @throws ConfigError naming the file and the field; for an unknown key, with a suggestion.
 */
export function readConversionConfig(text: string, file: string): ConversionConfig {
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    const [first] = (cause as Error).message.split("\n");
    throw new ConfigError(`readConversionConfig: ${file} is not valid YAML: ${first?.replace(/:$/, "")}.`, { cause });
  }
  const parsed = v.safeParse(schema, content);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = (issue.path ?? []).map((item) => (item as { key: unknown }).key);
  const where = `readConversionConfig: ${file}: ${path.join(".") || "the whole file"}`;
  if (issue.type !== "strict_object") throw new ConfigError(`${where} ${issue.message}, got ${issue.received}.`);
  const key = String(path.at(-1));
  const keys = keysAt(path.slice(0, -1));
  if (keys.includes(key)) throw new ConfigError(`${where} is missing.`);
  if (path.length === 0)
    throw new ConfigError(`${where} must be a mapping with the keys ${keys.join(", ")}, got ${issue.received}.`);
  throw new ConfigError(`${where}: there is no key "${key}" here.${suggest(key, keys)} Keys: ${keys.join(", ")}.`);
}

/**
 * Reads a configuration from a file, and makes its paths absolute.
 *
 * @param base - The folder that paths start from; the file's own by default.
 * @throws ConfigError as {@link readConversionConfig}, and if the file cannot be read.
 */
export async function loadConversionConfig(file: string, base: string = dirname(file)): Promise<ConversionConfig> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ConfigError(`loadConversionConfig: ${file} cannot be read. Give the path of a YAML or JSON file.`, {
      cause,
    });
  });
  const config = readConversionConfig(text, file);
  const datasets = config.datasets.map((entry) => ({
    ...entry,
    path: resolve(base, entry.path),
    ...(entry.annotations !== undefined && { annotations: resolve(dirname(file), entry.annotations) }),
  }));
  return { ...config, datasets };
}
