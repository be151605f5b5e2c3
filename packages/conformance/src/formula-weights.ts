/** One entry of a reference state: its name, its stored shape, and by which formula it is filled. */
export type StateEntry = readonly [name: string, shape: readonly number[], kind: string];

/** Every weight of a reference state by name, in stored order. */
export const formulaWeights = (state: readonly StateEntry[]): Map<string, Float32Array> =>
  new Map(state.map((entry, k) => [entry[0], formulaWeight(entry, k)]));

/** A weight of the reference, in stored order, as a row of SPEC.md section 6.1: entry `k` of the state. */
function formulaWeight([, shape, kind]: StateEntry, k: number): Float32Array {
  const size = shape.reduce((product, length) => product * length, 1);
  const fan = shape.length > 1 ? size / (shape[0] as number) : size;
  const value: Record<string, (phase: number) => number> = {
    weight: (phase) => Math.sqrt(2 / fan) * Math.sin(phase),
    bias: (phase) => Math.sqrt(2 / fan) * Math.sin(phase),
    norm_weight: (phase) => 1 + 0.1 * Math.sin(phase),
    norm_bias: (phase) => 0.1 * Math.sin(phase),
    running_mean: () => 0,
    running_var: () => 1,
    num_batches_tracked: () => 0,
  };
  const formula = value[kind];
  if (!formula) throw new Error(`formulaWeight: there is no formula for "${kind}".`);
  return Float32Array.from({ length: size }, (_, i) => formula(0.7 * i + 1.3 * k + 0.1));
}
