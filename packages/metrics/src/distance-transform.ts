import type { Size3D } from "@plseg/core";

/**
 * Squared Euclidean distance of every voxel to the nearest seed, exact and in linear time.
 *
 *     D(p) = min over seeds q of Σ_axis (spacing_axis · (p_axis − q_axis))²
 *
 * One pass per axis: a scan along the rows, then the lower envelope of parabolas along the other two axes.
 *
 * @param seeds - Voxels that are not 0 are seeds, `[depth, height, width]` flattened.
 * @param spacing - Millimeters in the order of `shape`.
 * @returns Square millimeters in the order of `seeds`; infinite everywhere if there is no seed.
 * @see Felzenszwalb & Huttenlocher, Distance Transforms of Sampled Functions, Theory of Computing 8, 2012.
 */
export function squaredDistanceTransform(seeds: Uint8Array, shape: Size3D, spacing: Size3D): Float64Array {
  const [depth, height, width] = shape;
  const distances = new Float64Array(seeds.length);
  scanRows(seeds, distances, width, spacing[2]);
  const plane = height * width;
  const line = envelope(Math.max(depth, height));
  for (let z = 0; z < depth; z++)
    for (let x = 0; x < width; x++) line(distances, z * plane + x, width, height, spacing[1]);
  for (let v = 0; v < plane; v++) line(distances, v, plane, depth, spacing[0]);
  return distances;
}

/** Squared distance to the nearest seed of the same row, infinite in a row without one. */
function scanRows(seeds: Uint8Array, distances: Float64Array, width: number, spacing: number): void {
  for (let start = 0; start < seeds.length; start += width) {
    let steps = Number.POSITIVE_INFINITY;
    for (let v = start; v < start + width; v++) {
      steps = seeds[v] ? 0 : steps + 1;
      distances[v] = steps;
    }
    steps = Number.POSITIVE_INFINITY;
    for (let v = start + width - 1; v >= start; v--) {
      steps = seeds[v] ? 0 : steps + 1;
      const nearest = Math.min(steps, distances[v] as number) * spacing;
      distances[v] = nearest * nearest;
    }
  }
}

/**
 * The pass along one line of at most `longest` voxels: f(p) becomes min over q of f(q) + (spacing · (p − q))².
 * The scratch arrays live as long as the returned function.
 */
function envelope(
  longest: number,
): (values: Float64Array, start: number, stride: number, length: number, spacing: number) => void {
  const apexes = new Int32Array(longest); // where the parabolas of the envelope have their minimum
  const heights = new Float64Array(longest); // f at the apexes
  const begins = new Float64Array(longest + 1); // where on the line each parabola becomes the lowest
  return (values, start, stride, length, spacing) => {
    const unit = spacing * spacing;
    let last = -1;
    for (let q = 0; q < length; q++) {
      const height = values[start + q * stride] as number;
      if (height === Number.POSITIVE_INFINITY) continue;
      let begin = Number.NEGATIVE_INFINITY;
      while (last >= 0) {
        const apex = apexes[last] as number;
        begin = (height - (heights[last] as number) + unit * (q * q - apex * apex)) / (2 * unit * (q - apex));
        if (begin > (begins[last] as number)) break;
        last--;
      }
      last++;
      apexes[last] = q;
      heights[last] = height;
      begins[last] = last === 0 ? Number.NEGATIVE_INFINITY : begin;
    }
    if (last < 0) return;
    begins[last + 1] = Number.POSITIVE_INFINITY;
    let lowest = 0;
    for (let p = 0; p < length; p++) {
      while ((begins[lowest + 1] as number) < p) lowest++;
      const offset = p - (apexes[lowest] as number);
      values[start + p * stride] = (heights[lowest] as number) + unit * offset * offset;
    }
  };
}
