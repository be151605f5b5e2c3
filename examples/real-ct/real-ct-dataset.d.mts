import type { Dataset } from "@plseg/data/node";

/** What the network learns, and which value the shared label maps give it. */
export declare const CLASSES: Readonly<Record<string, number>>;

/** The cases with labels: what training is told, and what else their labels know. */
export declare const LABELED_CASES: Readonly<
  Record<string, { readonly annotated: readonly string[]; readonly hidden: readonly string[] }>
>;

/** Lays out the scans as a partially annotated dataset. */
export declare function writeRealCtDataset(folders: {
  readonly out: string;
  readonly scans?: string;
}): Promise<Dataset>;
