import "@plseg/tf-gradients";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { KERNEL_KINDS, KERNELS } from "./kernels/index.js";
import { NOT_TRACED } from "./not-traced.js";

/** Every kernel that tfjs-core names: constants whose value is their own name. */
const NAMES = Object.entries(tf).flatMap(([name, value]) => (name === value ? [name] : []));

const gradientOf = (kernel: string): string => (tf.getGradient(kernel) ? "yes" : "");

/** The page that lists every kernel and its state. */
function opsPage(): string {
  const traced = Object.entries(KERNEL_KINDS).flatMap(([kind, kernels]) =>
    Object.keys(kernels).map((kernel) => `| \`${kernel}\` | ${kind} | ${gradientOf(kernel)} |`),
  );
  const left = Object.entries(NOT_TRACED).map(([kernel, reason]) => `| \`${kernel}\` | ${reason} |`);
  return [
    "# Kernels of TensorFlow.js and their state",
    "",
    "Written by `ops-table.test.ts` from the code; `npx vitest run packages/onnx -u` brings it up to date. Functions made of",
    "these kernels can be traced too. A gradient is the one that TensorFlow.js defines; it is traced with the rest.",
    "",
    `## Traced: ${traced.length}`,
    "",
    "| kernel | kind | gradient |",
    "| --- | --- | --- |",
    ...traced,
    "",
    `## Not traced: ${left.length}`,
    "",
    "| kernel | why |",
    "| --- | --- |",
    ...left,
    "",
  ].join("\n");
}

describe("the table of kernels", () => {
  test("has each kernel of tfjs in one state", () => {
    const states = [...Object.keys(KERNELS), ...Object.keys(NOT_TRACED)];
    expect(states.toSorted()).toEqual(NAMES.toSorted());
  });

  test("lists each kernel under one kind", () => {
    expect(Object.values(KERNEL_KINDS).flatMap((kernels) => Object.keys(kernels))).toHaveLength(
      Object.keys(KERNELS).length,
    );
  });

  test("is current", async () => {
    await expect(opsPage()).toMatchFileSnapshot("../OPS.md");
  });
});
