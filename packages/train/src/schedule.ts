/** How the learning rate changes over a training. */
export type Schedule = "polynomial" | "constant";

/**
 * The learning rate of a step.
 *
 *     polynomial: lr · (1 − t)^0.9          t = (step − 1) / steps
 *
 * @param step - From 1 to `steps`.
 * @see Isensee et al., nnU-Net, Nature Methods 2021, for the polynomial.
 */
export function learningRateAt(schedule: Schedule, learningRate: number, step: number, steps: number): number {
  return schedule === "constant" ? learningRate : learningRate * (1 - (step - 1) / steps) ** 0.9;
}
