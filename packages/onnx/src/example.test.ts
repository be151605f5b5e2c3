import "@plseg/test-kit";
import { runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import * as onnx from "./index.js";

const README = new URL("../README.md", import.meta.url);

describe("the README of @plseg/onnx", () => {
  test("has an example that runs", async () => {
    const modules = { "@plseg/onnx": onnx, "@tensorflow/tfjs-core": tf, "onnxruntime-node": ort };
    const { loss, next } = (await runReadmeExample(README, modules, ["loss", "next"])) as Record<string, ort.Tensor>;
    // at w = 0 the errors are −1, −2, −3; the slopes are −2/3 · (1 + 3) and −2/3 · (2 + 3)
    expect(loss?.data[0]).toBeCloseTo(14 / 3, 5);
    expect(next?.data[0]).toBeCloseTo(0.1 * (8 / 3), 5);
    expect(next?.data[1]).toBeCloseTo(0.1 * (10 / 3), 5);
  });
});
