import { HADFL_DEFAULTS, type HadflOptions } from "@plseg/losses";
import { PL_SEG_OBJECTIVE_DEFAULTS, type PlSegObjectiveOptions } from "./pl-seg-objective.js";

/** What can be chosen about the objectives of PL-Seg and its kin. A method takes those that its parts have. */
export type ObjectiveSettings = Required<Omit<PlSegObjectiveOptions, "scales"> & Omit<HadflOptions, "classes">>;

const { scales: _scales, ...regularizers } = PL_SEG_OBJECTIVE_DEFAULTS;

/** The published recipe. */
export const OBJECTIVE_DEFAULTS: ObjectiveSettings = { ...regularizers, ...HADFL_DEFAULTS };
