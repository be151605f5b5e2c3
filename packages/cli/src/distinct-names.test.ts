import { describe, expect, test } from "vitest";
import { distinctNames } from "./distinct-names.js";

describe("distinctNames", () => {
  test.each([
    [
      ["predictions/a", "predictions/b"],
      ["a", "b"],
    ],
    [
      ["runs/first/predictions", "runs/second/predictions/"],
      ["first/predictions", "second/predictions"],
    ],
    [
      ["a/x", "b/x", "b/y"],
      ["a/x", "b/x", "b/y"],
    ],
    [
      ["same", "./same"],
      ["same", "./same"],
    ],
    [["alone/run"], ["run"]],
  ])("of %j are %j", (paths, names) => expect(distinctNames(paths)).toEqual(names));
});
