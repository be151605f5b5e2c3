import type { Random } from "@plseg/core";

/** Millimeters: x to the patient's right, y to the front, z to the head; the origin is in the middle of the abdomen. */
export type Point = readonly [x: number, y: number, z: number];

/** An ellipsoid, turned about its center by `turn` (radians about x, y and z). */
export interface Ellipsoid {
  readonly kind: "ellipsoid";
  readonly center: Point;
  readonly radii: Point;
  readonly turn: Point;
}

/** A tube along a broken line, its radius changing linearly between the points. */
export interface Tube {
  readonly kind: "tube";
  readonly points: readonly Point[];
  readonly radii: readonly number[];
}

/** Parts of a structure. */
export type Parts = readonly (Ellipsoid | Tube)[];

/** One structure: the union of its parts, of one intensity. */
export interface Structure {
  /** Which organ it is, or belongs to. Structures that no class set names stay background. */
  readonly name: string;
  readonly parts: Parts;
  /** Hounsfield units. */
  readonly intensity: number;
  /** Whether it is cut off at the wall of the abdominal cavity. */
  readonly inside: boolean;
  /** Keeps the label of what it lies in, such as gas in the stomach. */
  readonly content?: boolean;
}

/** The body of one case. */
export interface Anatomy {
  /** Half axes of the body's outline, millimeters. */
  readonly body: readonly [halfWidth: number, halfDepth: number];
  /** Thickness of skin and fat under it, and of the muscle wall, as parts of the half axes. */
  readonly fat: number;
  readonly wall: number;
  /** Painted in this order, later over earlier. */
  readonly structures: readonly Structure[];
}

const GAS = -850;

const ellipsoid = (center: Point, radii: Point, turn: Point = [0, 0, 0]): Ellipsoid => ({
  kind: "ellipsoid",
  center,
  radii,
  turn,
});

const tube = (radii: readonly number[], ...points: readonly Point[]): Tube => ({ kind: "tube", points, radii });

/**
 * One person's abdomen: organs at their places with a person's own shifts, sizes, turns and intensities.
 *
 * Intensities are those of a portal venous CT, but liver, spleen, kidneys, aorta, stomach, pancreas, bowel and vessels
 * overlap within a few tens of HU, so that an organ is told from another by its place, shape and neighbors.
 */
export function drawAnatomy(random: Random): Anatomy {
  const body = [152 * random.uniform(0.95, 1.05), 108 * random.uniform(0.93, 1.07)] as const;
  const structures: Structure[] = [];
  const add = (name: string, intensity: number, parts: Parts, vary: Vary = {}): void => {
    const own = intensity + random.normal(0, vary.intensity ?? 6);
    const [solid, gas] = moved([parts, vary.gas ?? []], vary, random);
    structures.push({ name, intensity: own, inside: vary.inside ?? true, parts: solid });
    if (gas.length > 0) structures.push({ name, intensity: GAS, inside: true, content: true, parts: gas });
  };

  add("lung", -840, [ellipsoid([78, -8, 205], [64, 88, 88]), ellipsoid([-78, -8, 205], [64, 88, 88])], { shift: 4 });
  add("heart", 105, [ellipsoid([-22, 28, 205], [58, 48, 52])], { shift: 6 });
  addSpine(add);
  add("muscle", 60, [tube([20, 24, 26, 20], [38, -60, 60], [44, -54, 0], [52, -44, -80], [72, -20, -150])], {
    shift: 3,
  });
  add("muscle", 60, [tube([20, 24, 26, 20], [-38, -60, 60], [-44, -54, 0], [-52, -44, -80], [-72, -20, -150])], {
    shift: 3,
  });
  addPelvis(add, random);

  // Bowel first, so that the solid organs push it aside.
  const loops = Array.from({ length: 13 }, () => drawLoop(random));
  for (const loop of loops) add("intestine", random.uniform(55, 110), [loop], { shift: 0, turn: 0 });
  add(
    "colon",
    75,
    [
      tube([22, 24, 22], [108, -12, -105], [110, -14, -50], [104, 0, -5]),
      tube([20, 19, 20], [104, 0, -5], [40, 66, -22], [-45, 66, -10]),
      tube([19, 18, 18], [-45, 66, -10], [-104, 0, 12], [-112, -22, -25]),
      tube([18, 18, 17], [-112, -22, -25], [-108, -22, -95], [-60, -8, -128]),
      tube([16, 16], [-60, -8, -128], [-5, -42, -118]),
    ],
    { gas: [tube([9, 8], [70, 44, -12], [0, 70, -19]), ellipsoid([109, -6, -60], [9, 10, 22])] },
  );
  add("rectum", 65, [tube([17, 20, 18], [-5, -42, -112], [0, -52, -140], [0, -44, -175])], { shift: 4 });
  add("bladder", 45, [ellipsoid([0, 18, -150], [36, 30, 27])], { size: 0.15 });

  add("vessel", 115, [tube([15, 16, 15], [26, -34, -130], [24, -32, 40], [24, -8, 130])], { shift: 3 });
  add("vessel", 115, [tube([8, 9, 8], [-45, -2, 58], [8, 4, 45], [48, 6, 70])], { shift: 4 });
  add("duodenum", 80, [tube([14, 15, 15, 14], [22, 28, 58], [50, 12, 40], [48, 0, -2], [2, -2, -14])]);
  add("vessel", 115, [tube([6, 6, 5], [-6, -14, 62], [-4, 8, 20], [2, 12, -60])], { shift: 3 });
  add("pancreas", 95, [tube([18, 14, 13, 12], [32, 10, 30], [2, 22, 42], [-32, 8, 52], [-62, -12, 62])]);
  add("esophagus", 65, [tube([12, 12, 13], [-6, -22, 195], [-8, -20, 140], [-26, 2, 118])], { shift: 3 });

  add("stomach", 85, [tube([30, 36, 34, 22], [-48, 10, 125], [-66, 30, 98], [-46, 54, 62], [8, 52, 48])], {
    size: 0.1,
    intensity: 10,
    gas: [ellipsoid([-62, 44, 108], [16, 10, 18])],
  });
  add("left_kidney", 118, [ellipsoid([-66, -42, 32], [30, 31, 52], [0.15, -0.22, 0])]);
  add(
    "liver",
    105,
    [ellipsoid([84, 10, 98], [58, 78, 68], [0, 0.12, 0]), ellipsoid([12, 44, 112], [70, 40, 38], [0, -0.2, 0])],
    { size: 0.08 },
  );
  add("right_kidney", 118, [ellipsoid([68, -42, 18], [30, 31, 52], [0.15, 0.22, 0])]);
  add("spleen", 112, [ellipsoid([-99, -34, 90], [36, 48, 48], [0.3, 0, 0.35])], { size: 0.12 });
  if (random.uniform() > 0.1) add("gallbladder", 15, [ellipsoid([58, 50, 45], [17, 19, 25], [0.4, 0, 0])]);
  add(
    "adrenal",
    80,
    [
      tube([8, 8, 8], [40, -46, 82], [36, -36, 92], [42, -48, 70]),
      tube([8, 8, 8], [-42, -46, 92], [-38, -34, 96], [-46, -48, 76]),
    ],
    { shift: 4 },
  );
  add(
    "aorta",
    120,
    [
      tube([20, 19, 17], [-14, -32, 205], [-10, -30, 90], [-4, -34, -25]),
      tube([17, 12], [-4, -34, -25], [-30, -26, -80]),
    ],
    { shift: 4 },
  );
  return { body, fat: random.uniform(0.06, 0.16), wall: random.uniform(0.07, 0.11), structures };
}

interface Vary {
  /** Standard deviation of the place, millimeters. */
  readonly shift?: number;
  /** Largest relative change of the size. */
  readonly size?: number;
  /** Largest turn, radians. */
  readonly turn?: number;
  /** Standard deviation of the intensity, Hounsfield units. */
  readonly intensity?: number;
  readonly inside?: boolean;
  /** Gas in it, which moves with it. */
  readonly gas?: Parts;
}

/** Parts, and gas in them, together shifted, scaled and turned about the parts' common center by random amounts. */
function moved([parts, gas]: readonly [Parts, Parts], vary: Vary, random: Random): readonly [Parts, Parts] {
  const { shift = 6, size = 0.1, turn = 0.12 } = vary;
  const points = parts.flatMap((part) => (part.kind === "tube" ? part.points : [part.center]));
  const mean = ([0, 1, 2] as const).map((axis) => points.reduce((sum, p) => sum + p[axis], 0) / points.length);
  const [mx = 0, my = 0, mz = 0] = mean;
  const by = (): number => random.normal(0, shift);
  const [dx, dy, dz] = [by(), by(), by()];
  const factor = random.uniform(1 - size, 1 + size);
  const angles: Point = [random.uniform(-turn, turn), random.uniform(-turn, turn), random.uniform(-turn, turn)];
  const place = ([x, y, z]: Point): Point => {
    const [tx, ty, tz] = rotate([(x - mx) * factor, (y - my) * factor, (z - mz) * factor], angles);
    return [tx + mx + dx, ty + my + dy, tz + mz + dz];
  };
  const move = (part: Ellipsoid | Tube): Ellipsoid | Tube => {
    if (part.kind === "tube")
      return tube(
        part.radii.map((r) => r * factor),
        ...part.points.map(place),
      );
    const stretch = (radius: number): number => radius * factor * random.uniform(1 - size / 2, 1 + size / 2);
    const [rx, ry, rz] = part.radii;
    const [ax, ay, az] = part.turn;
    return ellipsoid(
      place(part.center),
      [stretch(rx), stretch(ry), stretch(rz)],
      [ax + angles[0], ay + angles[1], az + angles[2]],
    );
  };
  return [parts.map(move), gas.map(move)];
}

/** Turns a point about the x axis, then y, then z. */
export function rotate([x, y, z]: Point, [ax, ay, az]: Point): Point {
  const [y1, z1] = [y * Math.cos(ax) - z * Math.sin(ax), y * Math.sin(ax) + z * Math.cos(ax)];
  const [x2, z2] = [x * Math.cos(ay) + z1 * Math.sin(ay), z1 * Math.cos(ay) - x * Math.sin(ay)];
  return [x2 * Math.cos(az) - y1 * Math.sin(az), x2 * Math.sin(az) + y1 * Math.cos(az), z2];
}

type Add = (name: string, intensity: number, parts: Parts, vary?: Vary) => void;

/** Vertebrae with discs between them, the canal, the arches behind, and the muscles beside. */
function addSpine(add: Add): void {
  const still = { shift: 0, size: 0, turn: 0, inside: false };
  add("muscle", 58, [tube([24, 26, 24], [34, -82, 210], [36, -80, 0], [30, -80, -140])], still);
  add("muscle", 58, [tube([24, 26, 24], [-34, -82, 210], [-36, -80, 0], [-30, -80, -140])], still);
  add("disc", 90, [tube([20, 22, 22], [0, -62, 210], [0, -58, 0], [0, -62, -140])], still);
  for (let z = -130; z <= 210; z += 34) {
    add("bone", 230, [ellipsoid([0, -61, z], [25, 20, 15])], still);
    add(
      "bone",
      330,
      [tube([7, 5], [0, -88, z], [0, -104, z - 10]), tube([6, 5, 6], [-34, -82, z], [0, -92, z], [34, -82, z])],
      still,
    );
  }
  add("canal", 30, [tube([8, 8], [0, -82, 210], [0, -80, -140])], still);
}

/** Pelvic wings, sacrum and femoral heads in their sockets. */
function addPelvis(add: Add, random: Random): void {
  const still = { shift: 1, size: 0.04, turn: 0, inside: false };
  for (const side of [-1, 1]) {
    add(
      "bone",
      300,
      [tube([9, 12, 14], [side * 116, -12, -90], [side * 98, -42, -120], [side * 46, -74, -128])],
      still,
    );
    add("bone", 330, [ellipsoid([side * 90, -8, -154], [40, 38, 40])], still);
    add("muscle", 60, [ellipsoid([side * 84, -68, -160], [48, 26, 46])], still);
    const name = side < 0 ? "left_femur_head" : "right_femur_head";
    // The head lies in the joint's cartilage. Both move with it.
    const joint = random.uniform(-4, 4);
    add("cartilage", 90, [ellipsoid([side * 92 + joint, -8, -158], [32, 31, 32])], still);
    add(name, 270, [ellipsoid([side * 92 + joint, -8, -158], [27, 26, 27])], still);
  }
  add("bone", 260, [tube([26, 18], [0, -72, -140], [0, -86, -185])], still);
}

/** A loop of small bowel in the front of the lower abdomen. */
function drawLoop(random: Random): Tube {
  const start: Point = [random.uniform(-70, 70), random.uniform(0, 62), random.uniform(-108, 4)];
  const points: Point[] = [start];
  let heading = random.uniform(0, 2 * Math.PI);
  for (let i = 0; i < 3; i++) {
    const [x, y, z] = points[i] as Point;
    heading += random.uniform(-1.2, 1.2);
    points.push([x + 30 * Math.cos(heading), y + random.normal(0, 8), z + 26 * Math.sin(heading)]);
  }
  const radius = random.uniform(12, 17);
  return tube([radius, radius * 1.1, radius * 0.9, radius], ...points);
}
