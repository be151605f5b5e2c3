import { type ClassSet, ConfigError } from "@plseg/core";

/** Indices of a left organ and its right twin. */
export type SidePair = readonly [left: number, right: number];

/**
 * The classes that are left and right of the same organ, by name: `left_kidney` and `right_kidney`, `adrenal gland, left`,
 * `Head_of_femur_L`.
 *
 * @throws ConfigError if an organ of one side has no twin: mirrored, it would be labeled on the wrong side.
 */
export function sidePairs(classes: ClassSet): readonly SidePair[] {
  const sides = classes.names.map(sideOf);
  return sides.flatMap((own, index): SidePair[] => {
    if (!own) return [];
    const twin = sides.findIndex((other) => other && other.organ === own.organ && other.side !== own.side);
    if (twin < 0)
      throw new ConfigError(
        `augment: flip along the width must be 0 where an organ of one side has no twin, got "${classes.names[index]}" alone. Add the twin to the classes, or set flip.probability to [0, 0, 0].`,
      );
    return own.side === "left" ? [[index, twin]] : [];
  });
}

function sideOf(name: string): { readonly side: "left" | "right"; readonly organ: string } | undefined {
  const words = name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const isLeft = (word: string): boolean => word === "left" || word === "l";
  const isRight = (word: string): boolean => word === "right" || word === "r";
  const at = words.findIndex((word) => isLeft(word) || isRight(word));
  if (at < 0) return undefined;
  return { side: isLeft(words[at] ?? "") ? "left" : "right", organ: words.filter((_, i) => i !== at).join(" ") };
}

/** Exchanges the labels of each pair, in place. */
export function swapSides(labels: Int32Array, pairs: readonly SidePair[]): void {
  const other = new Map(pairs.flatMap(([left, right]) => [[left, right] as const, [right, left] as const]));
  if (other.size > 0)
    for (let i = 0; i < labels.length; i++) labels[i] = other.get(labels[i] as number) ?? (labels[i] as number);
}
