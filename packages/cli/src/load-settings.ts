import { readFile } from "node:fs/promises";
import { ConfigError } from "@plseg/core";
import { type Plan, readPlan } from "@plseg/data";
import { checkSettings, PLANNED, PRESETS, type TrainSettings } from "@plseg/train/node";

/**
 * The settings of a training: those of a preset, then those of a file, then those given one by one.
 *
 * @param file - JSON, some or all of the settings.
 * @param planned - Whether a plan decides what else the preset would.
 * @throws ConfigError if the file cannot be read, or a setting cannot be: names the file and the field.
 */
export async function loadSettings(
  preset: keyof typeof PRESETS,
  file: string | undefined,
  given: { readonly [Name in keyof TrainSettings]?: TrainSettings[Name] | undefined },
  planned = false,
): Promise<TrainSettings> {
  const ofFile = file === undefined ? {} : checkSettings(await readJson(file), file);
  const ofFlags = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...PRESETS[preset], ...(planned && PLANNED), ...ofFile, ...checkSettings(ofFlags, "the command line") };
}

/** Reads a plan. @throws ConfigError or DataError naming the file and what is wrong with it. */
export async function readPlanFile(file: string): Promise<Plan> {
  return readPlan(await readJson(file), file);
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ConfigError(`loadSettings: ${file} cannot be read. Give the path of a JSON file.`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`loadSettings: ${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
}
