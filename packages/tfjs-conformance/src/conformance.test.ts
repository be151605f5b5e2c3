import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { trace } from "@plseg/onnx";
import { whyNoWebgpu } from "@plseg/test-kit";
import { relu } from "@tensorflow/tfjs-core";
import { InferenceSession } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Report } from "./report.js";

const MAIN = fileURLToPath(new URL("../main.mjs", import.meta.url));
const TIME_LIMIT = 900_000;

/** Specs of tfjs-core 4.22.0 that pass. More may; fewer would mean that some were lost. */
const EXPECTED = 3782;

/** Of the first two specs of each operation, those that pass on WebGPU. */
const EXPECTED_ON_WEBGPU = 822;

function run(...args: string[]): { report: Report; status: number | null; stderr: string } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, "--json", ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  return { report: JSON.parse(stdout) as Report, status, stderr };
}

describe("the operation tests of tfjs-core on traced graphs", () => {
  test(
    "pass where numbers are fed, and the ONNX checker takes every model",
    () => {
      const { report, status, stderr } = run("--check");
      expect(report.failed).toEqual([]);
      expect(report.stale).toEqual([]);
      expect(report.passed).toBeGreaterThanOrEqual(EXPECTED);
      expect(stderr).toMatch(/models checked, 0 failed|not checked: python3 cannot import onnx/);
      expect(status).toBe(0);
    },
    TIME_LIMIT,
  );

  test(
    "pass where numbers are part of the graph, which is written for the GPU",
    () => {
      const { report, status } = run("--feeding", "constants", "--target", "gpu");
      expect(report.failed).toEqual([]);
      expect(report.passed).toBeGreaterThanOrEqual(EXPECTED);
      expect(status).toBe(0);
    },
    TIME_LIMIT,
  );
});

const missing = await whyNoWebgpu(async () => {
  const { model } = trace(({ x }) => ({ y: relu(x) }), { x: { shape: [2] } });
  const session = await InferenceSession.create(model, { executionProviders: ["webgpu"], logSeverityLevel: 4 });
  await session.release();
});

describe.skipIf(missing !== undefined)("the operation tests of tfjs-core on WebGPU", () => {
  test(
    "pass without a node on the CPU, the first two of each operation",
    () => {
      const { report, status } = run("--device", "webgpu", "--each", "2");
      expect(report.failed).toEqual([]);
      expect(report.passed).toBeGreaterThanOrEqual(EXPECTED_ON_WEBGPU);
      expect(status).toBe(0);
    },
    TIME_LIMIT,
  );
});
