import { type ClassSet, DataError, suggest } from "@plseg/core";
import * as v from "valibot";

/** Which classes somebody labeled, case by case: the content of `annotations.json`. */
export interface AnnotationManifest {
  /** Of the file format. */
  readonly version: 1;
  /** Names of all classes, `background` first. */
  readonly classes: readonly string[];
  /** By case: the classes that were labeled wherever they occur in the scan. All others say nothing. */
  readonly cases: Readonly<Record<string, { readonly annotated: readonly string[] }>>;
}

const name = v.pipe(v.string(), v.nonEmpty("a name must not be empty"));

const schema = v.strictObject({
  version: v.literal(1),
  classes: v.pipe(v.array(name), v.minLength(2, "at least background and one class are needed")),
  cases: v.record(name, v.strictObject({ annotated: v.array(name) })),
});

/**
 * Reads `annotations.json`, from its text or from the parsed object.
 *
 * @param file - What error messages call it.
 * @throws DataError naming the field if the text is not JSON, a key is unknown or missing, a class is named twice, or a
 *   case names a class that is not in `classes` (with a suggestion).
 */
export function readAnnotations(source: unknown, file = "annotations.json"): AnnotationManifest {
  const parsed = v.safeParse(schema, typeof source === "string" ? parseJson(source, file) : source);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new DataError(`readAnnotations: ${file}: ${v.getDotPath(issue) ?? "the whole file"}: ${issue.message}.`);
  }
  const { classes, cases } = parsed.output;
  if (classes[0] !== "background")
    throw new DataError(`readAnnotations: ${file}: classes[0] must be "background", got "${classes[0]}".`);
  const repeated = classes.find((entry, i) => classes.indexOf(entry) !== i);
  if (repeated !== undefined) throw new DataError(`readAnnotations: ${file}: the class "${repeated}" is listed twice.`);
  for (const [id, { annotated }] of Object.entries(cases)) {
    const where = `readAnnotations: ${file}: cases.${id}.annotated`;
    const unknown = annotated.find((entry) => !classes.includes(entry));
    if (unknown !== undefined)
      throw new DataError(
        `${where} names the class "${unknown}", which is not in classes.${suggest(unknown, classes)} Classes: ${classes.join(", ")}.`,
      );
    if (annotated.includes("background"))
      throw new DataError(`${where} names "background", which is always known. Leave it out.`);
    const twice = annotated.find((entry, i) => annotated.indexOf(entry) !== i);
    if (twice !== undefined) throw new DataError(`${where} names "${twice}" twice.`);
  }
  return parsed.output;
}

/** The text of `annotations.json`; read back it is the same manifest. */
export function writeAnnotations(manifest: AnnotationManifest): string {
  const { version, classes, cases } = readAnnotations(manifest);
  const lines = Object.entries(cases).map(([id, entry]) => `    ${JSON.stringify(id)}: ${JSON.stringify(entry)}`);
  return `{\n  "version": ${version},\n  "classes": ${JSON.stringify(classes)},\n  "cases": {\n${lines.join(",\n")}\n  }\n}\n`;
}

/** Whether each class was annotated in a case, by class index; the background always is. A case not listed has none. */
export function annotatedClasses(manifest: AnnotationManifest, classes: ClassSet, id: string): boolean[] {
  const annotated = manifest.cases[id]?.annotated ?? [];
  return classes.names.map((entry, index) => index === 0 || annotated.includes(entry));
}

/** @throws DataError naming the file if the text is not JSON. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError(`${file} is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
}
