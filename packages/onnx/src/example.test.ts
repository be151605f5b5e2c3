import "@plseg/test-kit";
import { readFileSync } from "node:fs";
import { runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import * as onnx from "./index.js";
import { KERNELS } from "./kernels/index.js";

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

  test("lists the kernels that can be traced, all of them and no other", () => {
    const section = readFileSync(README, "utf8").split("## What can be traced")[1]?.split("\n## ")[0] ?? "";
    const rows = [...section.matchAll(/^\| .+ \| (`.+`) \|$/gm)].map(([, kernels = ""]) => kernels);
    const listed = rows.flatMap((kernels) => [...kernels.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(listed).toEqual(Object.keys(KERNELS));
  });
});
