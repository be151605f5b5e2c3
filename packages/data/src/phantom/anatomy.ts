import { Random } from "@plseg/core";
import { type Contrast, drawContrast } from "./contrast-phase.js";
import { drawBones } from "./draw-bones.js";
import { drawBowel } from "./draw-bowel.js";
import { drawOrgans } from "./draw-organs.js";
import { drawVessels } from "./draw-vessels.js";
import { type Ellipsoid, ellipsoid, type Parts, type Point, rotate, type Tube, tube } from "./shapes.js";

/** What is inside an organ with a wall. */
export interface Lumen {
  /** Thickness of the wall, millimeters. */
  readonly wall: number;
  /** Hounsfield units of the contents. */
  readonly intensity: number;
  /** Gas lies above this place, millimeters to the front. */
  readonly gasAbove?: number;
  /** Which part of the contents is pockets of gas, from −3 (none) to 3 (all). */
  readonly pockets?: number;
}

/** One structure: the union of its parts. */
export interface Structure {
  /** Which organ it is, or belongs to. Structures that no class set names are background. */
  readonly name: string;
  readonly parts: Parts;
  /** Hounsfield units. */
  readonly intensity: number;
  /** Whether it is cut off at the wall of the abdominal cavity and at the diaphragm. */
  readonly inside: boolean;
  /** Fat around it, millimeters. */
  readonly capsule: number;
  readonly lumen?: Lumen;
  /** Keeps the label of what it lies in, such as the medulla of a kidney. */
  readonly content?: boolean;
}

/** The trunk of one person, millimeters. */
export interface Body {
  /** Half axes of the abdominal cavity at the liver. */
  readonly cavity: readonly [halfWidth: number, halfDepth: number];
  /** Thickness of the muscle wall, and of the fat under the skin. */
  readonly wall: number;
  readonly fat: number;
  /** Domes of the diaphragm. */
  readonly domes: readonly Ellipsoid[];
}

/** One person in one scan. */
export interface Anatomy {
  readonly body: Body;
  readonly contrast: Contrast;
  /** Standard deviation of the noise, Hounsfield units. */
  readonly noise: number;
  /** Painted in this order, later over earlier. */
  readonly structures: readonly Structure[];
}

/** Draws a person's structures, moved and scaled together with the person. */
export interface Artist {
  readonly random: Random;
  readonly contrast: Contrast;
  /** How much people differ, from 0 to 1. */
  readonly variety: number;
  /** Adds a structure at its usual place, varied. */
  add(name: string, intensity: number, parts: Parts, vary?: Vary): void;
}

/** How a structure differs from person to person. */
export interface Vary {
  /** Standard deviation of the place, millimeters. */
  readonly shift?: number;
  /** Largest relative change of the size. */
  readonly size?: number;
  /** Largest turn, radians. */
  readonly turn?: number;
  readonly inside?: boolean;
  readonly capsule?: number;
  readonly lumen?: Lumen;
  /** Structures in it, which move with it and keep its label; with `none`, become background. */
  readonly within?: readonly { readonly intensity: number; readonly parts: Parts; readonly name?: string }[];
}

/**
 * One person's abdomen: organs at their places with a person's own shifts, sizes, turns and intensities.
 *
 * Places and sizes are those of an adult on the back (the CT of TotalSegmentator's example was measured); intensities follow
 * one contrast phase ({@link drawContrast}) and overlap with each other and with structures that carry no label.
 *
 * @param variety - How much people and scans differ, from 0 to 1.
 */
export function drawAnatomy(seed: number | string, variety = 1): Anatomy {
  const random = Random.of("anatomy", seed);
  const size = 1 + variety * random.uniform(-0.07, 0.06);
  const contrast = drawContrast(Random.of("contrast", seed), variety);
  const visceralFat = random.uniform(0.3, 2.5);
  const structures: Structure[] = [];
  const artist: Artist = {
    random,
    contrast,
    variety,
    add(name, intensity, parts, vary = {}) {
      const { inside = true, capsule = inside ? visceralFat : 0, lumen, within = [] } = vary;
      const [solid, ...contents] = varied(
        [parts, ...within.map((part) => part.parts)],
        vary,
        { size, variety },
        random,
      );
      structures.push({
        name,
        intensity,
        inside,
        capsule,
        parts: solid as Parts,
        ...(lumen && { lumen: scaledLumen(lumen, solid as Parts) }),
      });
      for (const [index, shape] of contents.entries()) {
        const part = within[index];
        if (part)
          structures.push({
            name: part.name ?? name,
            intensity: part.intensity,
            inside: true,
            capsule: 0,
            parts: shape,
            content: part.name === undefined,
          });
      }
    },
  };
  // Later over earlier: bowel first, so that the solid organs push it aside.
  drawBones(artist);
  drawBowel(artist);
  drawVessels(artist);
  drawOrgans(artist);
  return { body: drawBody(random, size, variety), contrast, noise: 7 * (24 / 7) ** random.uniform(), structures };
}

function drawBody(random: Random, size: number, variety: number): Body {
  const about = (middle: number, most: number): number => middle + variety * random.uniform(-most, most);
  const breath = variety * random.normal(0, 7);
  const dome = (x: number, y: number, top: number, rx: number, ry: number, rz: number): Ellipsoid =>
    ellipsoid([x * size, y, (top - rz) * size + breath], [rx * size, ry * size, rz * size]);
  return {
    cavity: [136 * size * about(1, 0.04), 102 * size * about(1, 0.07)],
    wall: about(12, 3),
    fat: about(15, 9),
    domes: [dome(68, 0, 128, 86, 112, 108), dome(-66, 0, 114, 84, 110, 98), dome(0, 8, 98, 70, 100, 80)],
  };
}

/** Puts the level of a fluid into the moved organ: `gasAbove` counts from the organ's middle. */
function scaledLumen(lumen: Lumen, parts: Parts): Lumen {
  if (lumen.gasAbove === undefined) return lumen;
  const points = parts.flatMap((part) => (part.kind === "tube" ? part.points : [part.center]));
  return { ...lumen, gasAbove: lumen.gasAbove + points.reduce((sum, [, y]) => sum + y, 0) / points.length };
}

/** Groups of parts together shifted, scaled and turned about the first group's center by random amounts. */
function varied(
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
