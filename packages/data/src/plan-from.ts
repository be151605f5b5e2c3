import { ConfigError, type Size3D, sizeOf, withDefaults } from "@plseg/core";
import { type Fingerprint, percentile } from "./fingerprint.js";
import { INTENSITY_PRESETS, type IntensityPreset, type Plan } from "./plan.js";

/** Options of {@link planFrom}. */
export interface PlanOptions {
  /** Patches of a step. */
  readonly batch?: number;
  /** Bytes that a training step may take. */
  readonly memory?: number;
  /** Bytes that a training step takes for each voxel of its patches. */
  readonly bytesPerVoxel?: number;
  /** What the sides of a patch must be multiples of: 2 to the number of times that the network halves it. */
  readonly multiple?: number;
  /** A decision taken already, or `"auto"`. */
  readonly spacing?: Size3D | "auto";
  /** A decision taken already, or `"auto"`. */
  readonly patchSize?: Size3D | "auto";
  /**
   * A window, the name of one, `"percentiles"` for the one that the foreground fills, `"scan-range"` for that of each scan, or
   * `"auto"`.
   */
  readonly intensity?: Plan["intensity"] | IntensityPreset | "percentiles" | "auto";
}

/**
 * What {@link planFrom} uses where an option is missing. `bytesPerVoxel` is what `bench step` shows for the network of the preset
 * `strong` with 17 classes on the CPU.
 */
export const PLAN_DEFAULTS: Required<PlanOptions> = {
  batch: 2,
  memory: 4e9,
  bytesPerVoxel: 3500,
  multiple: 8,
  spacing: "auto",
  patchSize: "auto",
  intensity: "auto",
};

/** From how many times the finest spacing on an axis counts as coarse. nnU-Net's `ANISO_THRESHOLD`. */
const COARSE = 3;

/**
 * Decides how a dataset is brought before a network, by nnU-Net's rules where they fit:
 *
 * - spacing: the median of the cases along each axis; along an axis more than three times as coarse as another, the finest
 *   tenth, so that fine scans are not thrown away, but nothing finer than the other axes;
 * - patch: as near to a cube in millimeters as the median body allows, as large as memory allows;
 * - intensity: the soft-tissue window if most of the foreground lies in it, else the window from the 0.5th to the 99.5th
 *   percentile of the foreground.
 *
 * Every decision comes with its reason in words.
 *
 * @throws ConfigError if there is no case, or an option is out of range.
 * @see Isensee et al., nnU-Net, Nature Methods 2021, supplementary note 2.
 */
export function planFrom(fingerprint: Fingerprint, options: PlanOptions = {}): Plan {
  const settings = withDefaults<PlanOptions>(PLAN_DEFAULTS, options);
  const [spacing, whySpacing] =
    settings.spacing === "auto" ? planSpacing(fingerprint) : ([settings.spacing, GIVEN] as const);
  const [patchSize, whyPatch] =
    settings.patchSize === "auto" ? planPatch(fingerprint, spacing, settings) : ([settings.patchSize, GIVEN] as const);
  const [intensity, whyIntensity] = planIntensity(fingerprint, settings.intensity);
  const reasons = { spacing: whySpacing, patchSize: whyPatch, intensity: whyIntensity };
  return { version: 1, spacing, patchSize, intensity, reasons };
}

const GIVEN = "as asked for";
const NO_CASE = "planFrom: at least one labeled case is needed, got none.";

type Decision<T> = readonly [decision: T, reason: string];

const AXES = ["depth", "height", "width"] as const;

function planSpacing({ cases }: Fingerprint): Decision<Size3D> {
  if (cases.length === 0) throw new ConfigError(NO_CASE);
  const along = (axis: number): number[] => cases.map(({ spacing }) => spacing[axis] as number).sort((a, b) => a - b);
  const medians = [0, 1, 2].map((axis) => middle(along(axis)));
  const finest = Math.min(...medians);
  const coarse = medians.map((mm) => mm > COARSE * finest);
  const finerAxes = Math.max(...medians.filter((_, axis) => !coarse[axis]));
  const chosen = medians.map((mm, axis) => (coarse[axis] ? Math.max(percentile(along(axis), 10), finerAxes) : mm));
  const [depth, height, width] = chosen.map((mm) => Number(mm.toFixed(4))) as [number, number, number];
  const same = cases.every(({ spacing }) => spacing.every((mm, axis) => Math.abs(mm - (chosen[axis] ?? 0)) < 0.01));
  const ranges = AXES.map((name, axis) => `${name} ${show(along(axis)[0])} to ${show(along(axis).at(-1))}`);
  const exception = AXES.filter((_, axis) => coarse[axis]).map(
    (name) => `; along the ${name}, which is more than ${COARSE} times as coarse, the finest tenth`,
  );
  const reason = same
    ? `all ${cases.length} cases have it`
    : `the median of ${cases.length} cases (${ranges.join(", ")} mm)${exception.join("")}`;
  return [[depth, height, width], reason];
}

function planPatch(
  { cases }: Fingerprint,
  spacing: Size3D,
  { batch, memory, bytesPerVoxel, multiple }: Required<PlanOptions>,
): Decision<Size3D> {
  if (cases.length === 0) throw new ConfigError(NO_CASE);
  const most = Math.floor(memory / (batch * bytesPerVoxel));
  if (!(most >= multiple ** 3))
    throw new ConfigError(
      `planFrom: memory must hold a patch of ${multiple} cubed, ${Math.ceil(multiple ** 3 * batch * bytesPerVoxel)} bytes at batch ${batch}, got ${memory}.`,
    );
  const body = [0, 1, 2].map((axis) =>
    middle(
      cases
        .map(({ shape, spacing: own }) => ((shape[axis] as number) * (own[axis] as number)) / (spacing[axis] as number))
        .sort((a, b) => a - b),
    ),
  );
  const largest = body.map((size) => Math.max(1, Math.ceil(size / multiple)) * multiple);
  const size: [number, number, number] = [multiple, multiple, multiple];
  // Grows the side that is shortest in millimeters, until nothing fits any more.
  for (;;) {
    const growing = ([0, 1, 2] as const)
      .filter((axis) => {
        const grown = (sizeOf(size) / size[axis]) * (size[axis] + multiple);
        return size[axis] + multiple <= (largest[axis] as number) && grown <= most;
      })
      .sort((a, b) => size[a] * spacing[a] - size[b] * spacing[b]);
    const [axis] = growing;
    if (axis === undefined) break;
    size[axis] += multiple;
  }
  const seen = Math.min(1, ...[sizeOf(size) / sizeOf(body)]);
  const extent = size.map((voxels, axis) => Math.round(voxels * (spacing[axis] as number)));
  const whole = size.every((voxels, axis) => voxels >= (body[axis] as number));
  const limit = whole
    ? "it holds the median body whole"
    : `most that fits into ${show(memory / 1e9)} GB at batch ${batch}, with ${show(bytesPerVoxel / 1000)} kB for each voxel, as near to a cube as the body allows`;
  const median = body.map((voxels) => Math.round(voxels)).join(" × ");
  return [
    size,
    `${extent.join(" × ")} mm, ${Math.round(100 * seen)} % of the median body of ${median} voxels: ${limit}; multiples of ${multiple} for the network`,
  ];
}

function planIntensity(
  { intensity }: Fingerprint,
  asked: Required<PlanOptions>["intensity"],
): Decision<Plan["intensity"]> {
  if (typeof asked === "object") return [asked, GIVEN];
  if (asked === "scan-range") return [asked, `each scan from its lowest to its highest value, ${GIVEN}`];
  if (asked !== "auto" && asked !== "percentiles") return [INTENSITY_PRESETS[asked], `the window "${asked}", ${GIVEN}`];
  const soft = INTENSITY_PRESETS["soft-tissue"];
  const [low, high] = [soft.level - soft.width / 2, soft.level + soft.width / 2];
  if (intensity === null)
    return [soft, `the soft-tissue window, ${low} to ${high} HU: no annotated voxel says otherwise`];
  const { percentile00_5: first, percentile99_5: last, mean, deviation } = intensity;
  const foreground = `annotated organs are ${Math.round(mean)} ± ${Math.round(deviation)} HU`;
  if (asked === "auto" && mean - deviation >= low && mean + deviation <= high)
    return [soft, `the soft-tissue window, ${low} to ${high} HU: ${foreground}, so it holds most of them`];
  const width = Math.max(1, Math.round(last - first));
  return [
    { level: Math.round((first + last) / 2), width },
    `from the 0.5th to the 99.5th percentile of annotated organs, ${Math.round(first)} to ${Math.round(last)} HU; ${foreground}`,
  ];
}

/** The middle one of sorted values; of an even number the upper, so that it is one of the values. */
const middle = (sorted: readonly number[]): number => sorted[sorted.length >> 1] ?? 0;

const show = (value = 0): string => String(Number(value.toPrecision(3)));
