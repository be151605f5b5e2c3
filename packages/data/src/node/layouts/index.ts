import { abdomenatlas } from "./abdomenatlas.js";
import { bids } from "./bids.js";
import { decathlon } from "./decathlon.js";
import { flare } from "./flare.js";
import type { Layout, LayoutName } from "./layout.js";
import { nnunet } from "./nnunet.js";
import { pairs } from "./pairs.js";
import { pls4mis } from "./pls4mis.js";
import { totalsegmentator } from "./totalsegmentator.js";

/** Every layout by name. */
export const LAYOUTS: Readonly<Record<LayoutName, Layout>> = {
  nnunet,
  decathlon,
  pls4mis,
  flare,
  totalsegmentator,
  abdomenatlas,
  bids,
  pairs,
};
