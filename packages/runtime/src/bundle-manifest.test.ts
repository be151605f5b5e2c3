import { DataError } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { readBundleManifest } from "./bundle-manifest.js";

const manifest = {
  formatVersion: 1,
  classes: [
    { name: "background", color: [0, 0, 0], labelValue: 0 },
    { name: "liver", color: [232, 93, 66], labelValue: 5 },
  ],
  spacing: [3, 1.5, 1.5],
  orientation: "RAS",
  intensity: { level: 40, width: 400 },
  patchSize: [32, 64, 64],
  network: { kind: "plSegUnet", features: [16, 32], dropout: [0, 0.1], inChannels: 1, deepSupervision: true },
  provenance: { method: "pl-seg", annotatedCases: { liver: 12 }, trainingCases: 20, plseg: "0.1.0" },
  files: { "check/image.nii.gz": { sha256: "0".repeat(64), bytes: 12 } },
};

describe("readBundleManifest", () => {
  test("reads a manifest from text or object", () => {
    expect(readBundleManifest(manifest)).toEqual(manifest);
    expect(readBundleManifest(JSON.stringify(manifest))).toEqual(manifest);
    const network = { ...manifest.network, upsample: "deconv", imageRange: [0, 1] };
    const provenance = { ...manifest.provenance, importedFrom: { file: "a.pth", sha256: "0".repeat(64) } };
    const imported = { ...manifest, intensity: "scan-range", network, provenance };
    expect(readBundleManifest(imported)).toEqual(imported);
  });

  test.each([1.5, 2, "1", undefined])("knows no version %j", (formatVersion) => {
    expect(() => readBundleManifest({ ...manifest, formatVersion })).toThrow(
      new DataError(
        `readBundleManifest: bundle.json: formatVersion must be 1, got ${JSON.stringify(formatVersion)}. Update plseg if the bundle is newer.`,
      ),
    );
  });

  test.each(["{", "", "null", "[]"])("refuses the text %j", (text) => {
    expect(() => readBundleManifest(text)).toThrow(DataError);
  });

  const [background, liver] = manifest.classes;
  test.each<[string, object]>([
    ["extra: ", { extra: 1 }],
    ["spacing.1: ", { spacing: [3, 0, 1] }],
    ["patchSize.0: ", { patchSize: [0.5, 8, 8] }],
    ["orientation: ", { orientation: "LPS" }],
    ['intensity: must be "scan-range" or ', { intensity: { level: 40, width: 400, window: 1 } }],
    ["network.upsample: ", { network: { ...manifest.network, upsample: "nearest" } }],
    ["network.imageRange: the first number must be below", { network: { ...manifest.network, imageRange: [1, 0] } }],
    ['classes: the first class must be "background"', { classes: [liver, background] }],
    ["classes: two classes have the same name", { classes: [background, liver, { ...liver, labelValue: 6 }] }],
    ["classes: two classes have the same labelValue", { classes: [background, { ...liver, labelValue: 0 }] }],
    ["classes.1.labelValue: ", { classes: [background, { ...liver, labelValue: 70_000 }] }],
    ["must be 64 hexadecimal digits", { files: { a: { sha256: "xyz", bytes: 1 } } }],
    ["provenance.annotatedCases.liver: ", { provenance: { ...manifest.provenance, annotatedCases: { liver: -1 } } }],
  ])("says %s", (message, change) => {
    expect(() => readBundleManifest({ ...manifest, ...change })).toThrow(DataError);
    expect(() => readBundleManifest({ ...manifest, ...change })).toThrow(message);
  });

  test.each(["../model.onnx", "/etc/passwd", "check/../../x", "c:\\x", "check//x", ""])(
    "lets no file be at %j",
    (path) => {
      const files = { [path]: { sha256: "0".repeat(64), bytes: 1 } };
      expect(() => readBundleManifest({ ...manifest, files })).toThrow(
        "a file must have a relative path inside the bundle",
      );
    },
  );
});
