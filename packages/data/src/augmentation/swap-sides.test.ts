import { ClassSet } from "@plseg/core";
import { describe, expect, test } from "vitest";
import { sidePairs, swapSides } from "./swap-sides.js";

describe("sidePairs", () => {
  test.each([
    [["left_kidney", "liver", "right_kidney"], [[1, 3]]],
    [["kidney_right", "kidney_left"], [[2, 1]]],
    [
      ["Head_of_femur_L", "Head_of_femur_R", "Left Adrenal", "Right Adrenal"],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [["leftLung", "rightLung"], [[1, 2]]],
    [["liver", "copyright", "cleft"], []],
  ])("finds the twins of %o", (organs, pairs) => {
    expect(sidePairs(new ClassSet(["background", ...organs]))).toEqual(pairs);
  });
});

describe("swapSides", () => {
  test("exchanges pairs and leaves every other number, such as the ignored label", () => {
    const labels = Int32Array.from([0, 1, 2, 3, 255]);
    swapSides(labels, [[1, 3]]);
    expect([...labels]).toEqual([0, 3, 2, 1, 255]);
  });
});
