import { type Canvas, covered, mix } from "./canvas.js";
import type { Contrast } from "./contrast-phase.js";
import type { Ellipsoid } from "./shapes.js";
import type { Body } from "./structure.js";

const AIR = -1000;
const LUNG = -830;
const SKIN = 10;
export const FAT = -100;

/** Air, skin, fat, the muscle wall with ribs in it, diaphragm and lungs, and the fat between the organs. */
export function paintBody(
  canvas: Canvas,
  { cavity: [halfWidth, halfDepth], wall, fat, domes }: Body,
  contrast: Contrast,
): void {
  const { x, y, z, intensity, cavity, blur } = canvas;
  const mean = (halfWidth + halfDepth) / 2;
  const outer = [halfWidth + wall + fat, halfDepth + wall + fat] as const;
  for (let at = 0; at < intensity.length; at++) {
    const [px, py, pz] = [x[at] as number, y[at] as number, z[at] as number];
    // The waist is narrower than hips and chest.
    const waist = 1 - 0.05 * Math.exp(-(((pz + 20) / 50) ** 2));
    const skin = (rounded(px / (outer[0] * waist), py / outer[1]) - 1) * mean;
    let value = mix(AIR, SKIN, covered(skin, blur));
    value = mix(value, FAT, covered(skin + 2.5, blur));
    value = mix(value, contrast.muscle, covered(skin + fat, blur));
    // Towards the hips the cavity narrows to the pelvis; muscles fill the rest.
    const low = Math.min(Math.max((-75 - pz) / 95, 0), 1);
    const inner =
      (rounded(px / (halfWidth * waist * (1 - 0.5 * low)), (py - 5 - 4 * low) / (halfDepth * (1 - 0.32 * low))) - 1) *
      mean;
    // Ribs fall from back to front, and leave the front of the belly open.
    if (pz > 8 + 0.75 * Math.max(py, -40) && Math.cos((2 * Math.PI * (pz + 0.55 * py)) / 34) > 0.3)
      value = mix(value, contrast.marrow + 130, covered(Math.abs(inner - wall / 2) - 4, blur));
    const dome = pz > 0 ? above(domes, px, py, pz) : -100;
    value = mix(value, FAT, covered(inner, blur));
    value = mix(value, contrast.muscle, Math.min(covered(inner, blur), covered(-dome, blur)));
    value = mix(value, LUNG, Math.min(covered(inner + 2, blur), covered(4 - dome, blur)));
    cavity[at] = Math.max(inner, dome);
    intensity[at] = value;
  }
}

/** 1 on an outline between an ellipse and a rectangle, as a lying body is: flatter on the back than in front. */
function rounded(u: number, v: number): number {
  const [uu, vv] = [u * u, v * v];
  const square = v < 0 ? 0.45 : 0.22;
  return (1 - square) * Math.sqrt(uu + vv) + square * Math.sqrt(Math.sqrt(uu * uu + vv * vv));
}

/** Distance to the nearest dome, nearly; negative below the diaphragm. */
function above(domes: readonly Ellipsoid[], x: number, y: number, z: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const { center, radii } of domes) {
    const rise = Math.max(0, (z - center[2]) / radii[2]);
    const radius = Math.sqrt(((x - center[0]) / radii[0]) ** 2 + ((y - center[1]) / radii[1]) ** 2 + rise ** 2);
    nearest = Math.min(nearest, (radius - 1) * radii[2]);
  }
  return nearest;
}
