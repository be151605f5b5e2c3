import "@plseg/test-kit";
import type { PartialTarget } from "@plseg/core";
import { expectClose, runReadmeExample } from "@plseg/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import {
  grad,
  oneHot,
  randomNormal,
  type Tensor,
  type Tensor2D,
  type Tensor5D,
  tensor,
  tensor2d,
} from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as loss from "./index.js";
import { decoupledForegroundLoss, type HadflOptions, type HadflState, hadfl } from "./index.js";

const number = (x: Tensor): number => x.dataSync()[0] ?? Number.NaN;
const numbers = (x: Tensor | undefined): number[] => [...(x as Tensor).dataSync()];

const LABELS = [1, 1, 0, 0, 2, 0, 0, 0];
const target = (annotated: number[], labels = LABELS): PartialTarget => ({
  oneHot: oneHot(tensor(labels, [1, 2, 2, 2], "int32"), 3, 1, 0, "float32") as Tensor5D,
  annotated: tensor2d([annotated]),
});
const BOTH = target([1, 1, 1]);
const draw = (seed: number): Tensor5D => randomNormal([1, 2, 2, 2, 3], 0, 1, "float32", seed) as Tensor5D;
/** Logits that are right by 80 everywhere. */
const perfect = oneHot(tensor(LABELS, [1, 2, 2, 2], "int32"), 3, 80, 0, "float32") as Tensor5D;

/** Dice loss of one organ, by its own. */
function diceOf(organ: 1 | 2, logits: Tensor5D): number {
  const annotated = [1, organ === 1 ? 1 : 0, organ === 2 ? 1 : 0];
  const { terms } = decoupledForegroundLoss({ classes: 3 }).compute(logits, target(annotated), {});
  return number(terms.dice as Tensor);
}

/** Runs calls in sequence and returns the last result. */
function compute(options: Partial<HadflOptions>, calls: readonly (readonly [Tensor5D, PartialTarget])[]) {
  const instance = hadfl({ classes: 3, ...options });
  let state = instance.init();
  const results = calls.map(([logits, target]) => {
    const result = instance.compute(logits, target, state);
    state = result.state;
    return result;
  });
  return results[results.length - 1] as (typeof results)[number];
}

describe("hadfl", () => {
  test("weighs each organ by its Dice loss over the mean", () => {
    const { terms } = compute({ minWeight: 0 }, [[draw(1), BOTH]]);
    const dice = [diceOf(1, draw(1)), diceOf(2, draw(1))] as const;
    const mean = (dice[0] + dice[1]) / 2;
    expectClose("batchDice", numbers(terms.batchDice), [0, ...dice], { absolute: 1e-6 });
    expectClose("hardness", numbers(terms.hardness), [0, ...dice], { absolute: 1e-6 });
    expectClose("classWeights", numbers(terms.classWeights), [0, dice[0] / mean, dice[1] / mean], {
      absolute: 1e-5,
    });
  });

  test("sums the organs' losses, each times its weight, which is constant for the gradient", () => {
    const weights = numbers(compute({}, [[draw(2), BOTH]]).terms.classWeights);
    const parts = [target([1, 1, 0]), target([1, 0, 1])].map((organ) => {
      const value = (x: Tensor) => decoupledForegroundLoss({ classes: 3 }).compute(x as Tensor5D, organ, {}).value;
      return { value: number(value(draw(2))), gradient: numbers(grad(value)(draw(2))) };
    });
    const weighted = (of: (part: (typeof parts)[number]) => number): number =>
      parts.reduce((total, part, i) => total + (weights[i + 1] as number) * of(part), 0);
    const value = (x: Tensor) => compute({}, [[x as Tensor5D, BOTH]]).value;
    expect(number(value(draw(2)))).toBeCloseTo(
      weighted((part) => part.value),
      5,
    );
    const expected = numbers(draw(2)).map((_, i) => weighted((part) => part.gradient[i] as number));
    expectClose("gradient", numbers(grad(value)(draw(2))), expected, { ofMax: 2e-6 });
  });

  test("forgets what is older than the window", () => {
    const { terms, state } = compute({ window: 2 }, [
      [draw(3), BOTH],
      [draw(4), BOTH],
      [draw(5), BOTH],
    ]);
    const [older, newer] = [4, 5].map((seed) => diceOf(1, draw(seed))) as [number, number];
    expect(numbers(terms.hardness)[1]).toBeCloseTo((older + newer) / 2, 5);
    expect(state.history.shape).toEqual([2, 3]);
    expectClose("history", numbers(state.history), [-1, older, diceOf(2, draw(4)), -1, newer, diceOf(2, draw(5))], {
      absolute: 1e-6,
    });
  });

  test("remembers only the current call with a window of 1", () => {
    const { terms } = compute({ window: 1 }, [
      [draw(3), BOTH],
      [draw(4), BOTH],
    ]);
    expect(numbers(terms.hardness)[1]).toBeCloseTo(diceOf(1, draw(4)), 5);
  });

  test("lets a call without any organ push out the oldest", () => {
    const nothing = target([1, 0, 0]);
    const { value, state, terms } = compute({ window: 2 }, [
      [draw(3), BOTH],
      [draw(4), nothing],
      [draw(5), nothing],
    ]);
    expect(number(value)).toBe(0);
    expect(numbers(state.history)).toEqual([-1, -1, -1, -1, -1, -1]);
    expect(numbers(terms.classWeights)).toEqual([0.5, 0.5, 0.5]);
  });

  test("gives an organ not seen the smallest weight and leaves it out of the mean", () => {
    const { terms } = compute({ minWeight: 0.3 }, [[draw(3), target([1, 1, 0])]]);
    expectClose("classWeights", numbers(terms.classWeights), [0.3, 1, 0.3], { absolute: 1e-6 });
  });

  test("leaves the weight of absent organs out of the hardness", () => {
    const absent = target([1, 1, 1], [1, 1, 0, 0, 0, 0, 0, 0]);
    const [half, full] = [0.5, 1].map((absentWeight) => compute({ absentWeight }, [[draw(6), absent]]));
    expect(numbers(half?.terms.hardness)).toEqual(numbers(full?.terms.hardness));
    expect(number(half?.value as Tensor)).toBeLessThan(number(full?.value as Tensor));
  });

  test("counts an organ segmented perfectly as seen", () => {
    const { state } = compute({}, [[perfect, BOTH]]);
    expect(
      numbers(state.history)
        .slice(-2)
        .every((dice) => dice >= 0 && dice < 1e-5),
    ).toBe(true);
    const history = tensor2d([
      [-1, 0, -1],
      [-1, -1, -1],
    ]); // class 1 had Dice loss 0
    const { terms } = hadfl({ classes: 3, window: 2 }).compute(draw(7), target([1, 0, 1]), { history });
    expectClose("classWeights", numbers(terms.classWeights), [0.5, 0.5, 1], { absolute: 1e-6 });
    const kept = tensor2d([
      [-1, -1, -1],
      [-1, 0, -1],
    ]);
    const withZero = hadfl({ classes: 3, window: 2 }).compute(draw(7), target([1, 0, 1]), { history: kept });
    expectClose("classWeights", numbers(withZero.terms.classWeights), [0.5, 0.5, 2], { absolute: 1e-5 });
  });

  test("stays finite if every organ in the window was perfect", () => {
    const history = tensor2d([
      [-1, -1, -1],
      [-1, 0, 0],
    ]);
    const { terms } = hadfl({ classes: 3, window: 2 }).compute(draw(8), target([1, 0, 0]), { history });
    expect(numbers(terms.classWeights)).toEqual([0.5, 0.5, 0.5]);
  });

  test("keeps its weights within bounds, and itself finite, for logits up to 1e4", () => {
    const call = fc.record({
      logits: fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 24, maxLength: 24 }),
      labels: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 8, maxLength: 8 }),
      annotated: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 3, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 4 }), (calls) => {
        const steps = calls.map(
          ({ logits, labels, annotated }) =>
            [tensor(logits, [1, 2, 2, 2, 3]) as Tensor5D, target(annotated, labels)] as const,
        );
        const { value, terms } = compute({ window: 3 }, steps);
        expect(number(value)).toBeGreaterThanOrEqual(0);
        for (const weight of numbers(terms.classWeights)) {
          expect(weight).toBeGreaterThanOrEqual(0.5);
          expect(weight).toBeLessThanOrEqual(2.00001); // one of two organs is at most twice as hard as their mean
        }
      }),
      { numRuns: 40 },
    );
  });

  test("says what is wrong with its options and its state", () => {
    expect(() => hadfl({ classes: 2.5 })).toThrow(
      "hadfl: classes must be a whole number of at least 2, background included, got 2.5.",
    );
    expect(() => hadfl({ classes: 3, window: 0 })).toThrow(
      "hadfl: window must be a whole number of at least 1, got 0.",
    );
    expect(() => hadfl({ classes: 3, minWeight: -1 })).toThrow(
      "hadfl: minWeight must be a number of at least 0, got -1.",
    );
    const state: HadflState = { history: tensor2d([[-1, -1, -1]]) as Tensor2D };
    expect(() => hadfl({ classes: 3 }).compute(draw(9), BOTH, state)).toThrow(
      "hadfl: state.history and [window, classes] must have the same shape, got [1, 3] and [50, 3].",
    );
  });

  test("runs the example of its README", async () => {
    const modules = { "@tensorflow/tfjs": tf, "@plseg/loss-hadfl": loss };
    const names = ["result", "state", "gradient"];
    const { result, state, gradient } = await runReadmeExample(
      new URL("../README.md", import.meta.url),
      modules,
      names,
    );
    expect(number((result as { value: Tensor }).value)).toBeGreaterThan(0);
    expect((state as HadflState).history.shape).toEqual([50, 3]);
    expect((gradient as Tensor).shape).toEqual([2, 4, 8, 8, 3]);
  });
});
