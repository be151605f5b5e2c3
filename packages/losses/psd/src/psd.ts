import { ConfigError, checkRank, ShapeError, type Size3D, showShape, withDefaults } from "@plseg/core";
import { resizeTrilinear, stopGradient } from "@plseg/ops";
import { add, div, logSoftmax, mul, neg, type Scalar, softmax, sum, type Tensor5D } from "@tensorflow/tfjs-core";

/** Options of {@link psd}. */
export interface PsdOptions {
  /** What logits are divided by before the softmax. Higher is softer. */
  readonly temperature?: number;
}

/** What {@link psd} uses where an option is missing. */
export const PSD_DEFAULTS: Required<PsdOptions> = { temperature: 10 };

/**
 * Progressive self-distillation (PSD): every scale of a decoder learns from the next finer one.
 *
 *     −1/(K − 1) Σ_k mean over voxels of Σ_c softmax(t_k / T)_c · log softmax(s_{k+1} / T)_c
 *
 * s_1 … s_K are the logits of the K scales, finest first; t_k is s_k resized (trilinear, corners aligned) to the grid
 * of s_{k+1}, and gets no gradient. It is a cross entropy: its minimum is the teachers' entropy, near log C at T = 10.
 * There is no factor T².
 *
 * @returns A function from the logits of all scales, `[batch, depth, height, width, class]` each and the full
 * resolution first, to the loss.
 * @throws ConfigError unless the temperature is positive. ShapeError from the function returned if there are fewer
 * than two scales or they differ in batch or classes.
 *
 * @see PL-Seg, Medical Image Analysis 2026, vol. 108, 103885.
 */
export function psd(options: PsdOptions = {}): (logitsPyramid: readonly Tensor5D[]) => Scalar {
  const { temperature } = withDefaults(PSD_DEFAULTS, options);
  if (!(temperature > 0 && temperature < Number.POSITIVE_INFINITY))
    throw new ConfigError(`psd: temperature must be a positive number, got ${temperature}.`);

  return (logitsPyramid) => {
    checkPyramid(logitsPyramid);
    const losses = logitsPyramid.slice(1).map((student, k) => {
      const teacher = resizeTrilinear(stopGradient(logitsPyramid[k] as Tensor5D), spatialSize(student), {
        alignCorners: true,
      });
      return distill(teacher, student, temperature);
    });
    return div(
      losses.reduce((total, loss) => add(total, loss)),
      losses.length,
    );
  };
}

/** Cross entropy of the student's softened classes under the teacher's, mean over voxels. */
function distill(teacher: Tensor5D, student: Tensor5D, temperature: number): Scalar {
  const classes = student.shape[4];
  const expected = softmax(div(teacher, temperature));
  const predicted = logSoftmax(div(student, temperature));
  return div(neg(sum(mul(expected, predicted))), student.size / classes);
}

const spatialSize = ({ shape: [, depth, height, width] }: Tensor5D): Size3D => [depth, height, width];

function checkPyramid(logitsPyramid: readonly Tensor5D[]): void {
  if (logitsPyramid.length < 2)
    throw new ShapeError(`psd: logitsPyramid must have at least two scales, got ${logitsPyramid.length}.`);
  const [batch, , , , classes] = logitsPyramid[0]?.shape ?? [];
  for (const [scale, { shape }] of logitsPyramid.entries()) {
    checkRank("psd", [`logitsPyramid[${scale}]`, shape], [5]);
    if (shape[0] !== batch || shape[4] !== classes)
      throw new ShapeError(
        `psd: every scale must have the batch and the classes of logitsPyramid[0] ${showShape(logitsPyramid[0]?.shape ?? [])}, got ${showShape(shape)} at [${scale}].`,
      );
  }
}
