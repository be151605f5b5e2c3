import { withDefaults } from "@plseg/core";
import { decoupledForegroundLoss } from "@plseg/losses";
import type { Method } from "../method.js";
import { OBJECTIVE_DEFAULTS } from "../objective-settings.js";
import { plSegObjective } from "../pl-seg-objective.js";

/** PL-Seg without the history: every annotated organ weighs the same. */
export const dfl: Method = {
  name: "dfl",
  summary: "PL-Seg without hardness weights",
  deepSupervision: true,
  objective({ classes, scales, settings = {} }) {
    const { window: _w, minWeight: _m, presence, absentWeight, ...parts } = withDefaults(OBJECTIVE_DEFAULTS, settings);
    return plSegObjective(() => decoupledForegroundLoss({ classes, presence, absentWeight }), { scales, ...parts });
  },
};
