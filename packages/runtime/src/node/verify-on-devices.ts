import { ResourceError } from "@plseg/core";
import type { Device } from "../onnx-session.js";
import { importOnnxRuntime } from "./import-onnx-runtime.js";
import type { ReadBundleOptions } from "./read-bundle.js";
import { type BundleVerification, verifyBundle } from "./verify-bundle.js";

/** What became of a bundle on a device. */
export interface DeviceVerification {
  /** Where the model ran, or would have. */
  readonly device: Device;
  /** What was found there, if this machine has the device. */
  readonly verification?: BundleVerification;
  /** Why the device could not be used, if it could not. */
  readonly unreachable?: string;
}

/** Devices of `onnxruntime-node`, that which every machine has first. */
const NODE_DEVICES: readonly Device[] = ["cpu", "cuda", "webgpu"];

/**
 * Verifies a bundle (see `verifyBundle`) on every device that this machine lets it reach, and says of the others why not.
 *
 * @throws as `verifyBundle` does, but for devices that are not there; ResourceError without ONNX Runtime.
 */
export async function verifyOnDevices(
  folder: string,
  options: Omit<ReadBundleOptions, "device"> = {},
): Promise<DeviceVerification[]> {
  const ort = options.ort ?? (await importOnnxRuntime());
  const results: DeviceVerification[] = [];
  for (const device of NODE_DEVICES)
    try {
      results.push({ device, verification: await verifyBundle(folder, { ...options, ort, device }) });
    } catch (error) {
      if (device === "cpu" || !(error instanceof ResourceError)) throw error;
      results.push({ device, unreachable: error.message });
    }
  return results;
}
