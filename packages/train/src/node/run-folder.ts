import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, DataError } from "@plseg/core";
import { type CachedCase, writeFileAtomic } from "@plseg/data/node";
import { checkRunConfig, type RunConfig } from "./run-config.js";
import { syncFolder } from "./sync-folder.js";
import type { TrainRunOptions } from "./train-run-options.js";

/** The configuration of a run that is to go on. @throws DataError if there is none. */
export async function storedConfig(out: string): Promise<RunConfig> {
  const path = join(out, "config.json");
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new DataError(`trainRun: there is no run to go on with: ${path} cannot be read. Train without --resume.`, {
      cause,
    });
  });
  return checkRunConfig(JSON.parse(text), path);
}

/** @throws ConfigError if there is a run already. */
export async function checkNoRun(out: string): Promise<void> {
  if (await stat(join(out, "config.json")).catch(() => undefined))
    throw new ConfigError(`trainRun: ${out} holds a run already. Choose another folder, or go on with --resume.`);
}

/** Writes what a run starts with: with the SHA-256 of the files of each case one can tell later what it has seen. */
export async function startRun(
  config: RunConfig,
  cases: readonly CachedCase[],
  { out, provenance = {} }: TrainRunOptions,
): Promise<void> {
  const hashes = cases.map(({ id, inputs: [image, labels] }) => [id, { image: image?.sha256, labels: labels?.sha256 }]);
  const manifest = {
    ...provenance,
    seed: config.seed,
    data: config.data,
    dataHashes: Object.fromEntries(hashes),
    started: new Date().toISOString(),
  };
  await writeFileAtomic(join(out, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  // last: where it is, there is a run that can go on
  await writeFileAtomic(join(out, "config.json"), `${JSON.stringify(config, undefined, 2)}\n`);
  await syncFolder(out);
}
