import type { Random } from "@plseg/core";
import { type Point, smooth, type Tube, tube } from "./shapes.js";
import type { Artist } from "./structure.js";

/** Small bowel, colon, rectum: tubes with a wall, stool, fluid and gas. */
export function drawBowel({ add, contrast, random }: Artist): void {
  const wall = (): number => contrast.bowel + random.normal(0, 8);
  const fluid = (): number => (random.uniform() < 0.25 ? random.uniform(150, 350) : random.uniform(0, 55));
  for (let loop = 0; loop < 11; loop++)
    add("intestine", wall(), [drawLoop(random)], {
      shift: 0,
      turn: 0,
      lumen: { wall: 3, intensity: fluid(), pockets: random.uniform(-3.5, -1) },
    });
  const r = random.uniform(17, 26);
  const stool = (pockets: number): { lumen: { wall: number; intensity: number; pockets: number } } => ({
    lumen: { wall: 3, intensity: random.uniform(-20, 70), pockets: pockets + random.uniform(-1.2, 1.2) },
  });
  const colon = (width: number, pockets: number, ...points: readonly Point[]): void =>
    add(
      "colon",
      wall(),
      [
        smooth(
          tube(
            points.map(() => width),
            ...points,
          ),
          4,
          0.16,
        ),
      ],
      { shift: 4, ...stool(pockets) },
    );
  colon(r * 1.15, -0.4, [92, 14, -120], [106, -2, -80], [108, -14, -35], [104, -4, 0]);
  colon(r * 0.95, 0.9, [104, 0, 0], [82, 58, 6], [36, 82, -14], [-14, 84, -10], [-62, 74, 12], [-100, 30, 44]);
  colon(r * 0.8, -0.4, [-100, 30, 44], [-116, -10, 20], [-112, -26, -30], [-108, -14, -90]);
  colon(r * 0.75, 0, [-108, -14, -90], [-88, 10, -124], [-46, 6, -118], [-20, -24, -128], [-4, -46, -136]);
  add(
    "rectum",
    wall(),
    [smooth(tube([15, 20, 18, 13], [-4, -46, -136], [0, -62, -162], [0, -60, -190], [0, -50, -225]), 3)],
    { shift: 3, size: 0.2, ...stool(0) },
  );
}

/** A winding loop of small bowel in the front of the lower abdomen. */
function drawLoop(random: Random): Tube {
  const points: Point[] = [[random.uniform(-70, 70), random.uniform(10, 75), random.uniform(-125, 0)]];
  let heading = random.uniform(0, 2 * Math.PI);
  let rise = 0;
  for (let i = 0; i < 11; i++) {
    const [x, y, z] = points[i] as Point;
    heading += random.uniform(-1.3, 1.3);
    rise = 0.6 * rise + random.normal(0, 5);
    // Back to the middle from the borders of its region.
    const inward = (place: number, middle: number, half: number): number => -8 * ((place - middle) / half) ** 3;
    points.push([
      x + 19 * Math.cos(heading) + inward(x, 0, 75),
      y + rise + inward(y, 42, 36),
      z + 17 * Math.sin(heading) + inward(z, -62, 66),
    ]);
  }
  const radius = random.uniform(10, 16);
  return smooth(
    tube(
      points.map(() => radius * random.uniform(0.85, 1.15)),
      ...points,
    ),
    2,
  );
}
