import type { Size3D } from "@plseg/core";

/**
 * Squared Euclidean distance of chosen voxels to the nearest seed, exact and in linear time.
 *
 *     D(p) = min over seeds q of Σ_axis (spacing_axis · (p_axis − q_axis))²
 *
 * One pass per axis: a scan through the slices, then the lower envelope of parabolas along columns and along rows. The
 * last pass visits only rows with a chosen voxel.
 *
 * @param seeds - Voxels that are not 0 are seeds, `[depth, height, width]` flattened.
 * @param chosen - Voxels that are not 0 are those whose distance is wanted, in the same order.
 * @param spacing - Millimeters in the order of `shape`.
 * @returns Square millimeters of the chosen voxels, in their order; infinite if there is no seed.
 * @see Felzenszwalb & Huttenlocher, Distance Transforms of Sampled Functions, Theory of Computing 8, 2012.
 */
export function squaredDistances(
  seeds: Uint8Array,
  chosen: Uint8Array,
  [depth, height, width]: Size3D,
  spacing: Size3D,
): Float64Array {
  const distances = scanSlices(seeds, depth, height * width, spacing[0]);
  const columns = new Envelope(height, spacing[1]);
  for (let start = 0; start < distances.length; start += height * width)
    for (let x = 0; x < width; x++) {
      columns.build(distances, start + x, width);
      columns.write(distances, start + x, width);
    }
  let count = 0;
  for (let v = 0; v < chosen.length; v++) if (chosen[v]) count++;
  const found = new Float64Array(count);
  const rows = new Envelope(width, spacing[2]);
  let i = 0;
  for (let start = 0; start < distances.length; start += width) {
    let x = 0;
    while (x < width && !chosen[start + x]) x++;
    if (x === width) continue;
    rows.build(distances, start, 1);
    for (; x < width; x++) if (chosen[start + x]) found[i++] = rows.at(x);
  }
  return found;
}

/** Squared distance to the nearest seed above or below, infinite where there is none. */
function scanSlices(seeds: Uint8Array, depth: number, plane: number, spacing: number): Float64Array {
  const distances = new Float64Array(depth * plane);
  const steps = new Float64Array(plane).fill(Number.POSITIVE_INFINITY);
  for (let z = 0, v = 0; z < depth; z++)
    for (let i = 0; i < plane; i++, v++) {
      const nearest = seeds[v] ? 0 : (steps[i] as number) + 1;
      steps[i] = nearest;
      distances[v] = nearest;
    }
  // `steps` still holds the last slice, so that its own distances are the nearest there
  for (let z = depth - 1; z >= 0; z--)
    for (let i = 0, v = z * plane; i < plane; i++, v++) {
      const nearest = Math.min((steps[i] as number) + 1, distances[v] as number);
      steps[i] = nearest;
      distances[v] = nearest * nearest * spacing * spacing;
    }
  return distances;
}

/** The lower envelope of the parabolas f(q) + (spacing · (p − q))² over the places q of lines of one length. */
class Envelope {
  private readonly length: number;
  private readonly unit: number;
  /** By the distance of two apexes: where their parabolas cross moves by this per unit of difference in height. */
  private readonly slants: Float64Array;
  /** Where the parabolas of the envelope have their minimum. */
  private readonly apexes: Int32Array;
  /** f at the apexes. */
  private readonly heights: Float64Array;
  /** First place on the line at which each parabola is the lowest. */
  private readonly begins: Int32Array;
  private count = 0;
  /** The parabola that was the lowest at the place asked for last. */
  private current = 0;

  constructor(length: number, spacing: number) {
    this.length = length;
    this.unit = spacing * spacing;
    this.slants = Float64Array.from({ length }, (_, apart) => 1 / (2 * this.unit * apart));
    this.apexes = new Int32Array(length);
    this.heights = new Float64Array(length);
    this.begins = new Int32Array(length);
  }

  /** Builds the envelope of values f that lie `stride` apart. */
  build(values: Float64Array, start: number, stride: number): void {
    const { length, slants, apexes, heights, begins } = this;
    let last = -1;
    for (let q = 0, v = start; q < length; q++, v += stride) {
      const height = values[v] as number;
      if (height === Number.POSITIVE_INFINITY) continue;
      let begin = 0;
      while (last >= 0) {
        const apex = apexes[last] as number;
        const crossing = (height - (heights[last] as number)) * (slants[q - apex] as number) + (q + apex) / 2;
        begin = crossing < 0 ? 0 : crossing > length ? length : Math.ceil(crossing);
        if (begin > (begins[last] as number)) break;
        last--;
      }
      if (begin === length) continue; // it is the lowest nowhere on the line
      last++;
      apexes[last] = q;
      heights[last] = height;
      begins[last] = last === 0 ? 0 : begin;
    }
    this.count = last + 1;
    this.current = 0;
  }

  /** Writes the envelope over the values. */
  write(values: Float64Array, start: number, stride: number): void {
    const { length, apexes, heights, begins, count, unit } = this;
    for (let i = 0; i < count; i++) {
      const [apex, height] = [apexes[i] as number, heights[i] as number];
      const end = i + 1 < count ? (begins[i + 1] as number) : length;
      for (let p = begins[i] as number; p < end; p++)
        values[start + p * stride] = height + unit * (p - apex) * (p - apex);
    }
  }

  /** The envelope at a place that is not before the one asked for last; infinite if there is no parabola. */
  at(p: number): number {
    const { apexes, heights, begins, count, unit } = this;
    if (count === 0) return Number.POSITIVE_INFINITY;
    while (this.current + 1 < count && (begins[this.current + 1] as number) <= p) this.current++;
    const offset = p - (apexes[this.current] as number);
    return (heights[this.current] as number) + unit * offset * offset;
  }
}
