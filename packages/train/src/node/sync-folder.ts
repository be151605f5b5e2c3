import { open } from "node:fs/promises";

/** Errors of file systems that cannot sync a folder: there a rename is as safe as they make it. */
const CANNOT = new Set(["EINVAL", "EISDIR", "EPERM", "EACCES", "ENOTSUP"]);

/** Lets the names in a folder reach the disk, so that a rename outlives a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch (cause) {
    if (!CANNOT.has((cause as NodeJS.ErrnoException).code ?? "")) throw cause;
  }
}
