/**
 * What is known of a class in a case: `present` (annotated, and there), `absent` (annotated, and not there) or
 * `unannotated` (nobody looked, so its voxels say nothing).
 */
export type AnnotationState = "present" | "absent" | "unannotated";

/** The state of a class, given whether it was annotated and whether any voxel carries its label. */
export function annotationState(annotated: boolean, labeled: boolean): AnnotationState {
  if (!annotated) return "unannotated";
  return labeled ? "present" : "absent";
}
