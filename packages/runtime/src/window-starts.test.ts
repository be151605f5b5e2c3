import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { windowStarts } from "./window-starts.js";

describe("windowStarts", () => {
  test("matches values worked out by hand", () => {
    expect(windowStarts(11, 6, 3)).toEqual([0, 3, 5]);
    expect(windowStarts(14, 5, 3)).toEqual([0, 3, 6, 9]);
    expect(windowStarts(5, 5, 2)).toEqual([0]);
  });

  test("covers every voxel and never leaves the volume", () => {
    const sizes = fc.record({
      patch: fc.integer({ min: 1, max: 20 }),
      rest: fc.nat(60),
      stride: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(sizes, ({ patch, rest, stride }) => {
        fc.pre(stride <= patch);
        const covered = new Set(
          windowStarts(patch + rest, patch, stride).flatMap((start) =>
            Array.from({ length: patch }, (_, i) => start + i),
          ),
        );
        expect([Math.min(...covered), Math.max(...covered), covered.size]).toEqual([0, patch + rest - 1, patch + rest]);
      }),
    );
  });
});
