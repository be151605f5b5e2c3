import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { DataError } from "@plseg/core";
import { readBundleFile } from "../read-bundle-file.js";
import { answerOf, decodeCheck } from "./bundle-check.js";
import { bundleFolder, type ReadBundleOptions, readBundle } from "./read-bundle.js";

/** What {@link verifyBundle} found. */
export interface BundleVerification {
  /** Whether the model gives the stored answer here, within the limits below. */
  readonly passed: boolean;
  /** Part of the voxels with the stored label; 0.999 is needed. */
  readonly agreement: number;
  /** Largest difference between the mean probability of a class and the stored one; 0.001 is allowed. */
  readonly largestDifference: number;
  /** Files whose SHA-256 was checked, all of the bundle. */
  readonly files: number;
}

/** Devices round differently: a voxel between two classes may fall to either. */
const NEEDED_AGREEMENT = 0.999;
const ALLOWED_DIFFERENCE = 1e-3;

/**
 * Checks that a bundle is whole and works here: the SHA-256 of every file, that there are no others, then `model.onnx` on the
 * stored check volume against the stored answer, and on a CPU also the graph that is made of the weights there.
 *
 * @throws DataError if a file is missing, damaged, or not listed in `bundle.json`, and as {@link readBundle}.
 */
export async function verifyBundle(folder: string, options: ReadBundleOptions = {}): Promise<BundleVerification> {
  const { device = "cpu" } = options;
  const found: BundleVerification[] = [];
  for (const portable of device === "cpu" ? [true, false] : [true])
    found.push(await verifyModel(folder, { ...options, portable, exact: true }));
  return {
    passed: found.every(({ passed }) => passed),
    agreement: Math.min(...found.map(({ agreement }) => agreement)),
    largestDifference: Math.max(...found.map(({ largestDifference }) => largestDifference)),
    files: found[0]?.files ?? 0,
  };
}

async function verifyModel(folder: string, options: ReadBundleOptions): Promise<BundleVerification> {
  const bundle = await readBundle(folder, options);
  try {
    const { manifest } = bundle;
    const source = bundleFolder(folder);
    const names = Object.keys(manifest.files);
    for (const name of names) await readBundleFile(source, manifest, name);
    await checkNoStrangers(folder, names);
    const { image, answer } = await decodeCheck((name) => readBundleFile(source, manifest, name));
    const { labels, meanProbabilities } = await answerOf(bundle, image);
    if (
      answer.labels.data.length !== labels.data.length ||
      answer.meanProbabilities.length !== meanProbabilities.length
    )
      throw new DataError(
        "verifyBundle: the stored answer has another size than the check volume or other classes than the model.",
      );
    let same = 0;
    for (const [i, label] of labels.data.entries()) if (label === answer.labels.data[i]) same++;
    const agreement = same / labels.data.length;
    const largestDifference = Math.max(
      ...meanProbabilities.map((mean, c) => Math.abs(mean - (answer.meanProbabilities[c] as number))),
    );
    const passed = agreement >= NEEDED_AGREEMENT && largestDifference <= ALLOWED_DIFFERENCE;
    return { passed, agreement, largestDifference, files: names.length };
  } finally {
    await bundle.dispose();
  }
}

/** A bundle is what it lists: nobody has checked what else lies in its folder. */
async function checkNoStrangers(folder: string, names: readonly string[]): Promise<void> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
  const strangers = files
    .map((path) => relative(folder, path).split(sep).join("/"))
    .filter((name) => name !== "bundle.json" && !names.includes(name));
  if (strangers.length > 0)
    throw new DataError(
      `verifyBundle: ${folder} holds files that bundle.json does not list: ${strangers.slice(0, 3).join(", ")}. Take them out, or copy the bundle again.`,
    );
}
