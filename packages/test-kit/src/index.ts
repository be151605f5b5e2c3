import "./backend.js";

export { channelsFirst, channelsLast } from "./layout.js";
export { type GoldenArray, type GoldenCase, golden, sharedPath } from "./golden.js";
export { expectClose, largestDifference, type Tolerance } from "./tolerance.js";
export { runReadmeExample } from "./readme.js";
