import { DataError, sizeOf } from "@plseg/core";
import type { WeightSpec } from "./weight-spec.js";

/** A weight and where it lies in its vector, in stored order. */
export interface PlacedWeight extends WeightSpec {
  /** Place of its first value in the vector. */
  readonly offset: number;
  /** Number of its values. */
  readonly size: number;
}

/** All parameters end to end in one vector and all buffers in another, so that an optimizer has one array to work on. */
export interface FlatLayout {
  /** What is trained, in the order of its vector. */
  readonly parameters: readonly PlacedWeight[];
  /** Running statistics, in the order of their vector. */
  readonly buffers: readonly PlacedWeight[];
  /** Length of the vector of parameters. */
  readonly parameterCount: number;
  /** Length of the vector of buffers. */
  readonly bufferCount: number;
  /**
   * Joins weights, each in stored order.
   *
   * @throws DataError if a weight is missing, superfluous, or of another size.
   */
  pack(values: ReadonlyMap<string, Float32Array>): { parameters: Float32Array; buffers: Float32Array };
  /**
   * Takes the two vectors apart again. The values are copies.
   *
   * @throws DataError if a vector has another length.
   */
  unpack(vectors: { parameters: Float32Array; buffers: Float32Array }): Map<string, Float32Array>;
}

/** Lays out weights in the order given. */
export function flatLayout(specs: readonly WeightSpec[]): FlatLayout {
  const parameters = place(specs.filter(({ kind }) => kind === "parameter"));
  const buffers = place(specs.filter(({ kind }) => kind === "buffer"));
  const [parameterCount, bufferCount] = [lengthOf(parameters), lengthOf(buffers)];
  return {
    parameters,
    buffers,
    parameterCount,
    bufferCount,
    pack(values) {
      const names = new Set(specs.map(({ name }) => name));
      const stranger = [...values.keys()].find((name) => !names.has(name));
      if (stranger !== undefined) throw new DataError(`flatLayout: the network has no weight "${stranger}".`);
      return { parameters: join(parameters, values), buffers: join(buffers, values) };
    },
    unpack(vectors) {
      checkLength("parameters", vectors.parameters.length, parameterCount);
      checkLength("buffers", vectors.buffers.length, bufferCount);
      const cut =
        (from: Float32Array) =>
        (weight: PlacedWeight): [string, Float32Array] => [
          weight.name,
          from.slice(weight.offset, weight.offset + weight.size),
        ];
      return new Map([...parameters.map(cut(vectors.parameters)), ...buffers.map(cut(vectors.buffers))]);
    },
  };
}

function place(specs: readonly WeightSpec[]): PlacedWeight[] {
  let offset = 0;
  return specs.map((spec) => {
    const size = sizeOf(spec.shape);
    offset += size;
    return { ...spec, offset: offset - size, size };
  });
}

const lengthOf = (weights: readonly PlacedWeight[]): number => weights.reduce((sum, { size }) => sum + size, 0);

function join(weights: readonly PlacedWeight[], values: ReadonlyMap<string, Float32Array>): Float32Array {
  const joined = new Float32Array(lengthOf(weights));
  for (const { name, offset, size } of weights) {
    const value = values.get(name);
    if (!value) throw new DataError(`flatLayout: the weight "${name}" is missing.`);
    checkLength(`"${name}"`, value.length, size);
    joined.set(value, offset);
  }
  return joined;
}

function checkLength(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new DataError(`flatLayout: ${what} must have ${expected} values, got ${actual}.`);
}
