import { ConfigError, checkMultiples, checkRank, ShapeError, showShape } from "@plseg/core";
import type { Tensor5D } from "@tensorflow/tfjs-core";

const isCount = (value: number, least: number): boolean => Number.isInteger(value) && value >= least;

/** Throws a ConfigError unless a field is a whole number of at least `least`. */
export function checkCount(where: string, name: string, value: number, least: number): void {
  if (!isCount(value, least))
    throw new ConfigError(`${where}: ${name} must be a whole number of at least ${least}, got ${value}.`);
}

/** Throws a ConfigError unless the features are at least two whole numbers above 0. */
export function checkFeatures(where: string, features: readonly number[]): void {
  if (features.length < 2 || !features.every((width) => isCount(width, 1)))
    throw new ConfigError(
      `${where}: features must be at least two whole numbers above 0, got [${features.join(", ")}].`,
    );
}

/** Throws a ShapeError unless an image has the channels of a network, and sides that it can halve so many times. */
export function checkImage(where: string, { shape }: Tensor5D, inChannels: number, halvings: number): void {
  checkRank(where, ["image", shape], [5]);
  if (shape[4] !== inChannels)
    throw new ShapeError(
      `${where}: image must have ${inChannels} ${inChannels === 1 ? "channel" : "channels"} in its last axis, got ${showShape(shape)}.`,
    );
  checkMultiples(where, ["depth, height and width", shape.slice(1, 4)], 2 ** halvings);
}
