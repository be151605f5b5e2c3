export { type CachedCase, type CachedInput, cachedSource, readCachedCase } from "./cache/cached-case.js";
export { type PreprocessCasesOptions, preprocessCases } from "./cache/preprocess-cases.js";
export {
  type ConversionConfig,
  type ConversionDataset,
  loadConversionConfig,
  readConversionConfig,
} from "./conversion-config.js";
export type { ConvertedCase } from "./convert-case.js";
export { type ConversionResult, type ConvertDatasetOptions, convertDataset } from "./convert-dataset.js";
export type { Dataset, DatasetCase, DatasetProblem } from "./dataset.js";
export { type DetectedLayout, detectLayout } from "./detect-layout.js";
export { type ExportNnunetOptions, exportNnunet, type NnunetExport } from "./export-nnunet.js";
export { type FingerprintDatasetOptions, fingerprintDataset } from "./fingerprint-dataset.js";
export { hashFile } from "./hash-file.js";
export {
  type DatasetReport,
  type InspectDatasetOptions,
  type InspectedCase,
  type InspectedClass,
  inspectDataset,
  inspectSource,
} from "./inspect-dataset.js";
export { LAYOUTS } from "./layouts/index.js";
export {
  type Annotated,
  LAYOUT_NAMES,
  type Layout,
  type LayoutName,
  type LayoutOptions,
  type SourceCase,
  type SourceClass,
  type SourceDataset,
} from "./layouts/layout.js";
export { type LoadedCase, loadCase } from "./load-case.js";
export { type LoadedSourceCase, loadSourceCase } from "./load-source-case.js";
export { type MaskDatasetOptions, type MaskedDataset, maskDataset, maskTable } from "./mask-dataset.js";
export { openDataset } from "./open-dataset.js";
export { type OpenSourceOptions, openSource } from "./open-source.js";
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
export type { Overlap } from "./source-labels.js";
export { readLabelFile, readVolumeFile, writeVolumeFile } from "./volume-files.js";
export { withClasses } from "./with-classes.js";
export { asWriteError, writeFileAtomic } from "./write-file-atomic.js";
export { type WritePhantomDatasetOptions, writePhantomDataset } from "./write-phantom-dataset.js";
