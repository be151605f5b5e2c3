/** One color per method, told apart on light and dark paper, also by the color-blind. */
const COLORS = ["#2f6fde", "#d9822b", "#2a9d78", "#a157c7", "#c2445c", "#7a7f87"] as const;

/** Color of a method, or of a run, by its place. */
export const colorOf = (index: number): string => COLORS[index % COLORS.length] ?? COLORS[0];
