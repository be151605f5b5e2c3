export { type CachedCase, type CachedInput, cachedSource, readCachedCase } from "./cache/cached-case.js";
export { type PreprocessCasesOptions, preprocessCases } from "./cache/preprocess-cases.js";
export type { Dataset, DatasetCase, DatasetProblem } from "./dataset.js";
export { type FingerprintDatasetOptions, fingerprintDataset } from "./fingerprint-dataset.js";
export {
  type DatasetReport,
  type InspectDatasetOptions,
  type InspectedCase,
  type InspectedClass,
  inspectDataset,
} from "./inspect-dataset.js";
export { type LoadedCase, loadCase } from "./load-case.js";
export { openDataset } from "./open-dataset.js";
export {
  PATCH_LOADER_DEFAULTS,
  type PatchLoader,
  type PatchLoaderOptions,
  type PatchLoading,
  patchLoader,
} from "./patch-loader.js";
export { isDicomFolder, type ReadDicomSeriesOptions, readDicomSeries } from "./read-dicom-series.js";
export { type ReadResampledOptions, readResampled } from "./read-resampled.js";
export { readScan } from "./read-scan.js";
export { readLabelFile, readVolumeFile, writeVolumeFile } from "./volume-files.js";
export { writeFileAtomic } from "./write-file-atomic.js";
export { type WritePhantomDatasetOptions, writePhantomDataset } from "./write-phantom-dataset.js";
