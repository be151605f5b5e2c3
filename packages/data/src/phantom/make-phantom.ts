import { ClassSet, ConfigError, type LabelMap, Random, type Size3D, type Volume, withDefaults } from "@plseg/core";
import { blankCanvas } from "./canvas.js";
import { drawAnatomy } from "./draw-anatomy.js";
import { affineOf, fieldOfView } from "./field-of-view.js";
import { paintBody } from "./paint-body.js";
import { paintScanner } from "./paint-scanner.js";
import { paintStructure } from "./paint-structure.js";

/** Options of {@link makePhantom}. */
export interface PhantomOptions {
  /** Voxels along depth, height, width, or the same along all. 64, or as many as the anatomy has of `spacing`. */
  readonly size?: number | Size3D | undefined;
  /** 6 organs of the upper abdomen, or the 16 of the WORD dataset from the diaphragm to the hips. */
  readonly classes?: 6 | 16;
  /** Which person. The same seed gives the same voxels. */
  readonly seed?: number | string;
  /** Millimeters per voxel along depth, height, width. By default the voxels fill the anatomy. */
  readonly spacing?: Size3D | undefined;
  /** `"whole"`, or `"varied"`: other ends, wider or narrower, round in half of the scans, where −1024 is around the field. */
  readonly fieldOfView?: "whole" | "varied";
  /** How much people and scans differ: from 0, the same portal venous phase and nearly the same anatomy, to 1, a hospital's. */
  readonly variety?: number;
}

/** A synthetic abdominal CT with its truth. */
export interface Phantom {
  /** Hounsfield units, axes to right, anterior, superior (RAS+). */
  readonly image: Volume;
  /** Class indices of `classes`. */
  readonly labels: LabelMap;
  /** Names of the organs, the background first. */
  readonly classes: ClassSet;
}

/** What {@link makePhantom} uses where an option is missing. */
export const PHANTOM_DEFAULTS: Required<PhantomOptions> = {
  size: undefined,
  classes: 6,
  seed: 0,
  spacing: undefined,
  fieldOfView: "whole",
  variety: 1,
};

const ORGANS: Readonly<Record<6 | 16, readonly string[]>> = {
  6: ["liver", "spleen", "left_kidney", "right_kidney", "stomach", "aorta"],
  16: [
    ...["liver", "spleen", "left_kidney", "right_kidney", "stomach", "gallbladder", "esophagus", "pancreas"],
    ...["duodenum", "colon", "intestine", "adrenal", "rectum", "bladder", "left_femur_head", "right_femur_head"],
  ],
};

/**
 * A synthetic abdominal CT: outline, fat, muscles, bones, lungs, vessels, bowel, and the organs at their places.
 *
 * Every seed is another person in another scan: size and fat of the body; of each organ place, size, turn, bend and whether
 * it is there; contrast phase and noise. Organs overlap in intensity with each other and with structures that carry no label,
 * edges are blurred by partial volume, and noise is correlated between neighbors, so that an organ cannot be found by its
 * intensity alone.
 *
 * @throws ConfigError if the size is not from 16 to 1024 voxels along each axis, the spacing is not positive,
 *   or the variety not from 0 to 1.
 */
export function makePhantom(options: PhantomOptions = {}): Phantom {
  const { size, classes, seed, spacing, fieldOfView: shown, variety } = withDefaults(PHANTOM_DEFAULTS, options);
  if (!(variety >= 0 && variety <= 1))
    throw new ConfigError(`makePhantom: variety must be from 0 to 1, got ${variety}.`);
  const names = phantomClasses(classes);
  const field = fieldOfView({ classes, size, spacing, varied: shown === "varied" }, Random.of("field", seed));
  const { body, contrast, noise, structures } = drawAnatomy(seed, variety);
  const canvas = blankCanvas(field, Random.of("bend", seed), variety);
  paintBody(canvas, body, contrast);
  for (const structure of structures)
    paintStructure(canvas, structure, Math.max(0, names.names.indexOf(structure.name)));
  paintScanner(canvas, field, body.cavity[1] + body.wall + body.fat, noise, Random.of("noise", seed));
  const affine = affineOf(field);
  return {
    image: { data: canvas.intensity, shape: field.shape, affine },
    labels: { data: canvas.labels, shape: field.shape, affine },
    classes: names,
  };
}

/** The classes of a phantom, background first. @throws ConfigError unless there are 6 or 16 organs. */
export function phantomClasses(count: 6 | 16): ClassSet {
  const organs = ORGANS[count];
  if (!organs) throw new ConfigError(`makePhantom: classes must be 6 or 16, got ${count}.`);
  return new ClassSet(["background", ...organs]);
}
