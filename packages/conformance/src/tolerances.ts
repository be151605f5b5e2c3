import type { Tolerance } from "@plseg/test-kit";

/** Loss values and class weights (SPEC.md section 1). */
export const LOSS: Tolerance = { relative: 2e-6, absolute: 1e-7 };

/** Gradient tensors (SPEC.md section 1). */
export const GRADIENT: Tolerance = { ofMax: 1e-5 };

/** Network outputs (SPEC.md section 1). */
export const OUTPUT: Tolerance = { ofMax: 2e-5 };

/** Loss of a network case (SPEC.md section 1). */
export const LOSS_OF_NET: Tolerance = { relative: 2e-5 };

/** Gradient norms and first gradient elements of a network, relative to the largest of their table (SPEC.md section 1). */
export const GRADIENT_TABLE: Tolerance = { ofMax: 1e-4 };

/** Operators (SPEC.md section 1). */
export const OPERATOR: Tolerance = { ofMax: 1e-6 };
