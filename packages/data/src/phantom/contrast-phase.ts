import type { Random } from "@plseg/core";

/** Tissues whose intensity depends on when the contrast agent was given. */
export type Tissue =
  | ("liver" | "spleen" | "cortex" | "medulla" | "pancreas" | "aorta" | "vein" | "muscle" | "bowel" | "adrenal")
  | ("esophagus" | "bile" | "urine" | "marrow" | "heart");

/** Hounsfield units without contrast agent, in the arterial phase (35 s) and in the portal venous phase (70 s). */
const PHASES: Readonly<Record<Tissue, readonly [native: number, arterial: number, portal: number]>> = {
  liver: [54, 68, 106],
  spleen: [46, 112, 118],
  cortex: [32, 150, 170],
  medulla: [32, 62, 150],
  pancreas: [40, 104, 92],
  aorta: [42, 300, 150],
  vein: [42, 70, 145],
  muscle: [54, 58, 64],
  bowel: [40, 78, 90],
  adrenal: [28, 64, 72],
  esophagus: [42, 60, 70],
  bile: [10, 10, 10],
  urine: [8, 8, 10],
  marrow: [200, 210, 220],
  heart: [42, 240, 140],
};

/** Hounsfield units of one scan by tissue. */
export type Contrast = Readonly<Record<Tissue, number>>;

/** Which part of the scans is drawn between which phases, by their index in {@link PHASES}. */
const MIX = [
  { part: 0.3, from: 0, to: 0 },
  { part: 0.25, from: 1, to: 2 },
  { part: 0.15, from: 0, to: 2 },
  { part: 0.3, from: 2, to: 2 },
] as const;

/**
 * Intensities of one scan. All tissues follow one phase, drawn once: a third of the scans is without contrast agent, the others
 * are portal venous, or on the way there. Every tissue then has its own deviation, and one liver in six is fatty.
 *
 * @param variety - From 0, the portal venous phase for all, to 1.
 */
export function drawContrast(random: Random, variety = 1): Contrast {
  let rest = random.uniform();
  const kind =
    MIX.find(({ part }) => {
      rest -= part;
      return rest < 0;
    }) ?? MIX[3];
  const along = random.uniform();
  const agent = random.uniform(0.85, 1.15);
  const tissues = Object.entries(PHASES).map(([tissue, values]) => {
    const mean = values[kind.from] + along * (values[kind.to] - values[kind.from]);
    const drawn = values[0] + agent * (mean - values[0]) + random.normal(0, 5);
    return [tissue, values[2] + variety * (drawn - values[2])] as const;
  });
  const contrast = Object.fromEntries(tissues) as Record<Tissue, number>;
  return random.uniform() < 1 / 6
    ? { ...contrast, liver: contrast.liver - variety * random.uniform(10, 35) }
    : contrast;
}
