import { describe, expect, test } from "vitest";
import { flatLayout } from "./flat-layout.js";
import type { WeightSpec } from "./weight-spec.js";

const specs: WeightSpec[] = [
  { name: "kernel", shape: [1, 1, 1, 2, 1], initializer: "xavier-normal", kind: "parameter" },
  { name: "mean", shape: [1], initializer: "zeros", kind: "buffer" },
  { name: "bias", shape: [1], initializer: "zeros", kind: "parameter" },
];
const values = new Map([
  ["bias", Float32Array.of(3)],
  ["kernel", Float32Array.of(1, 2)],
  ["mean", Float32Array.of(4)],
]);

describe("flatLayout", () => {
  const layout = flatLayout(specs);

  test("packs parameters and buffers in the order given, and takes them apart again", () => {
    const packed = layout.pack(values);
    expect(packed).toEqual({ parameters: Float32Array.of(1, 2, 3), buffers: Float32Array.of(4) });
    expect([layout.parameterCount, layout.bufferCount]).toEqual([3, 1]);
    expect(layout.parameters.map(({ name, offset }) => [name, offset])).toEqual([
      ["kernel", 0],
      ["bias", 2],
    ]);
    expect(layout.unpack(packed)).toEqual(values);
  });

  test("says what is missing, superfluous or of another size", () => {
    const change = (name: string, value?: Float32Array<ArrayBuffer>): Map<string, Float32Array> => {
      const changed = new Map(values);
      if (value) changed.set(name, value);
      else changed.delete(name);
      return changed;
    };
    expect(() => layout.pack(change("mean"))).toThrow('flatLayout: the weight "mean" is missing.');
    expect(() => layout.pack(change("maen", Float32Array.of(1)))).toThrow(
      'flatLayout: the network has no weight "maen".',
    );
    expect(() => layout.pack(change("bias", Float32Array.of(1, 2)))).toThrow(
      'flatLayout: "bias" must have 1 values, got 2.',
    );
    expect(() => layout.unpack({ parameters: new Float32Array(2), buffers: new Float32Array(1) })).toThrow(
      "flatLayout: parameters must have 3 values, got 2.",
    );
  });
});
