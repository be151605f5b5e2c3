import { ConfigError } from "@plseg/core";
import * as v from "valibot";

/**
 * What a schema makes of a value.
 *
 * @param where - Names the file or flag in errors.
 * @throws ConfigError that names the field, what was found and what was expected.
 */
export function parseSettings<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  where: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const unknown = result.issues.find(({ type, expected }) => type === "strict_object" && expected === "never");
  // a mistyped key first: what misses it is a consequence
  const issue = unknown ?? result.issues[0];
  const field = v.getDotPath(issue) ?? "(the whole)";
  if (unknown) throw new ConfigError(`${where}: there is no setting "${field}".${unknown.message}`);
  throw new ConfigError(`${where}: ${field}: expected ${issue.expected ?? issue.message}, got ${issue.received}.`);
}
