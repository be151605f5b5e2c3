// Sections of volumes side by side in one PNG.

import { classColor } from "@plseg/core";
import { encode } from "fast-png";

/** Soft tissue, Hounsfield units: level 40, width 400. */
const WINDOW = { lowest: -160, width: 400 };
const GAP = 4;

/**
 * A section of a RAS+ volume as radiologists see it, the patient's right on the left.
 *
 * @param {{ data: ArrayLike<number>, shape: readonly number[] }} image - Hounsfield units.
 * @param {"axial" | "coronal"} plane - Axial from the feet, coronal from the front.
 * @param {number} index - Slice from the feet, or row from the back.
 * @param {{ data: ArrayLike<number> } | undefined} labels - Class indices, laid over in color.
 */
export function section({ data, shape: [depth, height, width] }, plane, index, labels) {
  const rows = plane === "axial" ? height : depth;
  const pixels = [];
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < width; column++) {
      const [k, j] = plane === "axial" ? [index, rows - 1 - row] : [rows - 1 - row, index];
      const at = (k * height + j) * width + width - 1 - column;
      const level = Math.min(Math.max((data[at] - WINDOW.lowest) / WINDOW.width, 0), 1);
      // 64 levels of gray are enough to see, and keep the file small.
      const gray = Math.round(level * 63) * (255 / 63);
      const label = labels?.data[at] ?? 0;
      const color = label === 0 ? [gray, gray, gray] : classColor(label).map((c) => Math.round((c + gray) / 2 / 8) * 8);
      pixels.push(...color);
    }
  return { width, height: rows, pixels };
}

/** Rows of sections in one PNG, each pixel `zoom` pixels wide. */
export function contactSheet(rows, zoom) {
  const rowHeights = rows.map((row) => Math.max(...row.map((panel) => panel.height)) * zoom + GAP);
  const widths = rows.map((row) => row.reduce((sum, panel) => sum + panel.width * zoom + GAP, 0));
  const [width, height] = [Math.max(...widths) - GAP, rowHeights.reduce((sum, h) => sum + h, 0) - GAP];
  const data = new Uint8Array(width * height * 3);
  let top = 0;
  for (const [r, row] of rows.entries()) {
    let left = 0;
    for (const panel of row) {
      for (let y = 0; y < panel.height * zoom; y++)
        for (let x = 0; x < panel.width * zoom; x++) {
          const from = (Math.floor(y / zoom) * panel.width + Math.floor(x / zoom)) * 3;
          for (let channel = 0; channel < 3; channel++)
            data[((top + y) * width + left + x) * 3 + channel] = panel.pixels[from + channel];
        }
      left += panel.width * zoom + GAP;
    }
    top += rowHeights[r];
  }
  return encode({ width, height, data, channels: 3, depth: 8 });
}
