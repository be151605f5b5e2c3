import { DataError, type LabelMap, type Volume } from "@plseg/core";
import { readLabelNifti, readNifti, writeNifti } from "@plseg/data";
import * as v from "valibot";
import type { LoadedBundle } from "../load-bundle.js";

/** Files of a bundle's check, by what they hold. */
const CHECK_FILES = {
  image: "check/image.nii.gz",
  labels: "check/labels.nii.gz",
  answer: "check/answer.json",
} as const;

/** What a model says about a volume. */
export interface CheckAnswer {
  readonly labels: LabelMap;
  /** Mean probability of each class over the volume. */
  readonly meanProbabilities: readonly number[];
}

const answerSchema = v.strictObject({ meanProbabilities: v.array(v.pipe(v.number(), v.finite())) });

/** Runs a model on a check volume. */
export async function answerOf(bundle: LoadedBundle, image: Volume): Promise<CheckAnswer> {
  const sums = new Array<number>(bundle.classes.size).fill(0);
  const labels = await bundle.segment(image, {
    onSlice(_, probabilities) {
      const size = probabilities.length / sums.length;
      for (let i = 0; i < probabilities.length; i++) {
        const index = Math.floor(i / size);
        sums[index] = (sums[index] as number) + (probabilities[i] as number);
      }
    },
  });
  return { labels, meanProbabilities: sums.map((sum) => sum / image.data.length) };
}

/** The files that hold a check. */
export function encodeCheck(image: Volume, { labels, meanProbabilities }: CheckAnswer): Map<string, Uint8Array> {
  return new Map([
    [CHECK_FILES.image, writeNifti(image, { compress: true })],
    [CHECK_FILES.labels, writeNifti(labels, { compress: true, labels: true })],
    [CHECK_FILES.answer, new TextEncoder().encode(`${JSON.stringify({ meanProbabilities }, null, 2)}\n`)],
  ]);
}

/** Reads back what {@link encodeCheck} gave. @throws DataError if a file is not what it should be. */
export async function decodeCheck(
  read: (name: string) => Promise<Uint8Array>,
): Promise<{ image: Volume; answer: CheckAnswer }> {
  const image = await readNifti(await read(CHECK_FILES.image), { name: CHECK_FILES.image });
  const labels = await readLabelNifti(await read(CHECK_FILES.labels), { name: CHECK_FILES.labels });
  const parsed = v.safeParse(
    v.pipe(v.string(), v.parseJson(), answerSchema),
    new TextDecoder().decode(await read(CHECK_FILES.answer)),
  );
  if (!parsed.success)
    throw new DataError(
      `verifyBundle: ${CHECK_FILES.answer}: ${v.getDotPath(parsed.issues[0]) ?? "the whole file"}: ${parsed.issues[0].message}.`,
    );
  return { image, answer: { labels, ...parsed.output } };
}
