import { ConfigError, checkChoice, withDefaults } from "@plseg/core";

/**
 * Whose definition is computed.
 *
 * - `"paper"`: Shi et al. 2021. Probabilities of merged classes are summed; which organs are annotated is given.
 * - `"reference"`: the code published with PL-Seg. Logits of merged classes are summed, samples are padded with logits
 *   of 0, and an organ counts as annotated if its label occurs in the crop.
 * - `"reference-v2"`: a later state of that code. As `"reference"`, without the padding; samples without an organ
 *   contribute nothing.
 */
export type MarginalCompat = "paper" | "reference" | "reference-v2";

/** Of each definition, the value of every other option that is missing. */
export type MarginalDefaults<Options extends { readonly compat?: MarginalCompat }> = Readonly<
  Record<MarginalCompat, Required<Omit<Options, "compat">>>
>;

/**
 * The options with those of their definition where they are missing, `"paper"` if they name none.
 *
 * @throws ConfigError if there is no such definition, or an option that ends in `Weight` is no number of at least 0.
 */
export function resolveOptions<Options extends { readonly compat?: MarginalCompat }>(
  where: string,
  defaults: MarginalDefaults<Options>,
  { compat = "paper", ...options }: Options,
): Required<Options> {
  checkChoice(where, "compat", compat, Object.keys(defaults));
  const resolved = withDefaults<object>(defaults[compat], options);
  for (const [name, value] of Object.entries(resolved))
    if (name.endsWith("Weight") && !(value >= 0 && value < Number.POSITIVE_INFINITY))
      throw new ConfigError(`${where}: ${name} must be a number of at least 0, got ${value}.`);
  return { compat, ...resolved } as Required<Options>;
}
