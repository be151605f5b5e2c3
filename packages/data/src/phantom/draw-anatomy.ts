import { Random } from "@plseg/core";
import { drawContrast } from "./contrast-phase.js";
import { drawBones } from "./draw-bones.js";
import { drawBowel } from "./draw-bowel.js";
import { drawOrgans } from "./draw-organs.js";
import { drawVessels } from "./draw-vessels.js";
import { type Ellipsoid, ellipsoid, type Parts } from "./shapes.js";
import type { Anatomy, Artist, Body, Structure } from "./structure.js";
import { levelIn, varyParts } from "./vary-parts.js";

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
      const [solid, ...contents] = varyParts(
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
        ...(lumen && { lumen: levelIn(lumen, solid as Parts) }),
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
