import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { foldersIn, namesIn, type Problems, stemOf, volumeNamed, volumesIn } from "./folder.js";
import type { SourceCase, SourceClass } from "./layout.js";

/** A folder of a case: `ct.nii.gz`, `segmentations/ORGAN.nii.gz`, perhaps `combined_labels.nii.gz`. */
export interface OrganFolder {
  readonly id: string;
  /** Names of the files and folders in it. */
  readonly names: readonly string[];
}

/** The folders of a dataset that hold a scan or masks. */
export async function organFolders(root: string): Promise<OrganFolder[]> {
  const folders: OrganFolder[] = [];
  for (const id of await foldersIn(root)) {
    const names = (await namesIn(join(root, id))) ?? [];
    const known = (name: string): boolean => /^(ct|segmentations|combined_labels)(\.nii(\.gz)?)?$/.test(name);
    if (names.some(known)) folders.push({ id, names });
  }
  return folders;
}

/**
 * The case of a folder: a mask per class, each of which was annotated, whether its file is empty or not. A class without
 * a file was not annotated.
 *
 * @returns `undefined`, and a problem, if there is no scan.
 */
export async function organCase(
  root: string,
  id: string,
  part: SourceCase["part"],
  problems: Problems,
): Promise<SourceCase | undefined> {
  const folder = join(root, id);
  const image =
    (await volumeNamed(folder, "ct")) ?? ((await foldersIn(folder)).includes("ct") ? join(folder, "ct") : undefined);
  if (image === undefined) {
    problems.error(id, "file", `it has no scan: ${id}/ct.nii.gz is missing`);
    return undefined;
  }
  const masks = new Map<string, string>();
  const segmentations = join(folder, "segmentations");
  for (const name of await volumesIn(segmentations)) {
    if (masks.has(stemOf(name)))
      problems.error(`${id}/segmentations/${name}`, "file", "there is a .nii and a .nii.gz of it");
    masks.set(stemOf(name), join(segmentations, name));
  }
  for (const name of (await namesIn(segmentations)) ?? [])
    if (!/\.nii(\.gz)?$/.test(name))
      problems.error(`${id}/segmentations/${name}`, "name", `files here must be named ORGAN.nii.gz, got ${name}`);
  return masks.size > 0 ? { id, part, image, masks, annotated: [...masks.keys()] } : { id, part, image, annotated: [] };
}

/** Which part a case belongs to, from `meta.csv` (columns `image_id` and `split`), if there is one. */
export async function splitOf(root: string): Promise<ReadonlyMap<string, SourceCase["part"]>> {
  const text = await readFile(join(root, "meta.csv"), "utf8").catch(() => "");
  const [head = [], ...rows] = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line) => line.split(/[;,\t]/));
  const [id, split] = [head.indexOf("image_id"), head.indexOf("split")];
  const parts = { train: "training", val: "validation", test: "test" } as const;
  const known = rows.flatMap((row) => {
    const part = parts[row[split] as keyof typeof parts];
    return part ? [[row[id] ?? "", part] as const] : [];
  });
  return new Map(id < 0 || split < 0 ? [] : known);
}

/** Classes of masks by name, numbered in alphabetical order. */
export function classesOfMasks(cases: readonly SourceCase[]): SourceClass[] {
  const names = [...new Set(cases.flatMap(({ masks }) => [...(masks?.keys() ?? [])]))].sort();
  return names.map((name, index) => ({ name, value: index + 1 }));
}
