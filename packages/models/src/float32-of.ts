import { DataError } from "@plseg/core";
import type { SafetensorsTensor } from "./safetensors.js";

/**
 * The numbers of a tensor of any floating-point type, as 32-bit floats: `F16` and `BF16` are exact, `F64` is rounded.
 *
 * @param name - Of the tensor, for the message.
 * @throws DataError if the tensor holds whole numbers.
 */
export function float32Of(name: string, { dtype, data }: SafetensorsTensor): Float32Array {
  if (dtype === "F32") return data as Float32Array;
  if (dtype === "F64") return Float32Array.from(data as Float64Array);
  if (dtype === "BF16") {
    const bits = Uint32Array.from(data as Uint16Array, (half) => half * 0x10000);
    return new Float32Array(bits.buffer);
  }
  if (dtype === "F16") return Float32Array.from(data as Uint16Array, float16);
  throw new DataError(`float32Of: "${name}" must hold floating-point numbers, got ${dtype}.`);
}

/** The value of the 16 bits of an IEEE half: sign, 5 bits of exponent, 10 of fraction. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
