import { resizeNearest } from "@plseg/ops";
import { golden } from "@plseg/test-kit";
import { range, reshape, type Tensor5D, tensor } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { engines, type Tensors } from "./engines.js";
import { output } from "./golden-tensors.js";

const vectors = golden("ops_nearest");
const isTable = (name: string): boolean => name.startsWith("index_table");
const entries = vectors.names.filter((name) => !isTable(name) && !name.startsWith("label"));

describe.each(engines)("resizeNearest, $name", ({ run }) => {
  test.each(entries)("agrees with %s of case ops_nearest", async (entry) => {
    const label = vectors.array(entry.startsWith("odd_") ? "label_odd" : "label");
    const { shape, data } = vectors.array(entry);
    const labels = tensor(Int32Array.from(label.data as Uint8Array), [1, ...label.shape, 1], "int32");
    const resize = ({ labels }: Tensors): Tensors => ({
      out: resizeNearest(labels as Tensor5D, shape as [number, number, number]),
    });
    const out = output(await run(resize, { labels }), "out");
    expect(out.shape).toEqual([1, ...shape, 1]);
    expect([...out.data]).toEqual(Array.from(data, Number));
  });
});

describe("resizeNearest", () => {
  test.runIf(vectors.names.some(isTable))("agrees with the index table of case ops_nearest", () => {
    const pairs = vectors.array("index_table_in_out").data;
    const { shape, data } = vectors.array("index_table");
    const columns = shape[1] as number;
    for (let row = 0; row < (shape[0] as number); row++) {
      const [from, to] = [Number(pairs[2 * row]), Number(pairs[2 * row + 1])];
      const indices = reshape(range(0, from, 1, "int32"), [1, 1, 1, from, 1]) as Tensor5D;
      const expected = Array.from(data.slice(columns * row, columns * row + to), Number);
      expect([...resizeNearest(indices, [1, 1, to]).dataSync()], `${from} to ${to}`).toEqual(expected);
    }
  });
});
