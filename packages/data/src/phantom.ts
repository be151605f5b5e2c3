import {
  type Affine,
  ClassSet,
  ConfigError,
  type LabelMap,
  Random,
  type Size3D,
  type Volume,
  withDefaults,
} from "@plseg/core";
import {
  type Anatomy,
  drawAnatomy,
  type Ellipsoid,
  type Parts,
  rotate,
  type Structure,
  type Tube,
} from "./phantom-anatomy.js";

/** Options of {@link makePhantom}. */
export interface PhantomOptions {
  /** Voxels along depth, height, width, or the same along all. The anatomy fills the volume whatever its size. */
  readonly size?: number | Size3D;
  /** 6 organs of the upper abdomen, or the 16 of the WORD dataset from the diaphragm to the hips. */
  readonly classes?: 6 | 16;
  /** Which person. The same seed gives the same voxels. */
  readonly seed?: number | string;
  /** Millimeters per voxel along depth, height, width, as the affine says. By default that of the anatomy. */
  readonly spacing?: Size3D | undefined;
}

/** A synthetic abdominal CT with its truth. */
export interface Phantom {
  /** Hounsfield units, axes to right, anterior, superior (RAS+). */
  readonly image: Volume;
  /** Class indices of `classes`. */
  readonly labels: LabelMap;
  /** Names of the organs, the background first. */
  readonly classes: ClassSet;
}

/** What {@link makePhantom} uses where an option is missing. */
export const PHANTOM_DEFAULTS: Required<PhantomOptions> = { size: 64, classes: 6, seed: 0, spacing: undefined };

const ORGANS: Readonly<Record<6 | 16, readonly string[]>> = {
  6: ["liver", "spleen", "left_kidney", "right_kidney", "stomach", "aorta"],
  16: [
    ...[
      "liver",
      "spleen",
      "left_kidney",
      "right_kidney",
      "stomach",
      "gallbladder",
      "esophagus",
      "pancreas",
      "duodenum",
    ],
    ...["colon", "intestine", "adrenal", "rectum", "bladder", "left_femur_head", "right_femur_head"],
  ],
};

/** Field of view: half its width and depth, and its lower and upper end, millimeters. */
const FIELD = { halfWidth: 168, halfDepth: 122, z: { 6: [-38, 184], 16: [-185, 195] } } as const;

const AIR = -1024;
const FAT = -95;
const MUSCLE = 58;
const SKIN = 10;
const RIB = 330;

/** Fat around each organ, millimeters: it shows where one ends and another of the same intensity begins. */
const CAPSULE = 2;

/** Standard deviation of the noise in Hounsfield units, and the part of its variance that neighbors share. */
const NOISE = 16;
const SHARED = 0.5;

/**
 * A synthetic abdominal CT: outline, fat, muscle wall, ribs, spine, lungs, vessels, bowel, and the organs at their places.
 *
 * Every seed is another person: size and fat of the body, and of each organ place, size, turn, bend and intensity. Organs
 * overlap in intensity with each other and with structures that carry no label, edges are blurred by partial volume, and
 * noise is correlated between neighbors, so that an organ cannot be found by its intensity alone.
 *
 * @throws ConfigError if the size is not at least 16 voxels along each axis, or the spacing is not positive.
 */
export function makePhantom(options: PhantomOptions = {}): Phantom {
  const { size, classes, seed, spacing } = withDefaults(PHANTOM_DEFAULTS, options);
  const shape: Size3D = typeof size === "number" ? [size, size, size] : size;
  if (!shape.every((n) => Number.isInteger(n) && n >= 16 && n <= 1024))
    throw new ConfigError(`makePhantom: size must be whole numbers from 16 to 1024, got ${shape.join(", ")}.`);
  if (spacing && !spacing.every((mm) => mm > 0 && Number.isFinite(mm)))
    throw new ConfigError(`makePhantom: spacing must be positive millimeters, got ${spacing.join(", ")}.`);
  const names = phantomClasses(classes);
  const anatomy = drawAnatomy(Random.of("anatomy", seed));
  const canvas = blankCanvas(shape, FIELD.z[classes], bend(Random.of("bend", seed)));
  paintBody(canvas, anatomy);
  for (const structure of anatomy.structures)
    paint(canvas, structure, Math.max(0, names.names.indexOf(structure.name)));
  addNoise(canvas.intensity, shape, Random.of("noise", seed));
  const affine = affineOf(shape, spacing ?? canvas.voxel);
  return {
    image: { data: canvas.intensity, shape, affine },
    labels: { data: canvas.labels, shape, affine },
    classes: names,
  };
}

/** The classes of a phantom, background first. @throws ConfigError unless there are 6 or 16 organs. */
export function phantomClasses(count: 6 | 16): ClassSet {
  const organs = ORGANS[count];
  if (!organs) throw new ConfigError(`makePhantom: classes must be 6 or 16, got ${count}.`);
  return new ClassSet(["background", ...organs]);
}

/** A volume being painted, with the place of each voxel in the anatomy. */
interface Canvas {
  readonly shape: Size3D;
  /** Millimeters per voxel along depth, height, width. */
  readonly voxel: Size3D;
  readonly intensity: Float32Array;
  readonly labels: Uint8Array;
  /** Bent coordinates in the anatomy, millimeters. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly z: Float32Array;
  /** Signed distance to the wall of the abdominal cavity, millimeters, negative inside. */
  readonly cavity: Float32Array;
  /** Millimeters over which an edge blurs: the mean side of a voxel. */
  readonly blur: number;
  readonly bottom: number;
}

/** How far a bend may move a point, millimeters. */
const BEND = 7;

type Bend = (u: number, v: number) => number;

/** Three smooth displacements, one per axis, each of two waves that depend on the other two axes. */
function bend(random: Random): readonly [Bend, Bend, Bend] {
  const one = (): Bend => {
    const waves = Array.from({ length: 2 }, () => ({
      a: random.uniform(-BEND / 2, BEND / 2),
      ku: (2 * Math.PI) / random.uniform(140, 300),
      kv: (2 * Math.PI) / random.uniform(140, 300),
      phase: random.uniform(0, 2 * Math.PI),
    }));
    return (u, v) => waves.reduce((sum, { a, ku, kv, phase }) => sum + a * Math.sin(ku * u + kv * v + phase), 0);
  };
  return [one(), one(), one()];
}

function blankCanvas(
  shape: Size3D,
  [bottom, top]: readonly [number, number],
  bends: readonly [Bend, Bend, Bend],
): Canvas {
  const [depth, height, width] = shape;
  const voxel: Size3D = [(top - bottom) / depth, (2 * FIELD.halfDepth) / height, (2 * FIELD.halfWidth) / width];
  const count = depth * height * width;
  const canvas: Canvas = {
    shape,
    voxel,
    intensity: new Float32Array(count).fill(AIR),
    labels: new Uint8Array(count),
    x: new Float32Array(count),
    y: new Float32Array(count),
    z: new Float32Array(count),
    cavity: new Float32Array(count),
    blur: Math.cbrt(voxel[0] * voxel[1] * voxel[2]),
    bottom,
  };
  const center = (k: number, axis: 0 | 1 | 2, from: number): number => from + (k + 0.5) * voxel[axis];
  // Each displacement depends on two axes only, so it is worked out once per plane.
  const dx = plane(height, depth, (j, k) => bends[0](center(j, 1, -FIELD.halfDepth), center(k, 0, bottom)));
  const dy = plane(width, depth, (i, k) => bends[1](center(i, 2, -FIELD.halfWidth), center(k, 0, bottom)));
  const dz = plane(width, height, (i, j) => bends[2](center(i, 2, -FIELD.halfWidth), center(j, 1, -FIELD.halfDepth)));
  for (let k = 0, at = 0; k < depth; k++) {
    const z = center(k, 0, bottom);
    for (let j = 0; j < height; j++) {
      const y = center(j, 1, -FIELD.halfDepth);
      const shift = dx[k * height + j] as number;
      for (let i = 0; i < width; i++, at++) {
        canvas.x[at] = center(i, 2, -FIELD.halfWidth) + shift;
        canvas.y[at] = y + (dy[k * width + i] as number);
        canvas.z[at] = z + (dz[j * width + i] as number);
      }
    }
  }
  return canvas;
}

function plane(columns: number, rows: number, value: (column: number, row: number) => number): Float32Array {
  const values = new Float32Array(columns * rows);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) values[at] = value(column, row);
  return values;
}

/** Skin, fat, the muscle wall with ribs in it, and the fat between the organs. */
function paintBody({ x, y, z, intensity, cavity, blur }: Canvas, { body, fat, wall }: Anatomy): void {
  const [halfWidth, halfDepth] = body;
  const mean = (halfWidth + halfDepth) / 2;
  const covered = (distance: number): number => Math.min(Math.max(0.5 - distance / blur, 0), 1);
  for (let at = 0; at < intensity.length; at++) {
    const [px, py, pz] = [x[at] as number, y[at] as number, z[at] as number];
    // Between an ellipse and a rectangle, as a lying body is: |x/a|^2.4 + |y/b|^2.4 = 1.
    const radius = (Math.abs(px / halfWidth) ** 2.4 + Math.abs(py / halfDepth) ** 2.4) ** (1 / 2.4);
    const distance = (radius - 1) * mean;
    let value = AIR;
    value = mix(value, SKIN, covered(distance));
    value = mix(value, FAT, covered(distance + 4));
    value = mix(value, MUSCLE, covered(distance + fat * mean));
    const inner = distance + (fat + wall) * mean;
    // Ribs fall from back to front. They lie in the wall above the waist.
    const slope = Math.cos((2 * Math.PI * (pz + 0.55 * py)) / 36);
    if (pz > 20 - 0.5 * py && slope > 0.35)
      value = mix(value, RIB, covered(Math.abs(distance + (fat + wall / 2) * mean) - 5));
    value = mix(value, FAT, covered(inner));
    cavity[at] = inner;
    intensity[at] = value;
  }
}

/** Paints a structure over what is there: mixed into voxels that it covers in part, labeled where it covers most. */
function paint(canvas: Canvas, { parts, intensity, inside, content }: Structure, label: number): void {
  const { shape, voxel, blur, bottom } = canvas;
  const [depth, height, width] = shape;
  const distances = parts.map((part) => (part.kind === "tube" ? tubeDistance(part) : ellipsoidDistance(part)));
  const box = bounds(parts, BEND + CAPSULE + blur);
  const range = (
    axis: 0 | 1 | 2,
    from: number,
    count: number,
    [low, high]: readonly [number, number],
  ): readonly [number, number] => [
    Math.max(0, Math.floor((low - from) / voxel[axis])),
    Math.min(count, Math.ceil((high - from) / voxel[axis])),
  ];
  const [k0, k1] = range(0, bottom, depth, box[2]);
  const [j0, j1] = range(1, -FIELD.halfDepth, height, box[1]);
  const [i0, i1] = range(2, -FIELD.halfWidth, width, box[0]);
  for (let k = k0; k < k1; k++) {
    for (let j = j0; j < j1; j++) {
      for (let at = (k * height + j) * width + i0, end = at + i1 - i0; at < end; at++) {
        let distance = Number.POSITIVE_INFINITY;
        for (const to of distances)
          distance = Math.min(distance, to(canvas.x[at] as number, canvas.y[at] as number, canvas.z[at] as number));
        if (inside) distance = Math.max(distance, canvas.cavity[at] as number);
        const shell = inside && !content ? CAPSULE : 0;
        if (distance - shell >= blur / 2) continue;
        const around = Math.min(0.5 - (distance - shell) / blur, 1);
        const part = Math.min(Math.max(0.5 - distance / blur, 0), 1);
        const before = mix(canvas.intensity[at] as number, FAT, shell > 0 ? around : 0);
        canvas.intensity[at] = mix(before, intensity, part);
        if (part >= 0.5 && !content) canvas.labels[at] = label;
      }
    }
  }
}

/** A value that moves from one to the other as `part` goes from 0 to 1. */
const mix = (from: number, to: number, part: number): number => from + (to - from) * part;

type Distance = (x: number, y: number, z: number) => number;

/** Distance to an ellipsoid's surface, exact on it and near it: (|p/r| − 1) · |p/r| / |p/r²|. */
function ellipsoidDistance({ center, radii, turn }: Ellipsoid): Distance {
  const [rx, ry, rz] = radii;
  const [ex, ey, ez] = [rotate([1, 0, 0], turn), rotate([0, 1, 0], turn), rotate([0, 0, 1], turn)];
  return (x, y, z) => {
    const [dx, dy, dz] = [x - center[0], y - center[1], z - center[2]];
    const a = (dx * ex[0] + dy * ex[1] + dz * ex[2]) / rx;
    const b = (dx * ey[0] + dy * ey[1] + dz * ey[2]) / ry;
    const c = (dx * ez[0] + dy * ez[1] + dz * ez[2]) / rz;
    const length = Math.sqrt(a * a + b * b + c * c);
    const gradient = Math.sqrt((a / rx) ** 2 + (b / ry) ** 2 + (c / rz) ** 2);
    return gradient === 0 ? -Math.min(rx, ry, rz) : ((length - 1) * length) / gradient;
  };
}

function tubeDistance({ points, radii }: Tube): Distance {
  return (x, y, z) => {
    let nearest = Number.POSITIVE_INFINITY;
    for (let s = 0; s + 1 < points.length; s++) {
      const [[ax, ay, az], [bx, by, bz]] = [points[s] ?? [0, 0, 0], points[s + 1] ?? [0, 0, 0]];
      const [ux, uy, uz] = [bx - ax, by - ay, bz - az];
      const along = ((x - ax) * ux + (y - ay) * uy + (z - az) * uz) / (ux * ux + uy * uy + uz * uz);
      const t = Math.min(Math.max(along, 0), 1);
      const radius = (radii[s] ?? 0) * (1 - t) + (radii[s + 1] ?? 0) * t;
      const [px, py, pz] = [x - ax - t * ux, y - ay - t * uy, z - az - t * uz];
      nearest = Math.min(nearest, Math.sqrt(px * px + py * py + pz * pz) - radius);
    }
    return nearest;
  };
}

/** The box around all parts, widened by `margin`: [low, high] along x, y and z. */
function bounds(parts: Parts, margin: number): readonly [[number, number], [number, number], [number, number]] {
  const box: [[number, number], [number, number], [number, number]] = [
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ];
  for (const part of parts) {
    const reach = Math.max(...part.radii) + margin;
    for (const point of part.kind === "tube" ? part.points : [part.center]) {
      for (const axis of [0, 1, 2] as const) {
        box[axis][0] = Math.min(box[axis][0], point[axis] - reach);
        box[axis][1] = Math.max(box[axis][1], point[axis] + reach);
      }
    }
  }
  return box;
}

/** Adds noise of which a part is shared between neighbors: white noise plus white noise averaged over 2×2×2 voxels. */
function addNoise(intensity: Float32Array, [depth, height, width]: Size3D, random: Random): void {
  const white = new Float32Array(intensity.length);
  for (let at = 0; at < white.length; at++) white[at] = random.normal();
  const own = NOISE * Math.sqrt(1 - SHARED);
  // The mean of eight values has an eighth of their variance.
  const shared = NOISE * Math.sqrt(SHARED * 8);
  const slice = height * width;
  for (let k = 0, at = 0; k < depth; k++) {
    const dk = k + 1 < depth ? slice : -slice;
    for (let j = 0; j < height; j++) {
      const dj = j + 1 < height ? width : -width;
      for (let i = 0; i < width; i++, at++) {
        const di = i + 1 < width ? 1 : -1;
        let sum = 0;
        for (const base of [at, at + dk, at + dj, at + dk + dj]) sum += (white[base] ?? 0) + (white[base + di] ?? 0);
        intensity[at] = Math.max(AIR, (intensity[at] as number) + shared * (sum / 8) + own * random.normal());
      }
    }
  }
}

/** RAS+, the middle of the volume at the origin. */
function affineOf([depth, height, width]: Size3D, [sz, sy, sx]: Size3D): Affine {
  const origin = (count: number, side: number): number => (-(count - 1) * side) / 2;
  return [sx, 0, 0, origin(width, sx), 0, sy, 0, origin(height, sy), 0, 0, sz, origin(depth, sz), 0, 0, 0, 1];
}
