import { existsSync } from "node:fs";
import { ResourceError } from "@plseg/core";
import { add, type Tensor } from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { createEngine } from "./create-engine.js";

/** Where Mesa's software driver is listed, by distribution. */
const LAVAPIPE = [
  "/usr/share/vulkan/icd.d/lvp_icd.json",
  "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
  "/usr/share/vulkan/icd.d/lvp_icd.aarch64.json",
];

// In a file, and so in a process, of its own: Dawn looks for adapters once per process.
test.skipIf(process.platform !== "linux")("a software adapter is not taken for a GPU", async () => {
  // only software, whatever else there is
  process.env.VK_ICD_FILENAMES = LAVAPIPE.find(existsSync) ?? "/dev/null";
  process.env.PLSEG_ALLOW_SOFTWARE_ADAPTER = "";
  const engine = createEngine({ ort, device: "webgpu" });
  const compiled = engine.compile(({ x }) => ({ y: add(x as Tensor, 1) }), { x: { shape: [2] } });
  await expect(compiled).rejects.toThrow(ResourceError);
  await expect(compiled).rejects.toThrow(
    "could not load the graph on webgpu: Failed to get a WebGPU adapter: No supported adapters There is no GPU that WebGPU can use; adapters in software are left out",
  );
});
