import { sizeOf } from "@plseg/core";
import type { Grid, ModelGrid } from "@plseg/data";

/** Takes the answer of a network slice by slice, and brings it to the grid of the scan. */
export interface SliceAnswers {
  /** Takes the next slice of the network's grid: probabilities `[class, height, width]`, which are not kept. */
  push(probabilities: Float32Array): void;
  /** Class indices on the scan's grid, after the last slice. */
  finish(): Uint8Array | Uint16Array;
}

/** Options of {@link sliceAnswers}. */
export interface SliceAnswersOptions {
  /** The scan. */
  readonly scan: Grid;
  /** The part of it that the network sees, and on which grid. */
  readonly model: ModelGrid;
  /** Classes, background included. */
  readonly classes: number;
  /** Called for each slice of the scan, in order, with its probabilities `[class, height, width]`; the array is used again. */
  readonly onSlice?: ((slice: number, probabilities: Float32Array) => void) | undefined;
}

/** A slice on the network's grid. */
interface Slice {
  /** `[class, height, width]` */
  readonly probabilities: Float32Array;
  /** `[height, width]` */
  readonly likeliest: Uint16Array;
}

/**
 * Interpolates the probabilities of a network linearly onto the grid of the scan, and takes the likeliest class of each
 * voxel. Beyond the part that the network saw is background.
 *
 * Two slices of the network's grid are in memory at a time, however many there are. Where the eight voxels around a point
 * have one likeliest class, it is the likeliest of every mean of them too: only the others are computed, unless `onSlice`
 * wants the probabilities.
 */
export function sliceAnswers({ scan, model, classes, onSlice }: SliceAnswersOptions): SliceAnswers {
  const [, height, width] = scan.shape;
  const { origin, shape: box } = model.box;
  const [alongZ, alongY, alongX] = [places(model, 0), places(model, 1), places(model, 2)];
  const rowLength = model.grid.shape[2];
  const area = model.grid.shape[1] * rowLength;
  const labels = classes <= 256 ? new Uint8Array(sizeOf(scan.shape)) : new Uint16Array(sizeOf(scan.shape));
  const whole = onSlice && new Float32Array(classes * height * width);
  const newSlice = (): Slice => ({
    probabilities: new Float32Array(classes * area),
    likeliest: new Uint16Array(area),
  });
  let [before, current] = [newSlice(), newSlice()];
  let pushed = 0;
  let done = 0; // slices of the scan

  /** Slices of the scan above or below the part. */
  const passBackground = (end: number): void => {
    if (onSlice && whole) whole.fill(0).fill(1, 0, height * width);
    for (; done < end; done++) if (whole) onSlice?.(done, whole);
  };

  /** A slice of the scan, the `part` of the way from one slice of the network's grid to the next. */
  const interpolate = (low: Slice, high: Slice, part: number): void => {
    const [p, q] = [low.probabilities, high.probabilities];
    const [a, b] = [low.likeliest, high.likeliest];
    for (let y = 0; y < box[1]; y++) {
      const [row0, row1] = [(alongY.low[y] as number) * rowLength, (alongY.high[y] as number) * rowLength];
      const partY = alongY.part[y] as number;
      const inSlice = (origin[1] + y) * width + origin[2];
      for (let x = 0; x < box[2]; x++) {
        const [column0, column1] = [alongX.low[x] as number, alongX.high[x] as number];
        const [i, j, k, l] = [row0 + column0, row0 + column1, row1 + column0, row1 + column1];
        let best = a[i] as number;
        const one =
          a[j] === best &&
          a[k] === best &&
          a[l] === best &&
          b[i] === best &&
          b[j] === best &&
          b[k] === best &&
          b[l] === best;
        if (!one || whole) {
          const partX = alongX.part[x] as number;
          let largest = -1;
          for (let c = 0; c < classes; c++) {
            const o = c * area;
            const low0 = mean(p[o + i] as number, p[o + j] as number, partX);
            const low1 = mean(p[o + k] as number, p[o + l] as number, partX);
            const high0 = mean(q[o + i] as number, q[o + j] as number, partX);
            const high1 = mean(q[o + k] as number, q[o + l] as number, partX);
            const value = mean(mean(low0, low1, partY), mean(high0, high1, partY), part);
            if (value > largest) [best, largest] = [c, value];
            if (whole) whole[c * height * width + inSlice + x] = value;
          }
        }
        labels[done * height * width + inSlice + x] = best;
      }
    }
    if (whole) onSlice?.(done, whole);
    done++;
  };

  return {
    push(probabilities) {
      if (pushed === 0) passBackground(origin[0]);
      [before, current] = [current, before];
      current.probabilities.set(probabilities);
      findLikeliest(current, classes);
      // Every slice of the scan for which this one is the upper neighbor.
      for (let z = done - origin[0]; z < box[0] && alongZ.high[z] === pushed; z++)
        interpolate(alongZ.low[z] === pushed ? current : before, current, alongZ.part[z] as number);
      pushed++;
    },
    finish() {
      passBackground(scan.shape[0]);
      return labels;
    },
  };
}

const mean = (a: number, b: number, part: number): number => a + (b - a) * part;

/** For each voxel of the part along an axis: its neighbors on the network's grid, and how far it is from the lower one. */
interface Places {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly part: Float64Array;
}

/** Both grids run along the same directions, so that each axis is a matter of its own. */
function places({ cropped, grid }: ModelGrid, axis: 0 | 1 | 2): Places {
  const column = 2 - axis;
  const along = (from: readonly number[]): number =>
    [0, 4, 8].reduce((sum, row, i) => sum + (from[i] as number) * (grid.affine[row + column] as number), 0);
  const columnOf = ({ affine }: Grid): number[] => [0, 4, 8].map((row) => affine[row + column] as number);
  const shift = [3, 7, 11].map((at) => (cropped.affine[at] as number) - (grid.affine[at] as number));
  const length = along(columnOf(grid));
  const [step, start] = [along(columnOf(cropped)) / length, along(shift) / length];
  const count = cropped.shape[axis];
  const last = grid.shape[axis] - 1;
  const [low, high, part] = [new Int32Array(count), new Int32Array(count), new Float64Array(count)];
  for (let i = 0; i < count; i++) {
    const at = Math.min(Math.max(start + step * i, 0), last);
    low[i] = Math.floor(at);
    high[i] = Math.ceil(at);
    part[i] = at - Math.floor(at);
  }
  return { low, high, part };
}

function findLikeliest({ probabilities, likeliest }: Slice, classes: number): void {
  const area = likeliest.length;
  for (let i = 0; i < area; i++) {
    let [best, largest] = [0, -1];
    for (let c = 0; c < classes; c++) {
      const value = probabilities[c * area + i] as number;
      if (value > largest) [best, largest] = [c, value];
    }
    likeliest[i] = best;
  }
}
