import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { DataError } from "@plseg/core";
import { count, foldersIn, namesIn, Problems, refuse, volumesIn } from "./folder.js";
import type { Layout, SourceCase, SourceClass } from "./layout.js";

const PATTERN = [
  "sub-01/ct/sub-01_ct.nii.gz                   the scan (suffix ct or any other image suffix, in the raw dataset or beside the map)",
  "derivatives/NAME/sub-01/ct/sub-01_dseg.nii.gz   the label map; also if the folder of the derivative is given",
  "derivatives/NAME/dseg.tsv                    columns index and name; sub-01_dseg.tsv beside a map tells what was annotated there",
].join("\n");

/** Entities of a file's name: `sub-01_ses-2_desc-x_dseg.nii.gz` has sub, ses and desc, and the suffix `dseg`. */
interface BidsName {
  readonly path: string;
  readonly entities: ReadonlyMap<string, string>;
  readonly suffix: string;
}

/** BIDS derivatives: discrete segmentations. @see https://bids-specification.readthedocs.io, "Imaging data type derivatives" */
export const bids: Layout = {
  name: "bids",
  title: "BIDS derivatives",
  pattern: PATTERN,

  async detect(dir) {
    const maps = (await bidsFiles(dir)).filter(({ suffix }) => suffix === "dseg");
    return maps.length === 0 ? undefined : `${count(maps.length, "map")} named sub-…_dseg.nii.gz`;
  },

  async scan(dir) {
    const root = resolve(dir);
    const files = await bidsFiles(root);
    const maps = files.filter(({ suffix }) => suffix === "dseg");
    if (maps.length === 0) refuse("bids", root, "there is no sub-…/…_dseg.nii.gz", PATTERN);
    const raw = /(^|\/)derivatives\/[^/]+$/.test(root.replaceAll("\\", "/"))
      ? await bidsFiles(dirname(dirname(root)))
      : [];
    const images = [...files, ...raw].filter(({ suffix }) => !["dseg", "probseg", "mask"].includes(suffix));
    const problems = new Problems();
    const tables = new Map<string, readonly SourceClass[]>();
    const cases: SourceCase[] = [];
    for (const map of maps) {
      const file = relative(root, map.path);
      const image = imageOf(map, images);
      if (typeof image === "string") {
        problems.error(file, "file", image);
        continue;
      }
      const table = await tableOf(map, root);
      if (table) tables.set(table.path, table.classes);
      else problems.warn(file, "dseg.tsv", "no dseg.tsv names its classes");
      const annotated = table ? table.classes.map(({ name }) => name) : ("occurring" as const);
      cases.push({ id: idOf(map), part: "training", image: image.path, labels: map.path, annotated });
    }
    for (const image of images)
      if (image.suffix === "ct" && !cases.some((entry) => entry.image === image.path))
        cases.push({ id: idOf(image), part: "training", image: image.path, annotated: [] });
    const twice = cases.find(({ id }, i) => cases.findIndex((other) => other.id === id) < i);
    if (twice) problems.error(twice.id, "name", "two label maps belong to it. Give the folder of one derivative");
    const classes = mergeTables(root, tables, problems);
    return { root, name: basename(root), classes, cases, problems: problems.list };
  },
};

/** Every NIfTI file below the folders of subjects, here and in each derivative. */
async function bidsFiles(root: string): Promise<BidsName[]> {
  const found: BidsName[] = [];
  const derivatives = (await foldersIn(join(root, "derivatives"))).map((name) => join(root, "derivatives", name));
  for (const base of [root, ...derivatives])
    for (const subject of (await foldersIn(base)).filter((name) => name.startsWith("sub-")))
      await collect(join(base, subject), 2, found);
  return found;
}

async function collect(folder: string, levels: number, found: BidsName[]): Promise<void> {
  for (const name of await volumesIn(folder)) {
    const parts = name.replace(/\.nii(\.gz)?$/, "").split("_");
    const suffix = parts.pop() ?? "";
    const entities = new Map(parts.map((part) => [part.split("-")[0] ?? "", part.slice(part.indexOf("-") + 1)]));
    found.push({ path: join(folder, name), entities, suffix });
  }
  if (levels > 0) for (const name of await foldersIn(folder)) await collect(join(folder, name), levels - 1, found);
}

/** Entities that tell scans apart; others, such as `desc` and `space`, describe what was made of them. */
const SCAN_ENTITIES = ["sub", "ses", "acq", "ce", "rec", "run"] as const;

const idOf = ({ entities }: BidsName): string =>
  SCAN_ENTITIES.flatMap((key) => (entities.has(key) ? [`${key}-${entities.get(key)}`] : [])).join("_");

/** The scan of a label map, or what is wrong. */
function imageOf(map: BidsName, images: readonly BidsName[]): BidsName | string {
  const same = images.filter((image) =>
    SCAN_ENTITIES.every(
      (key) => map.entities.get(key) === undefined || map.entities.get(key) === image.entities.get(key),
    ),
  );
  const exact = same.filter((image) => idOf(image) === idOf(map));
  const candidates = exact.length > 0 ? exact : same;
  const scans = candidates.filter(({ suffix }) => suffix === "ct");
  const [only, ...others] = scans.length > 0 ? scans : candidates;
  if (!only) return `it has no image: there is no ${idOf(map)}_ct.nii.gz`;
  if (others.length > 0)
    return `it may belong to ${[only, ...others].map(({ path }) => basename(path)).join(" or ")}. Name the map after one of them`;
  return only;
}

/** The table that names a map's classes: the one nearest to it, up to the derivative's folder, then up to `root`. */
async function tableOf(
  map: BidsName,
  root: string,
): Promise<{ path: string; classes: readonly SourceClass[] } | undefined> {
  for (let folder = dirname(map.path); folder.startsWith(root); folder = dirname(folder)) {
    const tables = ((await namesIn(folder)) ?? []).filter((name) => /(^|_)dseg\.tsv$/.test(name));
    // The inheritance principle: every entity of the table must be one of the map.
    const fitting = tables
      .map((name) => ({ name, parts: name.split("_").slice(0, -1) }))
      .filter(({ parts }) => parts.every((part) => map.entities.get(part.split("-")[0] ?? "") === part.split("-")[1]))
      .sort((a, b) => b.parts.length - a.parts.length);
    if (fitting[0])
      return { path: join(folder, fitting[0].name), classes: await readTable(join(folder, fitting[0].name)) };
    if (folder === root) break;
  }
  return undefined;
}

/** @throws DataError naming the line if a table is not as BIDS has it. */
async function readTable(path: string): Promise<readonly SourceClass[]> {
  const [head = "", ...lines] = (await readFile(path, "utf8")).split(/\r?\n/);
  const columns = head.split("\t");
  const [index, name] = [columns.indexOf("index"), columns.indexOf("name")];
  if (index < 0 || name < 0)
    throw new DataError(`openSource: ${path}: the columns index and name are needed, got ${columns.join(", ")}.`);
  return lines.flatMap((line, i) => {
    if (line.trim() === "") return [];
    const cells = line.split("\t");
    const value = Number(cells[index]);
    if (!(Number.isInteger(value) && value >= 0 && value <= 65_535) || !cells[name])
      throw new DataError(
        `openSource: ${path}: line ${i + 2} must have a whole number as index and a name, got "${line}".`,
      );
    return value === 0 ? [] : [{ name: cells[name], value }];
  });
}

/** The classes of all tables. Two tables that disagree are a problem. */
function mergeTables(
  root: string,
  tables: ReadonlyMap<string, readonly SourceClass[]>,
  problems: Problems,
): readonly SourceClass[] | undefined {
  const byName = new Map<string, number>();
  for (const [path, classes] of tables)
    for (const { name, value } of classes) {
      const other = [...byName].find(([known, at]) => (known === name) !== (at === value));
      if (other)
        problems.error(
          relative(root, path),
          "index",
          `${value} ${name} contradicts ${other[1]} ${other[0]} of another table`,
        );
      else byName.set(name, value);
    }
  const classes = [...byName].map(([name, value]) => ({ name, value })).sort((a, b) => a.value - b.value);
  return classes.length > 0 ? classes : undefined;
}
