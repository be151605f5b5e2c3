export { createNodeEngine, type NodeEngineName, type NodeEngineOptions } from "./create-node-engine.js";
export { importOnnxRuntime } from "./import-onnx-runtime.js";
export { importTfjsNode, type TfjsNodePackage } from "./import-tfjs-node.js";
export { type ReadBundleOptions, readBundle } from "./read-bundle.js";
export { type BundleWeights, readBundleWeights } from "./read-bundle-weights.js";
export { type BundleVerification, verifyBundle } from "./verify-bundle.js";
export { type DeviceVerification, verifyOnDevices } from "./verify-on-devices.js";
export { type BundleParts, writeBundle } from "./write-bundle.js";
