import { decoupledForegroundLoss } from "@plseg/losses";
import type { Method } from "../method.js";
import { plSegObjective } from "../pl-seg-objective.js";

/** PL-Seg without the history: every annotated organ weighs the same. */
export const dfl: Method = {
  name: "dfl",
  summary: "PL-Seg without hardness weights",
  deepSupervision: true,
  objective: ({ classes, scales }) => plSegObjective(() => decoupledForegroundLoss({ classes }), { scales }),
};
