import { ellipsoid, type Point, smooth, tube } from "./shapes.js";
import type { Artist } from "./structure.js";

/** How often an organ has been removed, or never was. */
const MISSING = { gallbladder: 0.12, kidney: 0.03, spleen: 0.02 } as const;

/** Organs with a label, apart from bowel. */
export function drawOrgans(artist: Artist): void {
  const { add, contrast, random, variety } = artist;
  const missing = random.uniform();
  drawUpperTract(artist);
  add(
    "liver",
    contrast.liver,
    [
      ellipsoid([88, -2, 62], [62, 88, 84], [0, 0.1, 0]),
      ellipsoid([98, 14, 4], [34, 56, 44]),
      ellipsoid([24, 46, 80], [78, 50, 42], [0, -0.25, 0]),
    ],
    {
      size: 0.1,
      within: [
        {
          intensity: contrast.vein * 0.5 + contrast.liver * 0.5,
          parts: [
            smooth(tube([5, 4, 3], [40, 10, 62], [74, -10, 70], [96, -30, 60]), 2),
            smooth(tube([4, 4, 3], [20, 4, 108], [58, 6, 92], [92, 18, 70]), 2),
            tube([4, 3], [20, 4, 108], [8, 44, 84]),
          ],
        },
      ],
    },
  );
  if (missing >= MISSING.spleen * variety)
    add(
      "spleen",
      contrast.spleen,
      [ellipsoid([-106, -36, 62], [34, 50, 50], [0.35, 0.1, 0.45]), ellipsoid([-96, -52, 84], [32, 32, 30])],
      { size: 0.18, shift: 6 },
    );
  const lone =
    1 - missing < 2 * MISSING.kidney * variety
      ? 1 - missing < MISSING.kidney * variety
        ? "left"
        : "right"
      : undefined;
  if (lone !== "right") drawKidney(artist, "left_kidney", -1, 30);
  if (lone !== "left") drawKidney(artist, "right_kidney", 1, 18);
  if (random.uniform() >= MISSING.gallbladder * variety)
    add(
      "gallbladder",
      contrast.bile + random.normal(0, 5),
      [smooth(tube([7, 13, 16, 13], [44, 26, 46], [54, 40, 40], [60, 52, 32], [64, 62, 26]), 2)],
      { size: 0.25, capsule: 0.5 },
    );
  for (const side of [-1, 1]) drawAdrenal(artist, side);
  add("bladder", contrast.urine, [ellipsoid([0, 18, -178], [40, 40, 33])], {
    size: 0.3,
    lumen: { wall: 3, intensity: contrast.urine },
  });
  add(
    "aorta",
    contrast.aorta,
    [
      smooth(tube([12, 11, 10, 9], [-12, -22, 170], [-10, -12, 90], [-12, -6, 10], [-6, -6, -50]), 3),
      smooth(tube([7, 6, 6], [-6, -6, -50], [-26, -6, -84], [-52, -14, -125]), 2),
      smooth(tube([7, 6, 6], [-6, -6, -50], [18, -2, -84], [48, -12, -125]), 2),
    ],
    { shift: 3, turn: 0.04, size: 0.16 },
  );
}

/** Esophagus, stomach, duodenum, pancreas. */
function drawUpperTract({ add, contrast, random }: Artist): void {
  add(
    "duodenum",
    contrast.bowel,
    [
      smooth(
        tube(
          [14, 16, 15, 14, 13, 12],
          [26, 44, 52],
          [46, 28, 42],
          [48, 12, 6],
          [34, 10, -18],
          [0, 16, -20],
          [-34, 18, 6],
        ),
        3,
      ),
    ],
    { lumen: { wall: 3, intensity: random.uniform(0, 60), pockets: random.uniform(-3.5, -0.5) } },
  );
  add(
    "pancreas",
    contrast.pancreas - random.uniform(0, 25),
    [smooth(tube([15, 16, 12, 11, 10], [32, 20, 18], [20, 24, 38], [-10, 32, 46], [-46, 16, 56], [-84, -12, 62]), 3)],
    { size: 0.18 },
  );
  add("esophagus", contrast.esophagus, [smooth(tube([9, 9, 10], [-8, -6, 170], [-10, 2, 124], [-26, 8, 100]), 3)], {
    shift: 3,
    capsule: 1,
    inside: false,
  });
  const full = random.uniform(0.65, 1.15);
  const food = random.uniform() < 0.3 ? random.uniform(100, 300) : random.uniform(0, 70);
  add(
    "stomach",
    contrast.bowel + random.normal(0, 6),
    [
      smooth(
        tube(
          [26 * full, 34 * full, 30 * full, 22 * full, 15],
          [-62, -6, 96],
          [-70, 24, 78],
          [-58, 50, 48],
          [-22, 62, 30],
          [18, 52, 44],
        ),
        3,
      ),
    ],
    { lumen: { wall: 5, intensity: food, gasAbove: random.uniform(-5, 40) } },
  );
}

/** Cortex, medulla, and the sinus with fat and the renal pelvis, which is not labeled. */
function drawKidney({ add, contrast, random }: Artist, name: string, side: number, z: number): void {
  const at = (x: number, y: number, dz: number): Point => [side * x, y, z + dz];
  const cyst = random.uniform() < 0.3;
  add(name, contrast.cortex, [ellipsoid(at(76, -40, 0), [29, 30, 53], [0.2, side * 0.24, side * 0.4])], {
    size: 0.14,
    shift: 7,
    capsule: random.uniform(2, 9),
    within: [
      { intensity: contrast.medulla, parts: [ellipsoid(at(74, -38, 0), [20, 20, 42], [0.2, side * 0.24, side * 0.4])] },
      ...(cyst ? [{ intensity: 6, parts: [ellipsoid(at(92, -44, random.uniform(-30, 30)), [12, 12, 12])] }] : []),
      { name: "fat", intensity: -70, parts: [ellipsoid(at(58, -30, 0), [17, 11, 24], [0, side * 0.2, side * 0.5])] },
      { name: "urine", intensity: contrast.urine, parts: [ellipsoid(at(58, -30, -4), [8, 6, 11])] },
      { name: "vessel", intensity: contrast.vein, parts: [tube([4, 5], at(62, -30, 4), at(22, -8, 10))] },
    ],
  });
}

/** A body with two limbs behind it, like a Y: a few voxels. */
function drawAdrenal({ add, contrast }: Artist, side: number): void {
  const [x, y, z] = side < 0 ? [-46, -14, 70] : [30, -16, 72];
  const at = (dx: number, dy: number, dz: number): Point => [x + side * dx, y + dy, z + dz];
  add(
    "adrenal",
    contrast.adrenal,
    [
      tube([4, 4.5, 3.5], at(-2, 14, 2), at(0, 2, 0), at(0, -2, -12)),
      tube([4, 3], at(0, 2, 0), at(-6, -20, -6)),
      tube([4, 3], at(0, 2, 0), at(10, -18, -8)),
    ],
    { shift: 3, size: 0.2, capsule: 1.5 },
  );
}
