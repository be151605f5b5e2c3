import { ClassSet, ConfigError, DataError, suggest } from "@plseg/core";
import type { ConversionConfig, ConversionDataset } from "./conversion-config.js";
import { LAYOUTS } from "./layouts/index.js";
import type { Annotated, SourceCase, SourceClass, SourceDataset } from "./layouts/layout.js";
import { openSource } from "./open-source.js";

/** A case to write, and where it comes from. */
export interface PlannedCase {
  /** Its name in the result. */
  readonly id: string;
  readonly part: "training" | "test";
  /** Index of its dataset in {@link ConversionPlan.sources}. */
  readonly source: number;
  readonly entry: SourceCase;
  /** What is annotated, in the result's classes, if the configuration says so; else the source's word counts. */
  readonly annotated?: Annotated;
}

/** A dataset to read. */
export interface PlannedSource {
  readonly dataset: SourceDataset;
  /** Its classes; those of the map where nothing in its folder names them. */
  readonly classes: readonly SourceClass[];
  /** By name of its class: index of the result's class; 0 leaves it out. */
  readonly targets: ReadonlyMap<string, number>;
  /** Whether label values that are no class are left out. */
  readonly dropOthers: boolean;
  readonly license?: string | undefined;
  readonly reference?: string | undefined;
}

/** Everything that a conversion will do. */
export interface ConversionPlan {
  readonly name: string;
  readonly description: string;
  readonly classes: ClassSet;
  /** Indices of classes: where masks overlap, the first keeps the voxel. */
  readonly order: readonly number[];
  readonly sources: readonly PlannedSource[];
  readonly cases: readonly PlannedCase[];
}

/**
 * Opens every dataset of a configuration, and decides which case and which class becomes what. Voxels are not read.
 *
 * @throws ConfigError if the configuration does not fit the datasets: a class that is not mapped, a case that does not exist,
 *   two cases of one name; DataError if a dataset cannot be read or has errors.
 */
export async function planConversion(config: ConversionConfig): Promise<ConversionPlan> {
  const opened: SourceDataset[] = [];
  for (const { path, layout, budget, images, labels, classes, annotations } of config.datasets) {
    const given = Object.entries({ layout, budget, images, labels, classes, annotations });
    const options = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    opened.push(await openSource(path, options));
  }
  for (const { root, problems } of opened) {
    const [first, ...others] = problems.filter(({ severity }) => severity === "error");
    if (first)
      throw new DataError(
        `planConversion: ${root}: ${first.file}: ${first.field}: ${first.message.replace(/\.$/, "")}${others.length > 0 ? ` (and ${others.length} more: see "plseg data inspect")` : ""}.`,
      );
  }
  const classes = new ClassSet(config.classes ?? ownClasses(config, opened));
  const sources = opened.map((dataset, i) => {
    const settings = config.datasets[i] as ConversionDataset;
    const sourceClasses = classesOf(dataset, settings);
    const targets = targetsOf(dataset, sourceClasses, settings, classes);
    const dropOthers = dataset.classes === undefined && settings.map !== undefined && "*" in settings.map;
    const { license, reference } = settings;
    return { dataset, classes: sourceClasses, targets, dropOthers, license, reference };
  });
  const cases = sources.flatMap((source, i) => casesOf(source, i, config.datasets[i] as ConversionDataset, classes));
  const twice = cases.find(({ id }, i) => cases.findIndex((other) => other.id === id) < i);
  if (twice)
    throw new ConfigError(
      `planConversion: two cases are named ${twice.id}. Give a dataset a prefix, such as prefix: ${sources[twice.source]?.dataset.name ?? "b"}_.`,
    );
  if (cases.length === 0) throw new ConfigError("planConversion: no case is left to convert.");
  return {
    name: config.name ?? opened.map(({ name }) => name).join("+"),
    description:
      config.description ??
      `Converted from ${opened.map(({ name, layout }) => `${name} (${LAYOUTS[layout].title})`).join(", ")}`,
    ...{ classes, sources, cases },
    order: orderOf(config.overlap ?? [], classes),
  };
}

/** The classes of the result where the configuration names none: those of the one dataset, renamed by its map. */
function ownClasses({ datasets }: ConversionConfig, opened: readonly SourceDataset[]): string[] {
  const [dataset] = opened;
  const [settings] = datasets;
  if (!dataset || !settings || opened.length > 1)
    throw new ConfigError("planConversion: classes must be given where several datasets become one.");
  const { map = {} } = settings;
  const renamed = classesOf(dataset, settings).map((entry) => {
    const key = keyOf(entry, map);
    return key === undefined ? entry.name : map[key];
  });
  return ["background", ...new Set(renamed.filter((name) => typeof name === "string"))];
}

/** The key of a map that speaks of a class: its name, its value, or `*` for all that are not named. */
function keyOf({ name, value }: SourceClass, map: Readonly<Record<string, unknown>>): string | undefined {
  return [name, String(value), "*"].find((key) => key in map);
}

/** The classes of a dataset, if need be from the values that its map names. */
function classesOf({ root, classes }: SourceDataset, { map = {} }: ConversionDataset): readonly SourceClass[] {
  if (classes) return classes;
  const values = Object.keys(map).filter((key) => key !== "*");
  if (values.length === 0)
    throw new ConfigError(
      `planConversion: nothing in ${root} names its classes. Name them: classes (--classes background,liver,…), or map label values, such as map: {1: liver}.`,
    );
  const wrong = values.find((value) => !/^\d+$/.test(value));
  if (wrong !== undefined)
    throw new ConfigError(
      `planConversion: nothing in ${root} names its classes, so map must name label values, such as 1: liver, got "${wrong}".`,
    );
  return values.map((value) => ({ name: value, value: Number(value) }));
}

/** By name of a dataset's class, the index of the result's class. */
function targetsOf(
  { root }: SourceDataset,
  sourceClasses: readonly SourceClass[],
  { map = {} }: ConversionDataset,
  classes: ClassSet,
): ReadonlyMap<string, number> {
  const names = sourceClasses.map(({ name }) => name);
  for (const [from, to] of Object.entries(map)) {
    if (from === "*" && to !== null)
      throw new ConfigError(
        `planConversion: map: "*" must be null, which leaves out all that is not named, got "${to}".`,
      );
    if (from !== "*" && !sourceClasses.some(({ name, value }) => name === from || String(value) === from))
      throw new ConfigError(
        `planConversion: map: ${root} has no class "${from}".${suggest(from, names)} Classes: ${names.join(", ")}.`,
      );
    if (to !== null && !classes.names.includes(to))
      throw new ConfigError(
        `planConversion: map: "${from}" becomes "${to}", which is not in classes.${suggest(to, classes.names)} Classes: ${classes.names.join(", ")}.`,
      );
  }
  return new Map(
    sourceClasses.map((entry) => {
      const { name } = entry;
      const key = keyOf(entry, map);
      const keepsName = key === undefined || (key === "*" && classes.foreground.includes(name));
      const target = keepsName ? name : map[key];
      if (target === null || target === undefined) return [name, 0];
      if (!classes.names.includes(target))
        throw new ConfigError(
          `planConversion: map does not say what becomes of the class "${name}" of ${root}.${suggest(name, classes.foreground)} Map it to one of ${classes.foreground.join(", ")}, or to null to leave it out ("*": null leaves out all that are not named).`,
        );
      return [name, classes.names.indexOf(target)];
    }),
  );
}

function casesOf(
  { dataset, targets }: PlannedSource,
  source: number,
  settings: ConversionDataset,
  classes: ClassSet,
): PlannedCase[] {
  const { only, leaveOut = [], cases = {}, prefix = "" } = settings;
  const ids = dataset.cases.map(({ id }) => id);
  for (const [field, listed] of Object.entries({ only: only ?? [], leaveOut, cases: Object.keys(cases) }))
    for (const id of listed)
      if (!ids.includes(id))
        throw new ConfigError(`planConversion: ${field}: ${dataset.root} has no case "${id}".${suggest(id, ids)}`);
  const mapped = new Set([...targets.values()].filter((index) => index > 0).map((index) => classes.names[index]));
  const check = (annotated: Annotated | undefined, where: string): Annotated | undefined => {
    if (typeof annotated !== "object") return annotated;
    const stranger = annotated.find((name) => !mapped.has(name));
    if (stranger === undefined) return annotated;
    throw new ConfigError(
      `planConversion: ${where} lists "${stranger}", which no class of ${dataset.root} becomes.${suggest(stranger, [...mapped] as string[])}`,
    );
  };
  return dataset.cases
    .filter(({ id }) => (only ? only.includes(id) : true) && !leaveOut.includes(id))
    .map((entry): PlannedCase => {
      const labeled = entry.labels !== undefined || entry.masks !== undefined;
      const own = cases[entry.id];
      if (own?.annotated && own.annotated.length > 0 && !labeled)
        throw new ConfigError(
          `planConversion: cases.${entry.id}.annotated: ${dataset.root} has no labels of this case.`,
        );
      const annotated =
        check(own?.annotated, `cases.${entry.id}.annotated`) ??
        (labeled ? check(settings.annotated, "annotated") : undefined);
      const part = own?.part ?? settings.part ?? (entry.part === "training" ? "training" : "test");
      return { id: prefix + entry.id, part, source, entry, ...(annotated !== undefined && { annotated }) };
    });
}

function orderOf(overlap: readonly string[], classes: ClassSet): number[] {
  const first = overlap.map((name) => {
    if (classes.foreground.includes(name)) return classes.names.indexOf(name);
    throw new ConfigError(
      `planConversion: overlap lists "${name}", which is not in classes.${suggest(name, classes.foreground)} Classes: ${classes.foreground.join(", ")}.`,
    );
  });
  return [...new Set([...first, ...classes.foreground.map((_, index) => index + 1)])];
}
