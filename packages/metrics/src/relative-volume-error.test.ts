import { describe, expect, test } from "vitest";
import { relativeVolumeError } from "./relative-volume-error.js";

describe("relativeVolumeError", () => {
  test("matches values worked out by hand, wherever the voxels lie", () => {
    expect(relativeVolumeError([1, 1, 1, 0], [0, 0, 1, 1])).toBe((3 - 2) / 2);
    expect(relativeVolumeError([1, 0, 0, 0], [0, 1, 1, 1])).toBe((3 - 1) / 3);
    expect(relativeVolumeError([0, 0], [0, 1])).toBe(1);
  });

  test("has no value if the reference is empty", () => {
    expect(relativeVolumeError([1, 0], [0, 0])).toBeNull();
    expect(relativeVolumeError([0, 0], [0, 0])).toBeNull();
  });
});
