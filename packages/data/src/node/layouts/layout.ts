import type { DatasetProblem } from "../dataset.js";

/** Names of the layouts that are understood, as `--layout` takes them. */
export const LAYOUT_NAMES = [
  "nnunet",
  "decathlon",
  "pls4mis",
  "flare",
  "totalsegmentator",
  "abdomenatlas",
  "bids",
  "pairs",
] as const;

/** Name of a layout. */
export type LayoutName = (typeof LAYOUT_NAMES)[number];

/** A class of a source, and the value that stands for it in label maps. */
export interface SourceClass {
  /** As the source spells it. */
  readonly name: string;
  /** From 1 to 65535. */
  readonly value: number;
}

/**
 * What is annotated in a case: the classes that the source lists; `all` of its classes; or those that `occurring` voxels
 * carry, where a source marks what it annotated and says nothing of the rest.
 */
export type Annotated = readonly string[] | "all" | "occurring";

/** A scan of a source, and what is known about it. */
export interface SourceCase {
  /** Name of the case within the source. */
  readonly id: string;
  /** What the source keeps the case for. */
  readonly part: "training" | "validation" | "test";
  /** Path of the image: a NIfTI file, or a folder with a DICOM series. */
  readonly image: string;
  /** Path of the label map, if one file holds all classes. */
  readonly labels?: string;
  /** Paths of masks by class, if each class has a file. */
  readonly masks?: ReadonlyMap<string, string>;
  /** Which classes were annotated. */
  readonly annotated: Annotated;
  /** More classes than this must not occur. */
  readonly most?: number;
}

/** A dataset as it lies on the disk, in whatever layout. */
export interface SourceDataset {
  /** How the files are arranged. */
  readonly layout: LayoutName;
  /** Path of the folder. */
  readonly root: string;
  /** From a description in the folder, or the name of the folder. */
  readonly name: string;
  /** Classes besides the background, in the order of their values; `undefined` if nothing in the folder names them. */
  readonly classes: readonly SourceClass[] | undefined;
  /** In the order of their names. */
  readonly cases: readonly SourceCase[];
  /** What is wrong with the list of files. */
  readonly problems: readonly DatasetProblem[];
}

/** What a layout may need to be told. */
export interface LayoutOptions {
  /** PLS4MIS: how many classes are annotated per case, to choose `labelsTr_2` and so on. */
  readonly budget?: number;
  /** Pairs: where images are, such as `{case}_ct.nii.gz` or `scans/{case}.nii.gz`. */
  readonly images?: string;
  /** Pairs: where label maps are, such as `{case}_seg.nii.gz`. */
  readonly labels?: string;
}

/** A way to arrange the files of a dataset. */
export interface Layout {
  /** As `--layout` takes it. */
  readonly name: LayoutName;
  /** As people call it. */
  readonly title: string;
  /** How it looks, for messages. */
  readonly pattern: string;
  /** What in the folder speaks for this layout, in words; `undefined` if nothing does. Voxels are not read. */
  detect(dir: string): Promise<string | undefined>;
  /**
   * Lists classes, cases and everything that is wrong with the files' names. Voxels are not read.
   *
   * @throws DataError if there is no dataset of this layout at all.
   */
  scan(dir: string, options?: LayoutOptions): Promise<Omit<SourceDataset, "layout">>;
}
