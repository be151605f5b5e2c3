import type { AnnotationState } from "@plseg/core";
import type { ClassDifference, MeanScore } from "@plseg/metrics";

/** A mean over cases, as `summarize` of `@plseg/metrics` gives it. */
export interface ReportMean {
  /** `null` if there is no value. */
  readonly mean: number | null;
  /** 95 % interval. */
  readonly interval?: readonly [low: number, high: number] | null;
  /** Number of cases with a value. */
  readonly cases?: number;
}

/** The scores of one method; a `Summary` of `@plseg/metrics` fits in `summary`. */
export interface ReportScores {
  /** Name of the method, or of what was evaluated. */
  readonly name: string;
  /** Means over cases. */
  readonly summary: {
    /** By organ, then by metric (`dice`, `hd95`, …). */
    readonly classes: Readonly<Record<string, Readonly<Record<string, ReportMean>>>>;
    /** By metric: the mean over organs. */
    readonly foreground: Readonly<Record<string, ReportMean>>;
  };
}

/** A loss curve, or a validation curve. */
export interface ReportCurve {
  /** Of the method. */
  readonly name: string;
  /** In the order of the steps. */
  readonly points: readonly (readonly [step: number, value: number])[];
}

/** What is known of the organs of each case; `annotated` where nobody counted voxels. */
export interface ReportAnnotations {
  /** Organs, without the background. */
  readonly classes: readonly string[];
  /** One state per organ. */
  readonly cases: readonly { readonly id: string; readonly states: readonly (AnnotationState | "annotated")[] }[];
}

/** A picture with its words. */
export interface ReportPicture {
  /** What is to be seen. */
  readonly caption: string;
  /** The bytes of a PNG. */
  readonly png: Uint8Array;
  /** Another view of the same, shown beside it. */
  readonly beside?: Uint8Array;
}

/** A case with its scores. */
export interface ReportCase {
  readonly id: string;
  /** Mean Dice over organs. */
  readonly dice: number | null;
  /** Dice by organ; `null` where there is none. */
  readonly perClass: Readonly<Record<string, number | null>>;
  readonly picture?: ReportPicture | undefined;
}

/** How two segmentations of the same cases differ; a `Comparison` of `@plseg/metrics` fits in the last two. */
export interface ReportComparison {
  /** What differences are of: the first's scores less the second's. */
  readonly names: readonly [first: string, second: string];
  /** Identifiers of the cases, in the order of the differences. */
  readonly cases: readonly string[];
  /** By organ, then by metric. */
  readonly classes: Readonly<Record<string, Readonly<Record<string, ClassDifference>>>>;
  /** By metric: the mean over organs. */
  readonly foreground: Readonly<Record<string, MeanScore>>;
}

/** A table with a heading. */
export interface ReportTable {
  /** Of its section. */
  readonly title: string;
  /** What is to be seen, in a sentence. */
  readonly note?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Everything that a report can show. What is missing or empty leaves out its section. */
export interface ReportData {
  /** Of the page. */
  readonly title: string;
  /** What was done, in a sentence or two. */
  readonly summary: string;
  /** The numbers to see first. */
  readonly figures?: readonly { readonly label: string; readonly value: string; readonly note?: string }[];
  /** Scores of one method or of several, side by side. */
  readonly scores?: readonly ReportScores[];
  /** Shown after the scores. */
  readonly comparison?: ReportComparison;
  /** Shown in order, after the scores. */
  readonly tables?: readonly ReportTable[];
  /** How many training cases annotate each organ, by name. */
  readonly annotatedCases?: Readonly<Record<string, number>>;
  /** In how many patches each organ was labeled, by name. */
  readonly seen?: Readonly<Record<string, number>>;
  /** How many patches there were. */
  readonly patches?: number;
  /** Training loss, a curve per method. */
  readonly loss?: readonly ReportCurve[];
  /** Learning rate, a curve per method. */
  readonly learningRate?: readonly ReportCurve[];
  /** Mean Dice on the validation cases, a curve per method. */
  readonly validation?: readonly ReportCurve[];
  /** Dice on the validation cases of one method, a curve per organ. */
  readonly organs?: readonly ReportCurve[];
  /** Cases with the lowest scores, the lowest first. */
  readonly worst?: readonly ReportCase[];
  /** What is labeled in which case. */
  readonly annotations?: ReportAnnotations;
  /** Shown in order. */
  readonly pictures?: readonly ReportPicture[];
  /** Names, background first; their colors are explained beside the pictures. */
  readonly classes?: readonly string[];
  /** Settings by name. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** By name of the program or package. */
  readonly versions?: Readonly<Record<string, string>>;
  /** What was typed. */
  readonly commandLine?: string;
  /** Whether more is to come: the page then says so, and is read anew every minute. */
  readonly running?: boolean;
  /** When the report was made; by default now. */
  readonly made?: Date;
}
