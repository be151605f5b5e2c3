import { describe, expect, test } from "vitest";
import { checkChoice, checkPositive } from "./options.js";

describe("checkChoice", () => {
  test("lists the choices", () => {
    expect(() => checkChoice("loss", "compat", "paper", ["paper", "reference"])).not.toThrow();
    expect(() => checkChoice("loss", "compat", "code", ["paper", "reference"])).toThrow(
      'loss: compat must be "paper" or "reference", got "code".',
    );
  });
});

describe("checkPositive", () => {
  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses %d", (value) => {
    expect(() => checkPositive("loss", "smooth", value)).toThrow(
      `loss: smooth must be a positive number, got ${value}.`,
    );
  });
});
