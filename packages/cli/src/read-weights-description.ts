import { readFile } from "node:fs/promises";
import { ConfigError, suggest } from "@plseg/core";
import * as v from "valibot";
import type { WeightsDescription } from "./bundle-from-weights.js";

const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const value = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(65_535));
const finite = v.pipe(v.number(), v.finite());

const schema = v.strictObject({
  classes: v.exactOptional(v.array(v.pipe(v.string(), v.nonEmpty("a name must not be empty")))),
  labelValues: v.exactOptional(v.array(value)),
  spacing: v.exactOptional(v.strictTuple([positive, positive, positive])),
  patchSize: v.exactOptional(v.strictTuple([whole, whole, whole])),
  intensity: v.exactOptional(
    v.union(
      [v.literal("scan-range"), v.strictObject({ level: finite, width: positive })],
      'must be "scan-range" or { "level": …, "width": … } with a width above 0',
    ),
  ),
  imageRange: v.exactOptional(v.strictTuple([finite, finite])),
});

/** Reads what is known about weights from a JSON file. @throws ConfigError naming the file and the field. */
export async function readWeightsDescription(file: string): Promise<WeightsDescription> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ConfigError(`import: ${file} cannot be read. Give the path of a JSON file.`, { cause });
  });
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const field = v.getDotPath(issue) ?? "the whole file";
  const fields = Object.keys(schema.entries);
  if (issue.type === "strict_object" && issue.expected === "never")
    throw new ConfigError(
      `import: ${file}: there is no field "${field}".${suggest(field, fields)} Fields: ${fields.join(", ")}.`,
    );
  throw new ConfigError(`import: ${file}: ${field}: ${issue.message}.`);
}
