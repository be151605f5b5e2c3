import { ClassSet, DataError } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { type AnnotationManifest, annotatedClasses, readAnnotations, writeAnnotations } from "./annotations.js";

const manifest: AnnotationManifest = {
  version: 1,
  classes: ["background", "liver", "spleen"],
  cases: { case_1: { annotated: ["liver"] }, case_2: { annotated: [] } },
};

describe("readAnnotations", () => {
  test("reads what writeAnnotations wrote", () => {
    expect(readAnnotations(writeAnnotations(manifest))).toEqual(manifest);
    expect(readAnnotations(manifest)).toEqual(manifest);
  });

  test("suggests the class that was meant", () => {
    const wrong = { ...manifest, cases: { case_1: { annotated: ["livre"] } } };
    expect(() => readAnnotations(wrong)).toThrow(
      new DataError(
        'readAnnotations: annotations.json: cases.case_1.annotated names the class "livre", which is not in classes. Did you mean "liver"? Classes: background, liver, spleen.',
      ),
    );
  });

  test.each([
    ["text that is not JSON", "{", /annotations\.json is not valid JSON/],
    ["another version", { ...manifest, version: 2 }, /version: .*Expected 1/],
    ["an unknown key", { ...manifest, extra: 1 }, /extra/],
    ["an unknown key of a case", { ...manifest, cases: { a: { annotated: [], labeled: [] } } }, /cases\.a\.labeled/],
    ["a missing key", { version: 1, classes: manifest.classes }, /cases/],
    ["no background", { ...manifest, classes: ["liver", "spleen"] }, /classes\[0\] must be "background", got "liver"/],
    ["a class listed twice", { ...manifest, classes: ["background", "liver", "liver"] }, /"liver" is listed twice/],
    ["a class named twice", { ...manifest, cases: { a: { annotated: ["liver", "liver"] } } }, /names "liver" twice/],
    ["the background", { ...manifest, cases: { a: { annotated: ["background"] } } }, /always known/],
  ])("refuses %s", (_, source, message) => {
    expect(() => readAnnotations(source)).toThrow(message);
    expect(() => readAnnotations(source)).toThrow(DataError);
  });
});

describe("annotatedClasses", () => {
  const classes = new ClassSet(manifest.classes);

  test("is by class index, with the background always known", () => {
    expect(annotatedClasses(manifest, classes, "case_1")).toEqual([true, true, false]);
    expect(annotatedClasses(manifest, classes, "not listed")).toEqual([true, false, false]);
  });
});
