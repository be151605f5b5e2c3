import type { ClassSet } from "@plseg/core";

/** A scan of a dataset, and what is known about it. */
export interface DatasetCase {
  /** Name of the files without channel and extension, such as `case_0001`. */
  readonly id: string;
  /** Path of the image. */
  readonly image: string;
  /** Path of the label map, if there is one. */
  readonly labels?: string;
  /** Whether each class was annotated in this scan, by class index. The background always is. */
  readonly annotated: readonly boolean[];
}

/** A dataset in the raw layout of nnU-Net v2, with `annotations.json` beside `dataset.json`. */
export interface Dataset {
  /** Path of the folder. */
  readonly root: string;
  /** From `dataset.json`, or the name of the folder. */
  readonly name: string;
  /** The classes that label files may hold. */
  readonly classes: ClassSet;
  /** By class index: the value that stands for the class in label files. */
  readonly labelValues: readonly number[];
  /** Cases to train on, `imagesTr`, with or without labels. */
  readonly training: readonly DatasetCase[];
  /** Held-out cases, `imagesTs`; with labels if `labelsTs` has them. Those that `annotations.json` does not list annotate every class. */
  readonly test: readonly DatasetCase[];
  /** Where the annotated classes come from: `annotations.json`, or, without it, taken to be all of them. */
  readonly annotations: "manifest" | "assumed";
}

/** Something wrong in a dataset. */
export interface DatasetProblem {
  /** Path relative to the dataset's folder. */
  readonly file: string;
  /** Which part of the file: a key, a header field, or `file` itself. */
  readonly field: string;
  /** What is wrong, in words. */
  readonly message: string;
  /** An error keeps the dataset, or the case, from being used. */
  readonly severity: "error" | "warning";
}
