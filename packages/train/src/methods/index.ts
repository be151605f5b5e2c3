import type { Method } from "../method.js";
import { dfl } from "./dfl.js";
import { plSeg } from "./pl-seg.js";
import { unet } from "./unet.js";

/** Every method by name. */
export const methods: Readonly<Record<string, Method>> = Object.fromEntries(
  [plSeg, dfl, unet].map((method) => [method.name, method]),
);
