/** What `--layout` takes: `LAYOUT_NAMES` of `@plseg/data`, written out so that the command line is there before that is loaded. */
export const LAYOUTS = [
  "nnunet",
  "decathlon",
  "pls4mis",
  "flare",
  "totalsegmentator",
  "abdomenatlas",
  "bids",
  "pairs",
] as const;
