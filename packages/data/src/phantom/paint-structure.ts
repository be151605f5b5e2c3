import { type Canvas, covered, mix, voxelsWithin } from "./canvas.js";
import { FAT } from "./paint-body.js";
import { boundsOf, type Ellipsoid, type Point, type Range, rotate } from "./shapes.js";
import type { Lumen, Structure } from "./structure.js";

const GAS = -900;

/** Paints a structure over what is there: mixed into voxels that it covers in part, labeled where it covers most. */
export function paintStructure(canvas: Canvas, structure: Structure, label: number): void {
  const { parts, intensity, inside, capsule, lumen, content } = structure;
  const { shape, blur, distance, cavity, labels } = canvas;
  const boxes = parts.flatMap((part) => {
    if (part.kind === "ellipsoid") return [ellipsoidDistance(canvas, part, capsule + blur)];
    return part.points.slice(1).map((end, i) => {
      const ends: readonly [Point, Point] = [part.points[i] as Point, end];
      return segmentDistance(canvas, ends, [part.radii[i] as number, part.radii[i + 1] as number], capsule + blur);
    });
  });
  const [[k0, k1], [j0, j1], [i0, i1]] = union(boxes);
  const fill = lumen && filler(canvas, lumen, parts[0]?.kind === "tube" ? (parts[0].points[0] as Point) : [0, 0, 0]);
  for (let k = k0; k < k1; k++)
    for (let j = j0; j < j1; j++)
      for (let at = (k * shape[1] + j) * shape[2] + i0, end = at + i1 - i0; at < end; at++) {
        const solid = distance[at] as number;
        if (solid === Number.POSITIVE_INFINITY) continue;
        distance[at] = Number.POSITIVE_INFINITY;
        // The peritoneum and a little fat part an organ from the wall.
        const from = inside ? Math.max(solid, (cavity[at] as number) + 2) : solid;
        if (from - capsule >= blur / 2) continue;
        const part = covered(from, blur);
        const around = capsule > 0 ? covered(from - capsule, blur) : 0;
        const value = mix(canvas.intensity[at] as number, FAT, around);
        const own = fill ? mix(intensity, fill(at), covered(from + (lumen?.wall ?? 0), blur)) : intensity;
        canvas.intensity[at] = mix(value, own, part);
        if (part >= 0.5) labels[at] = content ? (labels[at] as number) : label;
        else if (around >= 0.5) labels[at] = 0;
      }
}

/** Contents of a hollow organ: fluid with gas above its level, or stool with pockets of gas. */
function filler({ x, y, z, blur }: Canvas, lumen: Lumen, [a, b, c]: Point): (at: number) => number {
  const { intensity, gasAbove, pockets } = lumen;
  return (at) => {
    const [px, py, pz] = [x[at] as number, y[at] as number, z[at] as number];
    if (gasAbove !== undefined) return mix(intensity, GAS, covered(gasAbove - py, blur));
    if (pockets === undefined) return intensity;
    const lumps = Math.sin(px / 11 + a) + Math.sin(py / 10 + b) + Math.sin(pz / 13 + c);
    const grains = pockets > -1 ? 45 * Math.sin(px / 2.6 + b) * Math.sin(py / 3.1 + c) * Math.sin(pz / 2.8 + a) : 0;
    return mix(intensity + grains, GAS, covered((lumps - pockets) * 6, blur));
  };
}

type Box = readonly [Range, Range, Range];

/** Lowers the distances to those to an ellipsoid, exact on its surface and near it: (|p/r| − 1) · |p/r| / |p/r²|. */
function ellipsoidDistance(canvas: Canvas, part: Ellipsoid, margin: number): Box {
  const { x, y, z, shape, distance } = canvas;
  const { center, radii, turn } = part;
  const [rx, ry, rz] = radii;
  const [ex, ey, ez] = [rotate([1, 0, 0], turn), rotate([0, 1, 0], turn), rotate([0, 0, 1], turn)];
  const box = voxelsWithin(canvas, boundsOf(part, margin));
  const [[k0, k1], [j0, j1], [i0, i1]] = box;
  for (let k = k0; k < k1; k++)
    for (let j = j0; j < j1; j++)
      for (let at = (k * shape[1] + j) * shape[2] + i0, end = at + i1 - i0; at < end; at++) {
        const dx = (x[at] as number) - center[0];
        const dy = (y[at] as number) - center[1];
        const dz = (z[at] as number) - center[2];
        const a = (dx * ex[0] + dy * ex[1] + dz * ex[2]) / rx;
        const b = (dx * ey[0] + dy * ey[1] + dz * ey[2]) / ry;
        const c = (dx * ez[0] + dy * ez[1] + dz * ez[2]) / rz;
        const length = Math.sqrt(a * a + b * b + c * c);
        const slope = Math.sqrt((a / rx) ** 2 + (b / ry) ** 2 + (c / rz) ** 2);
        const to = slope === 0 ? -Math.min(rx, ry, rz) : ((length - 1) * length) / slope;
        if (to < (distance[at] as number) && to < margin) distance[at] = to;
      }
  return box;
}

/** Lowers the distances to those to a piece of tube with a radius at either end. */
function segmentDistance(
  canvas: Canvas,
  [from, to]: readonly [Point, Point],
  radii: readonly [number, number],
  margin: number,
): Box {
  const { x, y, z, shape, distance } = canvas;
  const [ux, uy, uz] = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
  const square = ux * ux + uy * uy + uz * uz;
  const box = voxelsWithin(canvas, boundsOf({ kind: "tube", points: [from, to], radii }, margin));
  const [[k0, k1], [j0, j1], [i0, i1]] = box;
  for (let k = k0; k < k1; k++)
    for (let j = j0; j < j1; j++)
      for (let at = (k * shape[1] + j) * shape[2] + i0, end = at + i1 - i0; at < end; at++) {
        const dx = (x[at] as number) - from[0];
        const dy = (y[at] as number) - from[1];
        const dz = (z[at] as number) - from[2];
        const along = (dx * ux + dy * uy + dz * uz) / square;
        const t = along < 0 ? 0 : Math.min(along, 1);
        const [px, py, pz] = [dx - t * ux, dy - t * uy, dz - t * uz];
        const surface = Math.sqrt(px * px + py * py + pz * pz) - mix(radii[0], radii[1], t);
        if (surface < (distance[at] as number) && surface < margin) distance[at] = surface;
      }
  return box;
}

function union(boxes: readonly Box[]): Box {
  const along = (axis: 0 | 1 | 2): Range => [
    Math.min(...boxes.map((box) => box[axis][0])),
    Math.max(...boxes.map((box) => box[axis][1])),
  ];
  return [along(0), along(1), along(2)];
}
