import "./backend.js";

export { type CapturedOutput, captureOutput } from "./capture-output.js";
export { type DicomAttributes, dicomFile } from "./dicom-file.js";
export { type GoldenArray, type GoldenCase, golden, sharedPath } from "./golden.js";
export { channelsFirst, channelsLast } from "./layout.js";
export { partialTarget } from "./partial-target.js";
export { runReadmeExample } from "./readme.js";
export { expectClose, largestDifference, type Tolerance } from "./tolerance.js";
export { whyNoWebgpu } from "./webgpu.js";
