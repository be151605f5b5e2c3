import { ADAM_DEFAULTS, type AdamOptions, adam } from "./adam.js";
import { ADAMW_DEFAULTS, type AdamwOptions, adamw } from "./adamw.js";
import type { Optimizer } from "./optimizer.js";
import { SGD_DEFAULTS, type SgdOptions, sgd } from "./sgd.js";

/** An optimizer by name, with all of its options. */
export type OptimizerSettings =
  | ({ readonly name: "adam" } & Required<AdamOptions>)
  | ({ readonly name: "adamw" } & Required<AdamwOptions>)
  | ({ readonly name: "sgd" } & Required<SgdOptions>);

/** Options of each optimizer where they are not given. */
export const OPTIMIZER_DEFAULTS: {
  readonly [Name in OptimizerSettings["name"]]: Omit<Extract<OptimizerSettings, { readonly name: Name }>, "name">;
} = { adam: ADAM_DEFAULTS, adamw: ADAMW_DEFAULTS, sgd: SGD_DEFAULTS };

/** The optimizer that the settings name. */
export function optimizerFrom(settings: OptimizerSettings): Optimizer {
  switch (settings.name) {
    case "adam":
      return adam(settings);
    case "adamw":
      return adamw(settings);
    case "sgd":
      return sgd(settings);
  }
}
