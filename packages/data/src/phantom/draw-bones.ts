import { ellipsoid, type Point, smooth, tube } from "./shapes.js";
import type { Artist } from "./structure.js";

const STILL = { shift: 1, size: 0.03, turn: 0, inside: false } as const;

/** Fat parts the muscles. */
const MUSCLE = { ...STILL, capsule: 3 } as const;

/** Spine, pelvis, thigh bones, and the muscles that hold them. Ribs belong to the wall of the body. */
export function drawBones(artist: Artist): void {
  const { add, contrast } = artist;
  const muscle = contrast.muscle;
  for (const side of [-1, 1]) {
    const at = (x: number, y: number, z: number): Point => [side * x, y, z];
    add(
      "muscle",
      muscle,
      [tube([24, 27, 25, 20], at(34, -76, 150), at(38, -78, 20), at(36, -80, -90), at(22, -82, -150))],
      MUSCLE,
    );
    add("muscle", muscle, [ellipsoid(at(72, -72, -30), [30, 16, 60], [0, 0, side * 0.5])], MUSCLE);
    add(
      "muscle",
      muscle,
      [
        smooth(
          tube(
            [7, 17, 21, 20, 15],
            at(30, -40, 40),
            at(40, -36, -20),
            at(50, -30, -70),
            at(66, -6, -125),
            at(86, 18, -190),
          ),
          3,
        ),
      ],
      MUSCLE,
    );
  }
  drawSpine(artist);
  drawPelvis(artist);
}

function drawSpine({ add, contrast }: Artist): void {
  add("disc", 80, [tube([19, 21, 22, 20], [0, -44, 160], [0, -38, 20], [0, -36, -60], [0, -56, -112])], STILL);
  for (let z = -84; z <= 160; z += 33) {
    const y = z < -40 ? -40 + (z + 40) * 0.12 : -37 - (z + 40) * 0.03;
    add("bone", contrast.marrow + 150, [ellipsoid([0, y, z], [25, 19, 15.5])], STILL);
    add("bone", contrast.marrow, [ellipsoid([0, y, z], [21, 15, 12])], STILL);
    add(
      "bone",
      contrast.marrow + 200,
      [
        tube([6, 4], [0, y - 30, z], [0, y - 58, z - 12]),
        tube([5, 5, 6, 5, 5], [-42, y - 28, z], [-18, y - 22, z], [0, y - 34, z - 4], [18, y - 22, z], [42, y - 28, z]),
      ],
      STILL,
    );
  }
  add("canal", 30, [tube([9, 9], [0, -66, 160], [0, -62, -60])], STILL);
  // The sacrum is broad and bends backward.
  const sacrum = [
    ellipsoid([0, -62, -115], [48, 16, 20], [0.5, 0, 0]),
    ellipsoid([0, -76, -145], [34, 12, 22], [0.2, 0, 0]),
  ];
  add("bone", contrast.marrow + 60, sacrum, STILL);
  add(
    "bone",
    contrast.marrow - 60,
    sacrum.map((part) => ({ ...part, radii: [part.radii[0] - 5, part.radii[1] - 5, part.radii[2] - 4] as const })),
    STILL,
  );
}

/** Iliac wings as fans of bars from the crest to the hip joint, the joints, and the muscles outside. */
function drawPelvis({ add, contrast, random }: Artist): void {
  for (const side of [-1, 1]) {
    const at = (x: number, y: number, z: number): Point => [side * x, y, z];
    add("muscle", contrast.muscle, [ellipsoid(at(92, -62, -135), [42, 30, 62], [0, 0, side * 0.5])], MUSCLE);
    add("muscle", contrast.muscle, [ellipsoid(at(128, -22, -150), [26, 36, 62])], MUSCLE);
    add("muscle", contrast.muscle, [ellipsoid(at(80, -84, -180), [44, 24, 50])], MUSCLE);
    add("muscle", contrast.muscle, [ellipsoid(at(88, -12, -112), [20, 28, 36])], MUSCLE);
    add("muscle", contrast.muscle, [ellipsoid(at(92, 46, -205), [34, 26, 56])], MUSCLE);
    add("muscle", contrast.muscle, [ellipsoid(at(48, 22, -240), [26, 34, 40])], MUSCLE);
    const crest = smooth(
      tube([6, 6], at(50, -66, -104), at(74, -52, -82), at(98, -30, -74), at(114, -4, -80), at(120, 22, -104)),
      3,
    ).points;
    const wing = crest.map((top) => tube([6, 4.5, 9], top, [top[0] * 0.92, top[1] * 0.9 - 2, -122], at(90, -14, -166)));
    add(
      "bone",
      contrast.marrow + 170,
      [
        ...wing,
        tube(
          crest.map(() => 6.5),
          ...crest,
        ),
      ],
      STILL,
    );
    // Above and below the joint: pubis and seat bone.
    add(
      "bone",
      contrast.marrow + 170,
      [
        smooth(tube([12, 9, 10], at(78, 4, -190), at(44, 40, -204), at(10, 48, -212)), 3),
        tube([12, 11], at(86, -34, -190), at(66, -48, -235)),
      ],
      STILL,
    );
    const joint = random.uniform(-4, 4);
    add("bone", contrast.marrow + 190, [ellipsoid(at(88 + joint, -6, -184), [32, 32, 31])], STILL);
    // The head lies in the joint's cartilage. Both move with it.
    add("cartilage", 90, [ellipsoid(at(92 + joint, -6, -187), [26, 26, 26])], STILL);
    add(
      "bone",
      contrast.marrow + 120,
      [
        smooth(
          tube(
            [17, 15, 20, 19],
            at(93 + joint, -6, -188),
            at(118 + joint, -10, -204),
            at(136 + joint, -14, -222),
            at(138 + joint, -12, -260),
          ),
          2,
        ),
      ],
      STILL,
    );
    const name = side < 0 ? "left_femur_head" : "right_femur_head";
    add(name, contrast.marrow + 90, [ellipsoid(at(93 + joint, -6, -188), [23, 23, 23])], STILL);
  }
}
