import { DataError } from "@plseg/core";
import { readBundleFile } from "../load-bundle.js";
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
 * Checks that a bundle is whole and works here: the SHA-256 of every file, then its model on the stored check volume against
 * the stored answer.
 *
 * @throws DataError if a file is missing or damaged, and as {@link readBundle}.
 */
export async function verifyBundle(folder: string, options: ReadBundleOptions = {}): Promise<BundleVerification> {
  const bundle = await readBundle(folder, options);
  try {
    const { manifest } = bundle;
    const source = bundleFolder(folder);
    const names = Object.keys(manifest.files);
    for (const name of names) await readBundleFile(source, manifest, name);
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
