import { readFile } from "node:fs/promises";
import { ConfigError, Random, suggest } from "@plseg/core";
import * as v from "valibot";
import { parseSettings } from "./parse-settings.js";
import type { TrainSettings } from "./train-settings.js";

/** Identifiers of cases by what they are for. */
export interface SplitCases {
  /** To learn from. */
  readonly training: string[];
  /** Kept aside for validation. */
  readonly validation: string[];
  /** Neither. */
  readonly unused: string[];
}

/** nnU-Net's `splits_final.json`. */
const fileSchema = v.pipe(
  v.array(v.looseObject({ train: v.array(v.string()), val: v.array(v.string()) })),
  v.minLength(1, "at least one split"),
);

/**
 * Splits labeled cases as the settings say. A share is drawn only if there is validation, and never all; the other ways
 * keep their cases aside in any case. The same seed gives the same split.
 *
 * @param ids - Identifiers of the labeled cases.
 * @throws ConfigError if a fold or a file is not there, a named case is not among them, is in both parts, or nothing is
 * left to learn from.
 */
export async function splitCases(
  ids: readonly string[],
  { validation, validateEvery, seed }: Pick<TrainSettings, "validation" | "validateEvery" | "seed">,
): Promise<SplitCases> {
  if (typeof validation === "number") {
    const count = validateEvery === 0 ? 0 : Math.min(Math.round(validation * ids.length), ids.length - 1);
    return without(ids, Random.of(seed, "validation").shuffle(ids).slice(0, count));
  }
  if ("folds" in validation) {
    const { folds, fold } = validation;
    if (fold >= folds || folds > ids.length)
      throw new ConfigError(
        `splitCases: fold must be less than folds, and folds at most the ${ids.length} labeled cases, got fold ${fold} of ${folds} folds. The first fold is 0.`,
      );
    return without(
      ids,
      Random.of(seed, "folds")
        .shuffle(ids)
        .filter((_, i) => i % folds === fold),
    );
  }
  if ("cases" in validation) return without(ids, known(ids, validation.cases, "validation.cases"));
  const { file, fold } = validation;
  const splits = parseSettings(fileSchema, await readJson(file), file);
  const split = splits[fold];
  if (!split)
    throw new ConfigError(
      `splitCases: ${file} has ${splits.length} splits, 0 to ${splits.length - 1}, got fold ${fold}.`,
    );
  const held = known(ids, split.val, `${file}: ${fold}.val`);
  const training = known(ids, split.train, `${file}: ${fold}.train`);
  const both = training.find((id) => held.includes(id));
  if (both !== undefined)
    throw new ConfigError(`splitCases: ${file}: split ${fold} has ${both} in both train and val.`);
  if (training.length === 0) throw new ConfigError(`splitCases: ${file}: split ${fold} has nothing to learn from.`);
  return { training, validation: held, unused: ids.filter((id) => !training.includes(id) && !held.includes(id)) };
}

/** These cases kept aside, and the others to learn from. */
function without(ids: readonly string[], validation: string[]): SplitCases {
  const training = ids.filter((id) => !validation.includes(id));
  if (training.length > 0) return { training, validation, unused: [] };
  throw new ConfigError(
    `splitCases: at least one labeled case must be left to learn from, got all ${ids.length} for validation.`,
  );
}

/** The names, each of which must be a labeled case. */
function known(ids: readonly string[], names: readonly string[], where: string): string[] {
  const stranger = names.find((name) => !ids.includes(name));
  if (stranger === undefined) return [...new Set(names)];
  throw new ConfigError(
    `splitCases: ${where}: the dataset has no labeled training case "${stranger}".${suggest(stranger, ids)}`,
  );
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ConfigError(
      `splitCases: ${file} cannot be read. Give the path of a file like nnU-Net's splits_final.json.`,
      {
        cause,
      },
    );
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`splitCases: ${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
}
