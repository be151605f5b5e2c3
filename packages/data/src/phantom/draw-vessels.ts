import { type Point, smooth, tube } from "./shapes.js";
import type { Artist } from "./structure.js";

/** Heart, aorta, caval and portal veins, and the small vessels of the mesentery. */
export function drawVessels({ add, contrast, random }: Artist): void {
  add("heart", contrast.heart, [ellipsoidHeart()], { shift: 6, inside: false });
  const thin = { shift: 3, size: 0.12, turn: 0.04 };
  add(
    "vessel",
    contrast.vein,
    [smooth(tube([9, 9, 10, 11, 11], [24, -14, -110], [14, -6, -60], [14, -2, 20], [18, 2, 70], [14, 6, 130]), 3)],
    thin,
  );
  add("vessel", contrast.vein, [tube([8, 9], [14, -6, -58], [-22, -12, -100])], thin);
  add(
    "vessel",
    contrast.vein,
    [smooth(tube([6, 7, 6.5, 6], [-70, -10, 62], [-20, 12, 48], [20, 20, 44], [52, 14, 72]), 3)],
    thin,
  );
  add("vessel", contrast.vein, [smooth(tube([5, 5, 6], [6, 34, -50], [8, 28, 0], [12, 18, 40]), 3)], thin);
  const root: Point = [0, 24, 0];
  for (let i = 0; i < 14; i++) {
    const tip: Point = [random.uniform(-80, 80), random.uniform(20, 75), random.uniform(-110, 10)];
    const bend: Point = [tip[0] * 0.5 + random.normal(0, 8), tip[1] * 0.5 + 14, tip[2] * 0.5 + random.normal(0, 8)];
    add(
      "vessel",
      random.uniform() < 0.5 ? contrast.vein : contrast.aorta,
      [smooth(tube([2.5, 2, 1.5], root, bend, tip), 3)],
      { ...thin, capsule: 0 },
    );
  }
}

/** In the lower chest, left of the middle. */
const ellipsoidHeart = () =>
  ({ kind: "ellipsoid", center: [-20, 26, 150], radii: [66, 52, 48], turn: [0, 0, 0.3] }) as const;
