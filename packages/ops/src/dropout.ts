import { ConfigError, checkRank, Random } from "@plseg/core";
import {
  add,
  cast,
  floor,
  greaterEqual,
  mul,
  reshape,
  type Scalar,
  sub,
  type Tensor,
  type Tensor5D,
  tensor1d,
} from "@tensorflow/tfjs-core";
import { untaped } from "./untaped.js";

/**
 * The largest prime below 2048. It is 2 modulo 3, so cubing permutes the residues, and it is small enough that every
 * step of the hash is exact in single precision (see {@link modulo}).
 */
const PRIME = 2039;

/** Seeds are whole numbers below this. */
export const SEED_LIMIT: number = 2 ** 21;

/**
 * Dropout: sets each value to 0 with probability `rate` and divides the others by 1 − rate.
 *
 * Which values are dropped is a function of the seed and of their place alone, in arithmetic that is exact in single
 * precision: the same on every engine, the same in a traced graph, and another for every seed.
 * The mask is a hash that absorbs the seed and then one coordinate after another: h ← (h + code(coordinate))³ mod 2039.
 *
 * @param x - `[batch, depth, height, width, channel]`.
 * @param rate - In [0, 1). With 0 the result is `x` itself.
 * @param seed - A whole number in [0, 2²¹).
 * @throws ShapeError if `x` has another rank, ConfigError if the rate is not in [0, 1).
 * @see Srivastava et al., JMLR 2014. The hash is built like MiMC, Albrecht et al., https://eprint.iacr.org/2016/492.
 */
export function dropout(x: Tensor5D, rate: number, seed: Scalar): Tensor5D {
  checkRank("dropout", ["x", x.shape], [5]);
  if (!(rate >= 0 && rate < 1)) throw new ConfigError(`dropout: rate must lie in [0, 1), got ${rate}.`);
  if (rate === 0) return x;
  const factors = untaped(() => {
    const kept = greaterEqual(hashPlaces(x.shape, seed), Math.round(rate * PRIME));
    return mul<Tensor5D>(cast(kept, "float32"), 1 / (1 - rate));
  });
  return mul(x, factors);
}

/** A whole number in [0, PRIME) for each place of a shape. */
function hashPlaces(shape: readonly number[], seed: Scalar): Tensor {
  const number = cast(seed, "float32");
  const quotient = floor(mul(add(number, 0.5), 1 / PRIME));
  let h: Tensor = cube(modulo(add(sub(number, mul(quotient, PRIME)), 811)));
  h = cube(modulo(add(h, quotient)));
  for (const [axis, length] of shape.entries()) {
    if (length === 1) continue; // nothing to tell apart
    const codes = tensor1d(axisCodes(axis, length));
    h = cube(
      modulo(
        add(
          h,
          reshape(
            codes,
            shape.map((_, i) => (i === axis ? length : 1)),
          ),
        ),
      ),
    );
  }
  return cube(modulo(add(h, 1187)));
}

/** One residue per coordinate of an axis, in random order and each once as long as they last. */
function axisCodes(axis: number, length: number): number[] {
  const residues = Random.of("dropout", axis).shuffle(Array.from({ length: PRIME }, (_, i) => i));
  return Array.from({ length }, (_, i) => residues[i % PRIME] as number);
}

/** h³ mod PRIME for whole h in [0, PRIME). */
const cube = (h: Tensor): Tensor => modulo(mul(h, modulo(mul(h, h))));

/**
 * v mod PRIME for whole v in [0, PRIME²). Exact: v + ½ is, the quotient is within 2039 · 2⁻²⁴ + 2⁻¹⁴ ≈ 1.8e-4 of the true
 * one, and that is at least ½/2039 ≈ 2.4e-4 from a whole number.
 */
const modulo = (v: Tensor): Tensor => sub(v, mul(floor(mul(add(v, 0.5), 1 / PRIME)), PRIME));
