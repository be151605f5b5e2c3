import { describe, expect, test } from "vitest";
import { OBJECTIVE_DEFAULTS } from "../objective-settings.js";
import { OPTIMIZER_DEFAULTS } from "../optimizer-settings.js";
import { PRESETS } from "./presets.js";
import { checkSettings } from "./train-settings.js";

describe("checkSettings", () => {
  test.each(Object.entries(PRESETS))("takes every setting of %s back as it is", (_, preset) => {
    expect(checkSettings(JSON.parse(JSON.stringify(preset)), "preset.json")).toEqual(preset);
  });

  test("fills in what a choice leaves out", () => {
    expect(
      checkSettings(
        { optimizer: { name: "sgd", weightDecay: 3e-5 }, schedule: "cosine", objective: { window: 9 } },
        "a",
      ),
    ).toEqual({
      optimizer: { name: "sgd", momentum: 0.99, weightDecay: 3e-5 },
      schedule: { name: "cosine", minLearningRate: 0 },
      objective: { ...OBJECTIVE_DEFAULTS, window: 9 },
    });
    expect(checkSettings({ optimizer: "adamw" }, "a")).toEqual({
      optimizer: { name: "adamw", ...OPTIMIZER_DEFAULTS.adamw },
    });
  });

  test.each([
    [{ stepz: 5 }, 'c.yaml: there is no setting "stepz". Did you mean "steps"?'],
    [
      { optimizer: { name: "sgd", momentun: 0.9 } },
      'no setting "optimizer.momentun". Did you mean "momentum"? Settings: name',
    ],
    [{ optimizer: { name: "adam", weightDecay: 0.1 } }, 'no setting "optimizer.weightDecay". Settings: name, beta1'],
    [{ optimizer: "adamm" }, 'c.yaml: optimizer.name: expected ("adam" | "adamw" | "sgd"), got "adamm".'],
    [{ optimizer: 5 }, "c.yaml: optimizer: expected Object, got 5."],
    [{ schedule: { name: "multistep", at: [0] } }, "c.yaml: schedule.at.0: expected >0, got 0."],
    [{ objective: { temprature: 5 } }, 'no setting "objective.temprature". Did you mean "temperature"?'],
    [{ averageDecay: 1 }, "c.yaml: averageDecay: expected <1, got 1."],
    [{ steps: { epoch: 5 } }, 'no setting "steps.epoch". Did you mean "epochs"?'],
    [{ validation: 1.5 }, "c.yaml: validation: expected <=1, got 1.5."],
    [{ validation: { folds: 1, fold: 0 } }, "c.yaml: validation.folds: expected >=2, got 1."],
    [{ validation: { folds: 5, flod: 0 } }, 'no setting "validation.flod". Did you mean "fold"?'],
    [null, "c.yaml: (the whole): expected Object, got null."],
  ])("says what is wrong with %j", (settings, message) => {
    expect(() => checkSettings(settings, "c.yaml")).toThrow(message);
  });
});
