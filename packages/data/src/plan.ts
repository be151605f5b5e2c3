import { DataError, type Size3D, suggest } from "@plseg/core";
import * as v from "valibot";
import { parseJson } from "./annotations.js";
import type { IntensityRule } from "./scan-window.js";

/** How scans are brought before a network, and how much of them at a time: a file that a person can read and edit. */
export interface Plan {
  /** Of the file format. */
  readonly version: 1;
  /** Millimeters along depth, height, width, to which every scan is resampled. */
  readonly spacing: Size3D;
  /** Voxels of a patch along depth, height, width. */
  readonly patchSize: Size3D;
  /** The CT window, in Hounsfield units, that becomes [−1, 1], or `"scan-range"`: each scan from its lowest to its highest value. */
  readonly intensity: IntensityRule;
  /** Why each of them is as it is, in words. */
  readonly reasons: {
    readonly spacing?: string;
    readonly patchSize?: string;
    readonly intensity?: string;
  };
}

/** CT windows by the name that a plan may give instead of numbers, in Hounsfield units. */
export const INTENSITY_PRESETS: Readonly<
  Record<"soft-tissue" | "lung" | "bone", { readonly level: number; readonly width: number }>
> = {
  "soft-tissue": { level: 40, width: 400 },
  lung: { level: -600, width: 1500 },
  bone: { level: 400, width: 1800 },
};

/** Name of a CT window. */
export type IntensityPreset = keyof typeof INTENSITY_PRESETS;

const millimeters = v.pipe(v.number(), v.finite(), v.gtValue(0, "must be more than 0 mm"));
const voxels = v.pipe(v.number(), v.safeInteger("must be a whole number"), v.minValue(1, "must be at least 1"));
const presets = Object.keys(INTENSITY_PRESETS) as IntensityPreset[];

const schema = v.strictObject({
  version: v.literal(1),
  spacing: v.strictTuple([millimeters, millimeters, millimeters]),
  patchSize: v.strictTuple([voxels, voxels, voxels]),
  intensity: v.union(
    [
      v.picklist(["scan-range", ...presets]),
      v.strictObject({
        level: v.pipe(v.number(), v.finite()),
        width: v.pipe(v.number(), v.finite(), v.gtValue(0)),
      }),
    ],
    `must be "scan-range", ${presets.map((name) => `"${name}"`).join(", ")} or { "level": …, "width": … } with a width above 0`,
  ),
  reasons: v.exactOptional(
    v.strictObject({
      spacing: v.exactOptional(v.string()),
      patchSize: v.exactOptional(v.string()),
      intensity: v.exactOptional(v.string()),
    }),
    {},
  ),
});

/**
 * Reads a plan, from its text or from the parsed object. Reasons may be missing, and the intensity may be the name of a
 * window (see `INTENSITY_PRESETS`).
 *
 * @param file - What error messages call it.
 * @throws DataError naming the field if the text is not JSON, a key is unknown (with a suggestion) or missing, or a value
 *   cannot be.
 */
export function readPlan(source: unknown, file = "plan.json"): Plan {
  const parsed = v.safeParse(schema, typeof source === "string" ? parseJson(source, file) : source);
  if (parsed.success) {
    const { intensity, ...rest } = parsed.output;
    const named = typeof intensity === "string" && intensity !== "scan-range";
    return { ...rest, intensity: named ? INTENSITY_PRESETS[intensity] : intensity };
  }
  const [issue] = parsed.issues;
  const field = v.getDotPath(issue) ?? "the whole file";
  if (issue.type === "strict_object" && issue.expected === "never") {
    const keys = field.startsWith("reasons.") ? ["spacing", "patchSize", "intensity"] : Object.keys(schema.entries);
    const key = field.split(".").at(-1) ?? "";
    throw new DataError(
      `readPlan: ${file}: there is no key "${field}".${suggest(key, keys)} Keys: ${keys.join(", ")}.`,
    );
  }
  throw new DataError(`readPlan: ${file}: ${field}: ${issue.message}.`);
}

/** The text of a plan; read back it is the same. Decisions come first, each on a line, their reasons after them. */
export function writePlan(plan: Plan): string {
  const { reasons, ...decisions } = readPlan(plan);
  const lines = Object.entries(decisions).map(([key, value]) => `  ${JSON.stringify(key)}: ${spaced(value)}`);
  const why = JSON.stringify(reasons, undefined, 2).replaceAll("\n", "\n  ");
  return `{\n${lines.join(",\n")},\n  "reasons": ${why}\n}\n`;
}

/** JSON on one line, with spaces after commas and colons. */
const spaced = (value: unknown): string =>
  JSON.stringify(value, undefined, 1)
    .replaceAll(/\n\s*/g, " ")
    .replace(/^\[ (.*) \]$/, "[$1]");
