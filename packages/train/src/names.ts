/** Names of the methods, for a command line that does not load them. */
export const METHOD_NAMES = ["pl-seg", "dfl", "unet"] as const;

/** Names of the presets. */
export const PRESET_NAMES = ["paper", "strong", "quick"] as const;

/** Name of a preset. */
export type PresetName = (typeof PRESET_NAMES)[number];
