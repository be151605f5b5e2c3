import type { Random } from "@plseg/core";
import type { Contrast } from "./contrast-phase.js";
import type { Ellipsoid, Parts } from "./shapes.js";

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
