import { ClassSet, type Color, type LabelMap, spacingOf, type Volume } from "@plseg/core";
import type { BundleManifest } from "@plseg/runtime";
import { overlayPanel, type ViewPlane } from "../picture.js";
import { Canvas, textWidth } from "./canvas.js";
import type { OrganMeasure } from "./prediction-record.js";

/** What a preview shows. */
export interface PreviewPictureOptions {
  /** Written above it. */
  readonly title: string;
  /** Hounsfield units. */
  readonly image: Volume;
  /** Values in label maps, on the image's grid. */
  readonly map: LabelMap;
  /** Says what the values mean, and in which colors they are shown. */
  readonly manifest: BundleManifest;
  /** Every organ, for the legend. */
  readonly organs: readonly OrganMeasure[];
}

/** The longest side of the scan in pixels. */
const LONGEST = 420;
const MARGIN = 16;
const GAP = 10;
/** Above the panels, for title and names of planes. */
const HEAD = 58;
/** Height of capitals and of a line of the legend. */
const TEXT = { title: 12, small: 9, line: 20 } as const;
const SWATCH = 11;

const INK: Color = [232, 235, 239];
const FAINT: Color = [128, 136, 146];
const PAPER: Color = [20, 22, 26];

const PLANES: readonly { readonly plane: ViewPlane; readonly text: string }[] = [
  { plane: "axial", text: "axial, from the feet" },
  { plane: "coronal", text: "coronal, from the front" },
  { plane: "sagittal", text: "sagittal, from the left" },
];

/**
 * A PNG of a scan with its organs in three planes, each in the slice that shows the most of them, and a legend with their
 * volumes.
 */
export function previewPicture({ title, image, map, manifest, organs }: PreviewPictureOptions): Uint8Array {
  const classes = new ClassSet(manifest.classes.map(({ name }) => name));
  const colors = manifest.classes.map(({ color }) => color);
  const spacing = spacingOf(image.affine);
  const millimetersPerPixel = Math.max(...image.shape.map((size, axis) => size * (spacing[axis] ?? 1))) / LONGEST;
  const indices = toIndices(map, manifest);
  const panels = PLANES.map(({ plane, text }) => {
    return { text, ...overlayPanel({ image, map: indices, classes, colors, plane, millimetersPerPixel }) };
  });
  const legend = legendOf(organs, colors.slice(1), Math.max(...panels.map(({ height }) => height)));
  const width = 2 * MARGIN + panels.reduce((sum, panel) => sum + panel.width + GAP, 0) + legend.width;
  const height = HEAD + Math.max(legend.height, ...panels.map((panel) => panel.height)) + MARGIN;
  const canvas = new Canvas(Math.max(width, 2 * MARGIN + textWidth(title, TEXT.title)), height, PAPER);
  canvas.write(title, MARGIN, MARGIN + TEXT.title, TEXT.title, INK);
  let left = MARGIN;
  for (const panel of panels) {
    canvas.write(panel.text, left, HEAD - 8, TEXT.small, FAINT);
    canvas.paste(panel, left, HEAD);
    left += panel.width + GAP;
  }
  legend.draw(canvas, left + GAP, HEAD);
  return canvas.png();
}

/** Values in label maps back to class indices. */
function toIndices(map: LabelMap, { classes }: BundleManifest): LabelMap {
  const indexOf = new Map(classes.map(({ labelValue }, index) => [labelValue, index]));
  return { ...map, data: map.data.map((value) => indexOf.get(value) ?? 0) as LabelMap["data"] };
}

interface Legend {
  readonly width: number;
  readonly height: number;
  draw(canvas: Canvas, left: number, top: number): void;
}

/** Color, name and volume of each organ, in as many columns as the height asks for; what was not found is faint. */
function legendOf(organs: readonly OrganMeasure[], colors: readonly Color[], height: number): Legend {
  const lines = Math.max(1, Math.floor(height / TEXT.line));
  const names = Math.max(...organs.map(({ organ }) => textWidth(organ, TEXT.small)));
  const volumes = Math.max(...organs.map((organ) => textWidth(volumeText(organ), TEXT.small)));
  const column = SWATCH + 8 + names + 14 + volumes;
  const columns = Math.ceil(organs.length / lines);
  return {
    width: GAP + columns * (column + 2 * GAP) - 2 * GAP,
    height: Math.min(organs.length, lines) * TEXT.line,
    draw(canvas, left, top) {
      for (const [i, organ] of organs.entries()) {
        const x = left + Math.floor(i / lines) * (column + 2 * GAP);
        const y = top + (i % lines) * TEXT.line;
        const found = organ.voxels > 0;
        const text = volumeText(organ);
        if (found) canvas.fill(x, y + 4, SWATCH, SWATCH, colors[i] ?? INK);
        canvas.write(organ.organ, x + SWATCH + 8, y + 14, TEXT.small, found ? INK : FAINT);
        canvas.write(text, x + column - textWidth(text, TEXT.small), y + 14, TEXT.small, found ? INK : FAINT);
      }
    },
  };
}

function volumeText({ voxels, milliliters }: OrganMeasure): string {
  if (voxels === 0) return "not found";
  return `${milliliters >= 100 ? milliliters.toFixed(0) : milliliters.toPrecision(3)} ml`;
}
