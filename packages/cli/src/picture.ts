import {
  type ClassSet,
  type Color,
  ConfigError,
  checkSameShape,
  classColor,
  DataError,
  type LabelMap,
  type Size3D,
  spacingOf,
  type Volume,
  type VoxelArray,
} from "@plseg/core";
import { encode } from "fast-png";

/** What `overlayPicture` shows. */
export interface OverlayPictureOptions {
  /** Hounsfield units. */
  readonly image: Volume<VoxelArray>;
  /** Class indices; drawn in a panel of its own. */
  readonly reference?: LabelMap | undefined;
  /** Class indices; drawn in a panel of its own. */
  readonly prediction?: LabelMap | undefined;
  /** What the indices mean; each class has its own color. */
  readonly classes: ClassSet;
  /** Seen from the feet, or from the front. Default: `"axial"`. */
  readonly plane?: "axial" | "coronal";
  /** Whether the image is also shown without a map on it. Default: `true`. */
  readonly plain?: boolean;
  /**
   * A slice by its index, the one with the most labeled voxels, or the one that shows the most organs, each as large
   * as it gets. Default: `"largest"`.
   */
  readonly slice?: "largest" | "richest" | number;
}

/** Soft tissue of the abdomen, in Hounsfield units. */
const WINDOW = { level: 40, width: 400 } as const;
/** A panel is enlarged by the smallest whole number that makes its longer side this long, in pixels. */
const PANEL_SIDE = 256;
/** Pixels between panels, and their color. */
const GAP = 6;
const GAP_COLOR: Color = [38, 42, 48];
/** How much of a region's color is seen inside it and on its outline. */
const FILL = 0.38;
const OUTLINE = 0.95;
/** Regions are drawn at this many times the resolution, and averaged. */
const SUPERSAMPLING = 3;
/** Width of an outline in supersampled pixels. */
const OUTLINE_WIDTH = 5;

/**
 * A PNG of one slice: the image, the same with the reference laid over it, and with the prediction.
 *
 * Seen as radiologists see it: the patient's right is on the left, the front (axial) or the head (coronal) is up, whatever
 * the order of the voxels. Pixels are square millimeters. Soft-tissue window (level 40, width 400 HU). Colors by `classColor`.
 *
 * @returns The bytes of the PNG.
 * @throws ShapeError if a label map has another shape than the image. @throws DataError if it holds a label that is no
 * class. @throws ConfigError if there is no such slice.
 */
export function overlayPicture({
  image,
  reference,
  prediction,
  classes,
  slice = "largest",
  plane: view = "axial",
  plain = true,
}: OverlayPictureOptions): Uint8Array {
  const maps = [reference, prediction].filter((map) => map !== undefined);
  if (reference) checkSameShape("overlayPicture", ["reference", reference.shape], ["image", image.shape]);
  if (prediction) checkSameShape("overlayPicture", ["prediction", prediction.shape], ["image", image.shape]);
  const plane = picturePlane(image, view, (axis) => {
    if (slice === "largest") return largestSlice(maps, axis);
    return slice === "richest" ? richestSlice(maps[0], axis) : slice;
  });
  const gray = drawImage(image, plane);
  const panels = [
    ...(plain || maps.length === 0 ? [gray] : []),
    ...maps.map((map) => overlay(gray, drawLabels(map, plane, SUPERSAMPLING, classes), plane)),
  ];
  return encode({ ...sideBySide(panels, plane), channels: 3, depth: 8 });
}

/** A slice in a direction of its own, as {@link overlayPanel} shows it. */
export interface OverlayPanelOptions {
  /** Hounsfield units. */
  readonly image: Volume<VoxelArray>;
  /** Class indices. */
  readonly map: LabelMap;
  readonly classes: ClassSet;
  /** Of each class. */
  readonly colors: readonly Color[];
  /** Seen from the feet, from the front, or from the patient's left with the front on the left. */
  readonly plane: ViewPlane;
  /** Side of a pixel. */
  readonly millimetersPerPixel: number;
}

/**
 * The slice of a scan that shows the most organs, each as large as it gets, with them laid over it, as {@link overlayPicture}
 * draws it; red, green and blue of each pixel.
 */
export function overlayPanel({ image, map, classes, colors, plane: view, millimetersPerPixel }: OverlayPanelOptions): {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
} {
  const plane = picturePlane(image, view, (axis) => richestSlice(map, axis), millimetersPerPixel);
  const labels = drawLabels(map, plane, SUPERSAMPLING, classes);
  const data = overlay(drawImage(image, plane), labels, plane, (label) => colors[label] ?? classColor(label));
  return { width: plane.columns.pixels, height: plane.rows.pixels, data };
}

/** The direction in which a slice lies. */
export type ViewPlane = "axial" | "coronal" | "sagittal";

/** One voxel axis of a picture: how far its voxels lie apart, in the array and in pixels, and in which direction. */
interface PictureAxis {
  readonly length: number;
  readonly stride: number;
  /** Whether the first voxel is at the right or the bottom of the picture. */
  readonly flipped: boolean;
  /** Pixels per voxel. */
  readonly zoom: number;
  readonly pixels: number;
}

/** Where a slice lies in the array, and its axes. */
interface PicturePlane {
  readonly offset: number;
  readonly columns: PictureAxis;
  readonly rows: PictureAxis;
}

/** The axis along which slices are chosen. */
interface SliceAxis {
  readonly length: number;
  readonly stride: number;
}

function picturePlane(
  { shape, affine }: Volume<VoxelArray>,
  view: ViewPlane,
  choose: (axis: SliceAxis) => number,
  millimetersPerPixel?: number,
): PicturePlane {
  const spacing = spacingOf(affine);
  const [leftRight, backFront, feetHead] = patientAxes(affine, spacing);
  // voxel axes and the patient's: x to the right, y to the front, z to the head
  const [x, y, z] = [[leftRight, 0] as const, [backFront, 1] as const, [feetHead, 2] as const];
  const [across, down, [through]] = { axial: [x, y, z], coronal: [x, z, y], sagittal: [y, z, x] }[view] as [
    ViewAxis,
    ViewAxis,
    ViewAxis,
  ];
  const strides: Size3D = [shape[1] * shape[2], shape[2], 1];
  const stack: SliceAxis = { length: shape[through], stride: strides[through] };
  const index = choose(stack);
  if (!(Number.isInteger(index) && index >= 0 && index < stack.length))
    throw new ConfigError(`overlayPicture: slice must be 0 to ${stack.length - 1}, got ${index}.`);
  const finest = Math.min(spacing[across[0]], spacing[down[0]]);
  const longest = Math.max(shape[across[0]] * spacing[across[0]], shape[down[0]] * spacing[down[0]]);
  const side = millimetersPerPixel ?? finest / Math.ceil(PANEL_SIDE / (longest / finest));
  const pictureAxis = ([axis, world]: ViewAxis): PictureAxis => {
    const zoom = spacing[axis] / side;
    // The picture begins at the patient's right, and at the front or the head, where x, y and z are largest.
    const flipped = (affine[4 * world + 2 - axis] ?? 0) > 0;
    const pixels = Math.max(1, Math.round(shape[axis] * zoom));
    return { length: shape[axis], stride: strides[axis], flipped, zoom, pixels };
  };
  return { offset: index * stack.stride, columns: pictureAxis(across), rows: pictureAxis(down) };
}

/** An axis of the array, and the patient's that it runs along. */
type ViewAxis = readonly [axis: 0 | 1 | 2, world: 0 | 1 | 2];

type AxisOrder = readonly [leftRight: 0 | 1 | 2, backFront: 0 | 1 | 2, feetHead: 0 | 1 | 2];

/** Which axis of the array runs most nearly left to right, back to front and feet to head. */
function patientAxes(affine: Volume["affine"], spacing: Size3D): AxisOrder {
  const orders: readonly AxisOrder[] = [
    [2, 1, 0],
    [1, 2, 0],
    [2, 0, 1],
    [0, 2, 1],
    [1, 0, 2],
    [0, 1, 2],
  ];
  const alignment = (order: AxisOrder): number =>
    order.reduce<number>((sum, axis, world) => sum + Math.abs(affine[4 * world + 2 - axis] ?? 0) / spacing[axis], 0);
  return orders.reduce((best, order) => (alignment(order) > alignment(best) ? order : best));
}

/** The slice with the most labeled voxels in all maps together; the middle one if none is labeled. */
function largestSlice(maps: readonly LabelMap[], { length, stride }: SliceAxis): number {
  const labeled = new Float64Array(length);
  for (const { data } of maps)
    for (let v = 0; v < data.length; v++)
      if (data[v]) {
        const slice = Math.floor(v / stride) % length;
        labeled[slice] = (labeled[slice] as number) + 1;
      }
  const most = Math.max(...labeled);
  return most > 0 ? labeled.indexOf(most) : length >> 1;
}

/**
 * The slice with the largest sum over organs of the part that the slice shows of an organ's largest cut: a few stray voxels
 * of a large organ count little. The middle one if nothing is labeled.
 */
function richestSlice(map: LabelMap | undefined, { length, stride }: SliceAxis): number {
  const areas = new Map<number, Float64Array>();
  const labels = map?.data ?? new Uint8Array(0);
  for (let v = 0; v < labels.length; v++) {
    const label = labels[v] as number;
    if (label === 0) continue;
    const area = areas.get(label) ?? new Float64Array(length);
    areas.set(label, area);
    const slice = Math.floor(v / stride) % length;
    area[slice] = (area[slice] as number) + 1;
  }
  const shown = new Float64Array(length);
  for (const area of areas.values()) {
    const largest = Math.max(...area);
    for (let slice = 0; slice < length; slice++)
      shown[slice] = (shown[slice] as number) + (area[slice] as number) / largest;
  }
  return areas.size > 0 ? shown.indexOf(Math.max(...shown)) : length >> 1;
}

/** Where a pixel lies between voxels: four voxels' places in the array along an axis, and how far past the second. */
interface Sample {
  readonly places: readonly [number, number, number, number];
  readonly past: number;
}

/** Where the pixels of an axis lie, at `detail` times its resolution. */
function samples({ length, stride, flipped, zoom, pixels }: PictureAxis, detail: number): Sample[] {
  return Array.from({ length: pixels * detail }, (_, pixel) => {
    const along = (pixel + 0.5) / (zoom * detail) - 0.5;
    const position = Math.min(Math.max(flipped ? length - 1 - along : along, 0), length - 1);
    const base = Math.floor(position);
    const place = (step: number): number => Math.min(Math.max(base + step, 0), length - 1) * stride;
    return { places: [place(-1), place(0), place(1), place(2)], past: position - base };
  });
}

/** The image in gray levels, 0 to 255, interpolated with Catmull and Rom's cubic. */
function drawImage({ data }: Volume<VoxelArray>, { offset, columns, rows }: PicturePlane): Uint8ClampedArray {
  const gray = new Uint8ClampedArray(columns.pixels * rows.pixels);
  const lowest = WINDOW.level - WINDOW.width / 2;
  const level = (place: number): number => Math.min(Math.max(((data[place] as number) - lowest) / WINDOW.width, 0), 1);
  const across = samples(columns, 1);
  const along = (row: number, { places: [a, b, c, d], past }: Sample): number =>
    cubic(level(row + a), level(row + b), level(row + c), level(row + d), past);
  let pixel = 0;
  for (const { places, past } of samples(rows, 1)) {
    const [a, b, c, d] = [offset + places[0], offset + places[1], offset + places[2], offset + places[3]];
    for (const sample of across)
      gray[pixel++] = 255 * cubic(along(a, sample), along(b, sample), along(c, sample), along(d, sample), past);
  }
  return gray;
}

/** Catmull and Rom's cubic through four values, between the second and the third. */
function cubic(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/** The label of each pixel at `detail` times the resolution: of its four nearest voxels' labels the heaviest. */
function drawLabels(
  { data }: LabelMap,
  { offset, columns, rows }: PicturePlane,
  detail: number,
  classes: ClassSet,
): Uint16Array {
  const labels = new Uint16Array(columns.pixels * rows.pixels * detail * detail);
  const across = samples(columns, detail);
  const [lefts, rights] = [1, 2].map((i) => Int32Array.from(across, ({ places }) => places[i as 1 | 2])) as [
    Int32Array,
    Int32Array,
  ];
  let pixel = 0;
  for (const { places, past: down } of samples(rows, detail)) {
    const [upper, lower] = [offset + places[1], offset + places[2]];
    for (let x = 0; x < across.length; x++) {
      const [left, right] = [lefts[x] as number, rights[x] as number];
      const a = data[upper + left] as number;
      const b = data[upper + right] as number;
      const c = data[lower + left] as number;
      const d = data[lower + right] as number;
      if (a === b && a === c && a === d) labels[pixel++] = a;
      else {
        const { past } = across[x] as Sample;
        const weights = [(1 - past) * (1 - down), past * (1 - down), (1 - past) * down, past * down];
        labels[pixel++] = heaviest([a, b, c, d], weights);
      }
    }
  }
  const stranger = labels.find((label) => label >= classes.size);
  if (stranger !== undefined)
    throw new DataError(
      `overlayPicture: a label map holds the label ${stranger}, but the classes are 0 to ${classes.size - 1} (${classes.names.join(", ")}).`,
    );
  return labels;
}

/** The label that weighs most in sum. */
function heaviest(labels: readonly number[], weights: readonly number[]): number {
  let [best, most] = [labels[0] as number, -1];
  for (const label of labels) {
    const weight = weights.reduce((sum, w, i) => (labels[i] === label ? sum + w : sum), 0);
    if (weight > most) [best, most] = [label, weight];
  }
  return best;
}

/** Gray levels with half-transparent, outlined regions on them; red, green and blue of each pixel. */
function overlay(
  gray: Uint8ClampedArray,
  labels: Uint16Array,
  { columns, rows }: PicturePlane,
  colorOf: (label: number) => Color = classColor,
): Uint8ClampedArray {
  const colors = new Uint8ClampedArray(3 * gray.length);
  const width = columns.pixels * SUPERSAMPLING;
  const height = rows.pixels * SUPERSAMPLING;
  for (let y = 0; y < rows.pixels; y++)
    for (let x = 0; x < columns.pixels; x++) {
      const pixel = y * columns.pixels + x;
      const level = gray[pixel] as number;
      let [red, green, blue] = [0, 0, 0];
      for (let sy = y * SUPERSAMPLING; sy < (y + 1) * SUPERSAMPLING; sy++)
        for (let sx = x * SUPERSAMPLING; sx < (x + 1) * SUPERSAMPLING; sx++) {
          const label = labels[sy * width + sx] as number;
          if (label === 0) {
            red += level;
            green += level;
            blue += level;
            continue;
          }
          const opacity = atOutline(labels, width, height, sx, sy) ? OUTLINE : FILL;
          const color = colorOf(label);
          red += opacity * color[0] + (1 - opacity) * level;
          green += opacity * color[1] + (1 - opacity) * level;
          blue += opacity * color[2] + (1 - opacity) * level;
        }
      colors[3 * pixel] = red / SUPERSAMPLING ** 2;
      colors[3 * pixel + 1] = green / SUPERSAMPLING ** 2;
      colors[3 * pixel + 2] = blue / SUPERSAMPLING ** 2;
    }
  return colors;
}

/** Steps to the pixels on two circles within the outline's width: x and y by turns. */
const OUTLINE_STEPS = Int32Array.from(
  [OUTLINE_WIDTH, OUTLINE_WIDTH / 2].flatMap((reach) =>
    Array.from({ length: 8 }, (_, i) => (i * Math.PI) / 4).flatMap((angle) => [
      Math.round(reach * Math.cos(angle)),
      Math.round(reach * Math.sin(angle)),
    ]),
  ),
);

/** Whether another label lies within the outline's width. */
function atOutline(labels: Uint16Array, width: number, height: number, x: number, y: number): boolean {
  const label = labels[y * width + x];
  for (let i = 0; i < OUTLINE_STEPS.length; i += 2) {
    const nx = x + (OUTLINE_STEPS[i] as number);
    const ny = y + (OUTLINE_STEPS[i + 1] as number);
    if (nx >= 0 && nx < width && ny >= 0 && ny < height && labels[ny * width + nx] !== label) return true;
  }
  return false;
}

/** Panels of gray levels or colors in one row. */
function sideBySide(
  panels: readonly Uint8ClampedArray[],
  { columns, rows }: PicturePlane,
): { width: number; height: number; data: Uint8Array } {
  const [panelWidth, height] = [columns.pixels, rows.pixels];
  const width = panels.length * (panelWidth + GAP) - GAP;
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < data.length; i++) data[i] = GAP_COLOR[(i % 3) as 0 | 1 | 2];
  for (const [index, panel] of panels.entries()) {
    const channels = panel.length / (panelWidth * height);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < panelWidth; x++)
        for (const channel of [0, 1, 2])
          data[3 * (y * width + index * (panelWidth + GAP) + x) + channel] = panel[
            channels * (y * panelWidth + x) + (channels === 3 ? channel : 0)
          ] as number;
  }
  return { width, height, data };
}
