import type { DatasetProblem } from "./dataset.js";

/** Intensities of an image. */
interface ImageRange {
  /** Path relative to the dataset's folder. */
  readonly file: string;
  readonly intensity?: readonly [low: number, high: number];
}

/** Air has -1000 HU, so that a scan in Hounsfield units goes below this. */
const HU_REACHES_BELOW = -200;

/**
 * Images that are not in Hounsfield units, one by one if others are; if none is, that is said once.
 *
 * @returns Warnings: a scan that was cropped to soft tissue may be in order.
 */
export function intensityProblems(images: readonly ImageRange[]): DatasetProblem[] {
  const ranged = images.flatMap(({ file, intensity }) => (intensity ? [{ file, intensity }] : []));
  const strange = ranged.filter(({ intensity: [low] }) => low > HU_REACHES_BELOW);
  const inHounsfield = ranged.length - strange.length;
  if (strange.length === 0) return [];
  if (inHounsfield === 0) {
    const kinds = [...new Set(strange.map(({ intensity }) => kindOf(intensity)))];
    const message = `no image is in Hounsfield units, as CT would be: ${kinds.join("; ")}`;
    return [{ file: ".", field: "intensity", message, severity: "warning" }];
  }
  return strange.map(({ file, intensity }) => ({
    ...{ file, field: "intensity", severity: "warning" as const },
    message: `its intensities are ${intensity.map((value) => Number(value.toPrecision(5))).join(" to ")}, while ${inHounsfield} other images are in Hounsfield units: ${kindOf(intensity)}`,
  }));
}

function kindOf([low, high]: readonly [low: number, high: number]): string {
  if (low >= 0 && high <= 1) return "rescaled to 0 to 1?";
  if (low >= 0 && high <= 255) return "made gray levels of 0 to 255?";
  if (low >= 0) return "without the intercept of -1024?";
  return "windowed or standardized?";
}
