import { suggest } from "@plseg/core";
import * as v from "valibot";

/** An object of settings, in which an unknown key is an error that names the known ones. */
export function settingsObject<const Entries extends v.ObjectEntries>(
  entries: Entries,
): v.StrictObjectSchema<Entries, (issue: v.StrictObjectIssue) => string> {
  const names = Object.keys(entries);
  return v.strictObject(entries, ({ expected, received, input }) =>
    expected === "never"
      ? `${suggest(String(input), names)} Settings: ${names.join(", ")}.`
      : `expected ${expected}, got ${received}`,
  );
}

/**
 * One of some things that have options of their own: its name alone, or an object of `name` and some options. What is
 * left out gets its default.
 *
 * @param defaults - By name: its options and their defaults.
 * @param options - Schema of each option, whichever names have it.
 */
export function namedChoice<Choice extends { readonly name: string }>(
  defaults: Readonly<Record<Choice["name"], object>>,
  options: Readonly<Record<string, v.GenericSchema>>,
): v.GenericSchema<unknown, Choice> {
  const names = Object.keys(defaults) as Choice["name"][];
  const byName = new Map<unknown, v.GenericSchema>();
  for (const name of names) {
    const entries = Object.entries(defaults[name]).map(([key, value]) => [
      key,
      v.optional(options[key] ?? v.never(), value),
    ]);
    byName.set(name, settingsObject({ name: v.literal(name), ...Object.fromEntries(entries) }));
  }
  const unknown = v.looseObject({ name: v.picklist(names) });
  return v.pipe(
    v.unknown(),
    v.transform((value) => (typeof value === "string" ? { name: value } : value)),
    v.lazy((value) => byName.get((value as { name?: unknown } | null)?.name) ?? unknown),
  ) as v.GenericSchema<unknown, Choice>;
}
