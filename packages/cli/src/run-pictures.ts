import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where pictures of a run are: those of the last validation, made while training, and those that `plseg report` draws. */
export type RunPictures = "validation" | "report";

const FOLDERS: Readonly<Record<RunPictures, readonly string[]>> = {
  validation: ["pictures", "validation"],
  report: ["pictures"],
};

/** Path of a picture of a run. */
export const picturePath = (run: string, which: RunPictures, id: string): string =>
  join(run, ...FOLDERS[which], `${id}.png`);

/** Identifiers of the cases of which a run has a picture. */
export async function listPictures(run: string, which: RunPictures): Promise<string[]> {
  const names = await readdir(join(run, ...FOLDERS[which])).catch(() => []);
  return names.flatMap((name) => (name.endsWith(".png") ? [name.slice(0, -".png".length)] : [])).sort();
}

/** A picture of a run, if there is one. */
export const readPicture = (run: string, which: RunPictures, id: string): Promise<Uint8Array | undefined> =>
  readFile(picturePath(run, which, id)).catch(() => undefined);
