/**
 * The weights of a network with more classes, from one with fewer. All weights stay but those of the heads, whose new
 * channels begin as the background's: a new organ was background to the old network.
 *
 *     w(n) = w(0)     b(n) = b(0) − log(1 + N)     b(0) = b(0) − log(1 + N)     for N new channels n
 *
 * So background and new organs share evenly what was the background's probability; those of the old organs stay as they were.
 *
 * @param weights - Of the old network, by name in stored order; not changed.
 * @see Cermelli et al., CVPR 2020, https://arxiv.org/abs/2002.00718, section 3.3.
 */
export function growClasses(
  weights: ReadonlyMap<string, Float32Array>,
  { from, to }: { readonly from: number; readonly to: number },
): Map<string, Float32Array> {
  const share = Math.log(1 + to - from);
  return new Map(
    [...weights].map(([name, values]) => {
      const isBias = /^head\.\d+\.bias$/.test(name);
      if (to === from || !(isBias || /^head\.\d+\.weight$/.test(name))) return [name, values];
      const inputs = values.length / from; // 1 for a bias
      const grown = new Float32Array(to * inputs);
      grown.set(values);
      for (let channel = from; channel < to; channel++) grown.set(values.subarray(0, inputs), channel * inputs);
      if (isBias) for (const channel of [0, ...range(from, to)]) grown[channel] = (grown[channel] as number) - share;
      return [name, grown];
    }),
  );
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
