import { withDefaults } from "@plseg/core";
import { hadfl } from "@plseg/losses";
import type { Method } from "../method.js";
import { OBJECTIVE_DEFAULTS } from "../objective-settings.js";
import { plSegObjective } from "../pl-seg-objective.js";

/** PL-Seg: hardness-aware decoupled foreground loss, classwise orthogonal contrast, progressive self-distillation. */
export const plSeg: Method = {
  name: "pl-seg",
  summary: "all three ideas of PL-Seg",
  deepSupervision: true,
  objective({ classes, scales, settings = {} }) {
    const { window, minWeight, presence, absentWeight, ...parts } = withDefaults(OBJECTIVE_DEFAULTS, settings);
    return plSegObjective(() => hadfl({ classes, window, minWeight, presence, absentWeight }), { scales, ...parts });
  },
};
