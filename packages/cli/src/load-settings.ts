import { readFile } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { ConfigError } from "@plseg/core";
import { type Plan, readPlan } from "@plseg/data";
import { checkSettings, type Origin, PLANNED, PRESETS, type TrainSettings } from "@plseg/train/node";
import { parse } from "yaml";

/**
 * The settings of a training: those of a preset, then those of a file, then those given one by one.
 *
 * @param file - YAML, or JSON if it is named `.json`; some or all of the settings. A file that it names is relative to it.
 * @param choices - `planned`: a plan decides what else the preset would. `origin`: a model to begin with, whose network and
 * plan go before the preset's.
 * @throws ConfigError if the file cannot be read, or a setting cannot be: names the file and the field.
 */
export async function loadSettings(
  preset: keyof typeof PRESETS,
  file: string | undefined,
  given: { readonly [Name in keyof TrainSettings]?: TrainSettings[Name] | undefined },
  { planned = false, origin }: { readonly planned?: boolean; readonly origin?: Origin | undefined } = {},
): Promise<TrainSettings> {
  const ofFile = file === undefined ? {} : fromFolder(dirname(file), checkSettings(await readDocument(file), file));
  const ofFlags = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    ...PRESETS[preset],
    ...(origin && settingsOf(origin)),
    ...(planned && PLANNED),
    ...ofFile,
    ...checkSettings(ofFlags, "the command line"),
  };
}

/** What a model that training begins with was trained with. */
function settingsOf({ network, spacing, patchSize, intensity }: Origin): Partial<TrainSettings> {
  return {
    features: [...network.features],
    dropout: [...network.dropout],
    ...{ spacing: [...spacing], patchSize: [...patchSize], intensity },
  };
}

/** Reads a plan, YAML or JSON. @throws ConfigError or DataError naming the file and what is wrong with it. */
export async function readPlanFile(file: string): Promise<Plan> {
  return readPlan(await readDocument(file), file);
}

/** Settings whose file of splits lies where it does from a folder. */
function fromFolder(folder: string, { validation, ...settings }: Partial<TrainSettings>): Partial<TrainSettings> {
  if (validation === undefined) return settings;
  const named = typeof validation === "object" && "file" in validation;
  return { ...settings, validation: named ? { ...validation, file: resolve(folder, validation.file) } : validation };
}

async function readDocument(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ConfigError(`loadSettings: ${file} cannot be read. Give the path of a YAML or JSON file.`, { cause });
  });
  const isJson = extname(file).toLowerCase() === ".json";
  try {
    // an empty YAML file says nothing, which is no mistake
    return isJson ? JSON.parse(text) : (parse(text) ?? {});
  } catch (cause) {
    throw new ConfigError(`loadSettings: ${file} is not ${isJson ? "JSON" : "YAML"}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
