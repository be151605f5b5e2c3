import { join } from "node:path";
import { writeFileAtomic } from "./write-file-atomic.js";

/** What `dataset.json` says of a dataset of ours. */
export interface DatasetDescription {
  readonly name: string;
  readonly description: string;
  /** Background first; a class's value in label maps is its place here. */
  readonly classes: readonly string[];
  /** Training cases with labels. */
  readonly numTraining: number;
  /** nnU-Net's spelling. */
  readonly licence?: string;
  readonly reference?: string;
  /** The value of voxels that nnU-Net shall not learn from: the one after the last class. */
  readonly ignore?: number;
}

/**
 * Writes `dataset.json` as nnU-Net v2 has it. It is written last, so that a folder that was left half-way is not taken for a
 * dataset.
 */
export async function writeDescription(root: string, description: DatasetDescription): Promise<void> {
  const { name, classes, numTraining, ignore, ...texts } = description;
  const labels = Object.fromEntries(classes.map((entry, index) => [entry, index]));
  const content = {
    ...{ name, ...texts },
    channel_names: { "0": "CT" },
    labels: ignore === undefined ? labels : { ...labels, ignore },
    numTraining,
    file_ending: ".nii.gz",
  };
  await writeFileAtomic(join(root, "dataset.json"), `${JSON.stringify(content, undefined, 2)}\n`);
}
