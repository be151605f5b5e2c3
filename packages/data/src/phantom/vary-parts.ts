import type { Random } from "@plseg/core";
import { type Ellipsoid, ellipsoid, type Parts, type Point, rotate, type Tube, tube } from "./shapes.js";
import type { Lumen, Vary } from "./structure.js";

/** Puts the level of a fluid into the moved organ: `gasAbove` counts from the organ's middle. */
export function levelIn(lumen: Lumen, parts: Parts): Lumen {
  if (lumen.gasAbove === undefined) return lumen;
  const points = parts.flatMap((part) => (part.kind === "tube" ? part.points : [part.center]));
  return { ...lumen, gasAbove: lumen.gasAbove + points.reduce((sum, [, y]) => sum + y, 0) / points.length };
}

/** Groups of parts together shifted, scaled and turned about the first group's center by random amounts. */
export function varyParts(
  groups: readonly Parts[],
  vary: Vary,
  { size: person, variety }: { readonly size: number; readonly variety: number },
  random: Random,
): readonly Parts[] {
  const [shift, size, turn] = [vary.shift ?? 5, vary.size ?? 0.12, vary.turn ?? 0.14].map((most) => most * variety) as [
    number,
    number,
    number,
  ];
  const points = (groups[0] ?? []).flatMap((part) => (part.kind === "tube" ? part.points : [part.center]));
  const mean = ([0, 1, 2] as const).map((axis) => points.reduce((sum, p) => sum + p[axis], 0) / points.length);
  const [mx = 0, my = 0, mz = 0] = mean;
  const by = (): number => random.normal(0, shift);
  const moved: Point = [mx * person + by(), my * person + by(), mz * person + by()];
  const grown = (): number => person * random.uniform(1 - size, 1 + size);
  const factor: Point = [grown(), grown(), grown()];
  const width = Math.cbrt(factor[0] * factor[1] * factor[2]);
  const angles: Point = [random.uniform(-turn, turn), random.uniform(-turn, turn), random.uniform(-turn, turn)];
  const place = ([x, y, z]: Point): Point => {
    const [tx, ty, tz] = rotate([(x - mx) * factor[0], (y - my) * factor[1], (z - mz) * factor[2]], angles);
    return [tx + moved[0], ty + moved[1], tz + moved[2]];
  };
  const move = (part: Ellipsoid | Tube): Ellipsoid | Tube => {
    if (part.kind === "tube")
      return tube(
        part.radii.map((r) => r * width),
        ...part.points.map(place),
      );
    const [rx, ry, rz] = part.radii;
    const [ax, ay, az] = part.turn;
    return ellipsoid(
      place(part.center),
      [rx * factor[0], ry * factor[1], rz * factor[2]],
      [ax + angles[0], ay + angles[1], az + angles[2]],
    );
  };
  return groups.map((parts) => parts.map(move));
}
