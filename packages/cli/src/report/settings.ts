/** Settings as names and values to read, those inside others by their dotted paths. */
export function listSettings(settings: Readonly<Record<string, unknown>>): [name: string, value: string][] {
  return Object.entries(settings).flatMap(([name, value]): [string, string][] => {
    if (isRecord(value) && Object.values(value).some((inner) => typeof inner === "object" && inner !== null))
      return listSettings(value).map(([inner, text]) => [`${name}.${inner}`, text]);
    return [[name, showSetting(value)]];
  });
}

function showSetting(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((entry) => typeof entry !== "object")) return value.join(", ");
  if (isRecord(value))
    return Object.entries(value)
      .map(([name, entry]) => `${name} ${entry}`)
      .join(", ");
  return JSON.stringify(value) ?? "";
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
