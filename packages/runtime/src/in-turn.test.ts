import { describe, expect, test } from "vitest";
import { inTurn } from "./in-turn.js";

describe("inTurn", () => {
  test("starts a task when the one before has ended, also when that failed", async () => {
    const events: string[] = [];
    const task = (name: string, fails = false) =>
      inTurn(async () => {
        events.push(`${name} starts`);
        await new Promise((resolve) => setTimeout(resolve, 1));
        events.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      });
    const results = await Promise.allSettled([task("a"), task("b", true), task("c")]);
    expect(events).toEqual(["a starts", "a ends", "b starts", "b ends", "c starts", "c ends"]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });
});
