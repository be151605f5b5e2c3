import type { Color } from "@plseg/core";
import { encode } from "fast-png";
import { stringToPaths } from "hershey";

/** Pixels in rows, red, green and blue of each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** Units of the font from its base line to the top of a capital. */
const CAPITAL = 21;
const BASE_LINE = -9;

/** A picture to draw on, of one color at first. Coordinates are pixels from the upper left corner. */
export class Canvas implements Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;

  constructor(width: number, height: number, background: Color) {
    this.width = width;
    this.height = height;
    this.data = new Uint8ClampedArray(3 * width * height);
    this.fill(0, 0, width, height, background);
  }

  /** A rectangle of one color. */
  fill(left: number, top: number, width: number, height: number, color: Color): void {
    for (let y = top; y < top + height; y++)
      for (let x = left; x < left + width; x++) this.data.set(color, 3 * (y * this.width + x));
  }

  /** Lays a picture on this one, which must hold it. */
  paste({ width, height, data }: Pixels, left: number, top: number): void {
    for (let y = 0; y < height; y++)
      this.data.set(data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((top + y) * this.width + left));
  }

  /** One line of text in capitals `size` pixels high whose base line is at `base`; what does not fit is cut off. */
  write(text: string, left: number, base: number, size: number, color: Color): void {
    const scale = size / CAPITAL;
    const radius = Math.max(0.55, size / 16); // of the pen
    const { bounds, paths } = stringToPaths(drawable(text));
    const coverage = new Map<number, number>();
    for (const path of paths) {
      const points = path.map(([x, y]) => [left + (x - bounds.minX) * scale, base - (y - BASE_LINE) * scale] as const);
      for (const [i, to] of points.entries()) this.stroke(points[Math.max(0, i - 1)] ?? to, to, radius, coverage);
    }
    for (const [pixel, share] of coverage)
      for (const channel of [0, 1, 2] as const) {
        const at = 3 * pixel + channel;
        this.data[at] = (this.data[at] as number) * (1 - share) + color[channel] * share;
      }
  }

  /** The bytes of a PNG. */
  png(): Uint8Array {
    return encode({ width: this.width, height: this.height, data: this.data, channels: 3, depth: 8 });
  }

  /** How much of each pixel a stroke covers, by its distance from the pixel's center. */
  private stroke([x0, y0]: Point, [x1, y1]: Point, radius: number, coverage: Map<number, number>): void {
    const [dx, dy] = [x1 - x0, y1 - y0];
    const squared = dx * dx + dy * dy || 1;
    const reach = radius + 0.5;
    for (let y = Math.floor(Math.min(y0, y1) - reach); y <= Math.max(y0, y1) + reach; y++)
      for (let x = Math.floor(Math.min(x0, x1) - reach); x <= Math.max(x0, x1) + reach; x++) {
        if (x < 0 || y < 0 || x >= this.width || y >= this.height) continue;
        const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
        const along = Math.min(Math.max((px * dx + py * dy) / squared, 0), 1);
        const share = Math.min(Math.max(reach - Math.hypot(px - along * dx, py - along * dy), 0), 1);
        const pixel = y * this.width + x;
        if (share > (coverage.get(pixel) ?? 0)) coverage.set(pixel, share);
      }
  }
}

type Point = readonly [x: number, y: number];

/** Pixels that a text is wide. */
export function textWidth(text: string, size: number): number {
  const { minX, maxX } = stringToPaths(drawable(text)).bounds;
  return Math.ceil(((maxX - minX) * size) / CAPITAL);
}

/** The font has ASCII alone: accents go, and what is left of others is a question mark. */
const drawable = (text: string): string =>
  text
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^\x20-\x7e]/g, "?");
